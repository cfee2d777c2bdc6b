import { generate as emit } from '../generator/emit/generate.js';
import type { Difference } from '../generator/emit/output/check.js';
import { writeFiles } from '../generator/emit/output/write.js';
import { loadSchema } from '../generator/schema/load.js';
import type { Schema } from '../generator/schema/model.js';
import { type GenerateJob, selected } from './generate-job.js';
import { amountsOf, count, current, done, withOutput } from './generate-summary.js';
import type { Host } from './host.js';
import type { LastRun } from './last-run.js';
import { coloursFor, diagnosticsText } from './report.js';
import { exitCodes } from './subcommand.js';

/** Generates what a job wants, and writes it, or compares it with what is there. */
export async function runJob(
  job: GenerateJob,
  lastRun: LastRun | undefined,
  check: boolean,
  host: Host,
): Promise<number> {
  const { schema, diagnostics } = await loadSchema(job.schema, {
    dialect: job.dialect,
    host: lastRun?.files ?? job.files,
    advice: false,
  });
  const said = diagnosticsText(diagnostics, host.stderr, host.env);
  if (said !== '') host.stderr.write(said);
  if (!schema) {
    host.stderr.write(`${job.output.name} is as it was\n`);
    return exitCodes.problems;
  }
  const lacking = [...(job.selection.commands ?? [])].filter((name) => !schema.lookup(name));
  if (lacking.length > 0) host.stderr.write(`note: the agent has what the schema lacks: ${lacking.join(', ')}\n`);
  const wanted = selected(schema, job);
  const files = emit(wanted, job.emit);
  const amounts = amountsOf(wanted, files);
  if (check) {
    const { checkFiles } = await import('../generator/emit/output/check.js');
    const differences = withOutput(() => checkFiles(job.output.path, files));
    if (differences.length > 0) return await refuse(job, differences, wanted, host);
    host.stdout.write(current(job, amounts));
  } else {
    const result = withOutput(() => writeFiles(job.output.path, files));
    host.stdout.write(done(job, amounts, result));
  }
  lastRun?.keep(files, { amounts, said });
  return exitCodes.ok;
}

async function refuse(
  { output }: GenerateJob,
  differences: readonly Difference[],
  schema: Schema,
  { stdout, stderr, env }: Host,
): Promise<number> {
  for (const difference of differences) stdout.write(describe(difference));
  const { meaningOf } = await import('./diff/written.js');
  const meaning = await meaningOf(output.path, schema, coloursFor(stderr, env));
  if (meaning !== undefined) stderr.write(`For clients of the schema: ${meaning}\n`);
  stderr.write(
    `error: ${output.name} is not current: ${count(differences.length, 'file')} would change\n` +
      'run the same command without --check to write it\n',
  );
  return exitCodes.problems;
}

function describe({ path, kind, diff }: Difference): string {
  if (kind === 'changed') return diff;
  return kind === 'missing' ? `${path} is missing\n` : `${path} would be removed\n`;
}
