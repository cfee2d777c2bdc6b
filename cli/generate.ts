import { performance } from 'node:perf_hooks';
import { generate as emit } from '../generator/emit/generate.js';
import { type OptionName, optionTable } from '../generator/emit/option-table.js';
import type { Difference } from '../generator/emit/output/check.js';
import { writeFiles } from '../generator/emit/output/write.js';
import type { GeneratedFile } from '../generator/emit/target.js';
import { loadSchema } from '../generator/schema/load.js';
import type { Schema } from '../generator/schema/model.js';
import { type GenerateJob, type GenerateOptions, generateJob, selected } from './generate-job.js';
import { count, seconds, summary, withOutput } from './generate-summary.js';
import type { Host } from './host.js';
import { tableOption } from './options.js';
import { printDiagnostics } from './report.js';
import { exitCodes, type Subcommand } from './subcommand.js';
import { UserError } from './user-error.js';

/** `qapi-ts generate`. */
export const generate: Subcommand = {
  declare(command) {
    command
      .description('Writes TypeScript for a schema: one folder for each of its modules.')
      .argument('[schema]', 'the root schema; without it, the one that the configuration names')
      .option('--from <socket>', 'take the schema of the program that runs there, as it describes itself')
      .option('--agent', 'that program is a guest agent: of the schema, take the commands that it has')
      .option('--check', 'write nothing; fail, with a diff, unless the output is current')
      .option('--watch', 'go on, and write what changes whenever the schema does')
      .addHelpText('after', examples);
    for (const name of Object.keys(optionTable)) {
      const option = tableOption(name as OptionName);
      if (option) command.addOption(option);
    }
  },
  async run(command, host) {
    const { check, watch, ...options } = command.opts<GenerateOptions & { check?: boolean; watch?: boolean }>();
    if (check && watch) throw new UserError('--check and --watch exclude each other');
    const named = command.args[0];
    if (options.agent) refuseWithAgent(options, watch);
    else if (options.from !== undefined) refuseBeside(options, { schema: named, watch });
    if (watch) return (await import('./watch.js')).watch(named, options, host);
    const job = await generateJob(named, options, host);
    const { schema, diagnostics } = await loadSchema(job.schema, { dialect: job.dialect, host: job.files });
    printDiagnostics(diagnostics, host.stderr, host.env);
    if (!schema) {
      host.stderr.write(`${job.output.name} is as it was\n`);
      return exitCodes.problems;
    }
    const lacking = [...(job.selection.commands ?? [])].filter((name) => !schema.lookup(name));
    if (lacking.length > 0) host.stderr.write(`note: the agent has what the schema lacks: ${lacking.join(', ')}\n`);
    const wanted = selected(schema, job);
    const files = emit(wanted, job.emit);
    return check ? compare(job, files, host) : write(job, wanted, files, host);
  },
};

const examples = `
Examples:
  $ qapi-ts generate qapi/qapi-schema.json -o src/generated
  $ qapi-ts generate qapi/qapi-schema.json -o src/generated --check
  $ qapi-ts generate schema.json -o types --target types --int64 bigint
  $ qapi-ts generate schema.json -o src/generated --define CONFIG_LINUX --define CONFIG_WIN32=off
  $ qapi-ts generate --from /run/qmp.sock -o src/generated
  $ qapi-ts generate qga/qapi-schema.json --agent --from /run/qga.sock -o src/generated
  $ qapi-ts generate --watch           (with a qapi-ts.config.json, .ts or .js)`;

/** An agent tells the names of its commands; what they take and return the schema says. */
function refuseWithAgent({ from }: GenerateOptions, watch: boolean | undefined): void {
  if (from === undefined) throw new UserError('--agent says what the program of --from is: give both');
  if (watch) throw new UserError('--agent and --watch exclude each other');
}

/** A running program has one schema, in which every condition is decided. */
function refuseBeside(
  { dialect, define, onlyDefined }: GenerateOptions,
  { schema, watch }: { readonly schema: string | undefined; readonly watch: boolean | undefined },
): void {
  const others = {
    'a schema': schema,
    '--watch': watch,
    '--dialect': dialect,
    '--define': define,
    '--only-defined': onlyDefined,
  };
  const [other] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
  if (other !== undefined) throw new UserError(`--from and ${other} exclude each other`);
}

function write(job: GenerateJob, schema: Schema, files: readonly GeneratedFile[], { stdout }: Host): number {
  const result = withOutput(() => writeFiles(job.output.path, files));
  stdout.write(`${summary(job, schema, files, result)} in ${seconds(performance.now())}\n`);
  return exitCodes.ok;
}

async function compare(job: GenerateJob, files: readonly GeneratedFile[], { stdout, stderr }: Host): Promise<number> {
  const { checkFiles } = await import('../generator/emit/output/check.js');
  const differences = withOutput(() => checkFiles(job.output.path, files));
  if (differences.length === 0) {
    stdout.write(`${job.output.name} is current: ${count(files.length, 'file')}\n`);
    return exitCodes.ok;
  }
  for (const difference of differences) stdout.write(describe(difference));
  stderr.write(
    `error: ${job.output.name} is not current: ${count(differences.length, 'file')} would change\n` +
      'run the same command without --check to write it\n',
  );
  return exitCodes.problems;
}

function describe({ path, kind, diff }: Difference): string {
  if (kind === 'changed') return diff;
  return kind === 'missing' ? `${path} is missing\n` : `${path} would be removed\n`;
}
