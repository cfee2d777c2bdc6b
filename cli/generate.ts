import { type OptionName, optionTable } from '../generator/emit/option-table.js';
import { type GenerateOptions, generateJob } from './generate-job.js';
import { current, done } from './generate-summary.js';
import { LastRun } from './last-run.js';
import { tableOption } from './options.js';
import { exitCodes, type Subcommand } from './subcommand.js';
import { UserError } from './user-error.js';

/** `qapi-ts generate`. */
export const generate: Subcommand = {
  declare(command) {
    command
      .description('Writes TypeScript for a schema: one folder for each of its modules.')
      .argument('[schema]', 'the root schema; without it, the one that the configuration names')
      .option('--from <socket>', "take the schema of the program that runs there, or that exec:'COMMAND' starts")
      .option(
        '--agent',
        'that program is a guest agent: take the commands that it has, of the schema or of its manual page',
      )
      .option(
        '--releases <list>',
        'the types of several releases as one tree: 9.0=schema.json,10.1=…, or a folder of releases',
      )
      .option('--check', 'write nothing; fail, with a diff, unless the output is current')
      .option('--watch', 'go on, and write what changes whenever the schema does')
      .addHelpText('after', examples);
    for (const name of Object.keys(optionTable)) {
      const option = tableOption(name as OptionName);
      if (option) command.addOption(option);
    }
  },
  async run(command, host) {
    const { check, watch, releases, ...options } = command.opts<
      GenerateOptions & { check?: boolean; watch?: boolean; releases?: string }
    >();
    if (check && watch) throw new UserError('--check and --watch exclude each other');
    const named = command.args[0];
    if (releases !== undefined) {
      refuseBesideReleases(options, { schema: named, watch });
      return (await import('./generate-releases.js')).runReleases(releases, check === true, options, host);
    }
    if (options.agent) refuseWithAgent(options, watch);
    else if (options.from !== undefined) refuseBeside(options, { schema: named, watch });
    if (watch) return (await import('./watch.js')).watch(named, options, host);
    const job = await generateJob(named, options, host);
    // The schema of a running program is in no file that could be compared.
    const lastRun = options.from === undefined ? LastRun.of(job, import.meta.url, host) : undefined;
    const findings = await lastRun?.find();
    if (findings === undefined) {
      // Without something to do, none of this is loaded.
      return (await import('./generate-run.js')).runJob(job, lastRun, check === true, host);
    }
    if (findings.said !== '') host.stderr.write(findings.said);
    host.stdout.write(check ? current(job, findings.amounts) : done(job, findings.amounts));
    return exitCodes.ok;
  },
};

const examples = `
Examples:
  $ qapi-ts generate qapi/qapi-schema.json -o src/generated
  $ qapi-ts generate qapi/qapi-schema.json -o src/generated --check
  $ qapi-ts generate schema.json -o types --target types --int64 bigint
  $ qapi-ts generate schema.json -o src/generated --define CONFIG_LINUX --define CONFIG_WIN32=off
  $ qapi-ts generate --from /run/qmp.sock -o src/generated
  $ qapi-ts generate --from exec:'qemu-system-x86_64 -machine none' -o src/generated
  $ qapi-ts generate --releases 9.0=qemu-9.0/qapi/qapi-schema.json,10.1=qemu-10.1/qapi/qapi-schema.json -o src/generated
  $ qapi-ts generate qga/qapi-schema.json --agent --from /run/qga.sock -o src/generated
  $ qapi-ts generate --agent --from exec:qemu-ga -o src/generated
  $ qapi-ts generate --watch           (with a qapi-ts.config.json, .ts or .js)`;

/** An agent tells the names of its commands; what they take and return a schema or its manual page says. */
function refuseWithAgent({ from }: GenerateOptions, watch: boolean | undefined): void {
  if (from === undefined) throw new UserError('--agent says what the program of --from is: give both');
  if (watch) throw new UserError('--agent and --watch exclude each other');
}

/** A running program has one schema, in which every condition is decided. */
function refuseBeside(
  { dialect, define, onlyDefined }: GenerateOptions,
  { schema, watch }: { readonly schema: string | undefined; readonly watch: boolean | undefined },
): void {
  refuseOthers('--from', {
    'a schema': schema,
    '--watch': watch,
    '--dialect': dialect,
    '--define': define,
    '--only-defined': onlyDefined,
  });
}

/** Types of several releases are whole, and those of a client alone. */
function refuseBesideReleases(
  { from, agent, dialect, define, onlyDefined, targets, openEnums }: GenerateOptions,
  { schema, watch }: { readonly schema: string | undefined; readonly watch: boolean | undefined },
): void {
  refuseOthers('--releases', {
    'a schema': schema,
    '--watch': watch,
    '--from': from,
    '--agent': agent,
    '--dialect': dialect,
    '--define': define,
    '--only-defined': onlyDefined,
    '--target': targets,
    '--open-enums': openEnums,
  });
}

function refuseOthers(option: string, others: Readonly<Record<string, unknown>>): void {
  const [other] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
  if (other !== undefined) throw new UserError(`${option} and ${other} exclude each other`);
}
