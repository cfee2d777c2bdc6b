import { Command, CommanderError } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { writtenOut } from './abbreviations.js';
import { type Host, wantsColours } from './host.js';
import { report } from './report-error.js';
import { exitCodes, type Subcommand } from './subcommand.js';

/** The subcommands by name; the file of one is loaded when it is called. */
const subcommands: Readonly<Record<string, { readonly summary: string; load(): Promise<Subcommand> }>> = {
  init: {
    summary: 'write what a program with generated code begins with',
    load: async () => (await import('./init/init.js')).init,
  },
  generate: {
    summary: 'write TypeScript for a schema',
    load: async () => (await import('./generate.js')).generate,
  },
  check: {
    summary: 'report everything that is wrong with schemas',
    load: async () => (await import('./check.js')).check,
  },
  diff: {
    summary: 'say what changes from one schema to another, and who breaks',
    load: async () => (await import('./diff/diff.js')).diff,
  },
  affected: {
    summary: 'find the places of a program that a change of its schema touches',
    load: async () => (await import('./affected.js')).affected,
  },
  scaffold: {
    summary: 'write skeletons of the handlers of a server, and keep them current',
    load: async () => (await import('./scaffold.js')).scaffold,
  },
  docs: {
    summary: 'write the reference of a schema as pages for a browser',
    load: async () => (await import('./docs.js')).docs,
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
  serve: {
    summary: 'serve disk images to QMP and NBD clients',
    load: async () => (await import('./serve/serve.js')).serve,
  },
  conformance: {
    summary: 'check whether a running program speaks what a schema says',
    load: async () => (await import('./conformance.js')).conformance,
  },
  mock: {
    summary: 'answer QMP clients with what a schema allows, for tests',
    load: async () => (await import('./mock/mock.js')).mock,
  },
  completion: {
    summary: 'print a script that makes a shell complete command lines',
    load: async () => (await import('./completion/completion.js')).completion,
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
  let parsed = args;
  const program = emptyProgram();
  configure(program, host);
  for (const [name, { summary, load }] of Object.entries(subcommands)) {
    const command = program.command(name).summary(summary);
    configure(command, host);
    // Completion knows the options of all of them.
    if (!args.includes(name) && args[0] !== 'completion') continue;
    const subcommand = await load();
    subcommand.declare(command);
    if (args[0] === name && subcommand.abbreviated) parsed = writtenOut(args, command, subcommand.abbreviated);
    command.action(async () => {
      code = await subcommand.run(command, host);
    });
  }
  try {
    await program.parseAsync(parsed, { from: 'user' });
  } catch (error) {
    // Commander has printed what it throws: help, the version, or how the command line is wrong.
    if (error instanceof CommanderError) return args.length === 0 ? exitCodes.problems : error.exitCode;
    return report(error, host);
  }
  return code;
}

/** The program with everything declared, for what describes it. */
export async function wholeProgram(): Promise<Command> {
  const program = emptyProgram();
  for (const [name, { summary, load }] of Object.entries(subcommands)) {
    (await load()).declare(program.command(name).summary(summary));
  }
  return program;
}

function emptyProgram(): Command {
  return new Command('qapi-ts')
    .description(packageJson.description)
    .version(packageJson.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText('after', examples);
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
