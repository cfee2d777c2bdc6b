import { Command, CommanderError } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { type Host, wantsColours } from './host.js';
import { UserError } from './user-error.js';

/** One subcommand, in a file of its own. */
export interface Subcommand {
  /** Declares operands, options and examples. */
  declare(command: Command): void;
  /** Does the work and returns the exit code. The operands and options are the command's. */
  run(command: Command, host: Host): Promise<number>;
}

/** What went well, what did not, and what must not happen; `docs/cli.md` explains them. */
export const exitCodes = { ok: 0, problems: 1, bug: 2, interrupted: 130 } as const;

/** The subcommands by name; the file of one is loaded when it is called. */
const subcommands: Readonly<Record<string, { readonly summary: string; load(): Promise<Subcommand> }>> = {
  generate: {
    summary: 'write TypeScript for a schema',
    load: async () => (await import('./generate.js')).generate,
  },
  check: {
    summary: 'report everything that is wrong with schemas',
    load: async () => (await import('./check.js')).check,
  },
  ir: {
    summary: 'print the checked model of a schema as JSON',
    load: async () => (await import('./ir.js')).ir,
  },
  introspect: {
    summary: 'print what query-qmp-schema returns for a schema, as JSON',
    load: async () => (await import('./introspect.js')).introspect,
  },
  shell: {
    summary: 'talk QMP with a running program',
    load: async () => (await import('./shell.js')).shell,
  },
  conformance: {
    summary: 'check whether a running program speaks what a schema says',
    load: async () => (await import('./conformance.js')).conformance,
  },
};

const examples = `
Examples:
  $ qapi-ts check qapi/qapi-schema.json
  $ qapi-ts generate qapi/qapi-schema.json -o src/generated
  $ qapi-ts generate                  (with a qapi-ts.config.json, .ts or .js)

'qapi-ts help <command>' tells more about a command.`;

/** Runs a command line (without the name of the program) and returns the exit code. Never throws. */
export async function run(args: readonly string[], host: Host): Promise<number> {
  let code: number = exitCodes.ok;
  const program = new Command('qapi-ts')
    .description(packageJson.description)
    .version(packageJson.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText('after', examples);
  configure(program, host);
  for (const [name, { summary, load }] of Object.entries(subcommands)) {
    const command = program.command(name).summary(summary);
    configure(command, host);
    if (!args.includes(name)) continue;
    const subcommand = await load();
    subcommand.declare(command);
    command.action(async () => {
      code = await subcommand.run(command, host);
    });
  }
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    // Commander has printed what it throws: help, the version, or how the command line is wrong.
    if (error instanceof CommanderError) return args.length === 0 ? exitCodes.problems : error.exitCode;
    return report(error, host);
  }
  return code;
}

function configure(command: Command, host: Host): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => host.stdout.write(text),
    writeErr: (text) => host.stderr.write(text),
    getOutHelpWidth: () => host.stdout.columns ?? 100,
    getErrHelpWidth: () => host.stderr.columns ?? 100,
    getOutHasColors: () => wantsColours(host.stdout, host.env),
    getErrHasColors: () => wantsColours(host.stderr, host.env),
  });
}

/** Says what went wrong, and returns the exit code for it. */
export function report(error: unknown, { env, stderr }: Host): number {
  const trace = env.QAPI_TS_DEBUG ? `${error instanceof Error ? error.stack : String(error)}\n` : '';
  if (error instanceof UserError) {
    stderr.write(`error: ${error.message}\n${error.hint === undefined ? '' : `${error.hint}\n`}${trace}`);
    return exitCodes.problems;
  }
  stderr.write(
    `internal error: ${error instanceof Error ? error.message : String(error)}\n` +
      'This is a mistake in qapi-ts, not in your schema. Please report it with the schema, the command line and what\n' +
      `the same command prints with QAPI_TS_DEBUG=1 (qapi-ts ${packageJson.version}, Node.js ${process.version}).\n${trace}`,
  );
  return exitCodes.bug;
}
