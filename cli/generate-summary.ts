import { OutputError } from '../generator/emit/output/folder.js';
import type { WriteResult } from '../generator/emit/output/write.js';
import type { GeneratedFile } from '../generator/emit/target.js';
import type { Schema } from '../generator/schema/model.js';
import type { GenerateJob } from './generate-job.js';
import { UserError } from './user-error.js';

/** Runs something that reads or writes the output; what is wrong there is for the user to put right. */
export function withOutput<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof OutputError) throw new UserError(error.message, { cause: error });
    throw error;
  }
}

/** How much a run has been about. */
export interface Amounts {
  readonly modules: number;
  readonly definitions: number;
  readonly files: number;
}

/** How much it is to generate some files from a schema. */
export function amountsOf(schema: Schema, files: readonly GeneratedFile[]): Amounts {
  return {
    modules: schema.modules.filter((module) => module.file).length,
    definitions: schema.definitions.filter((definition) => !definition.implicit).length,
    files: files.length,
  };
}

/** What a run has done, in a line. */
export function summary(
  { schema, output }: GenerateJob,
  { modules, definitions, files }: Amounts,
  { written, removed }: Pick<WriteResult, 'written' | 'removed'>,
): string {
  return (
    `${schema}: ${count(modules, 'module')}, ${count(definitions, 'definition')}; ` +
    `${output.name}: ${count(files, 'file')} (${changesText({ written, removed })})`
  );
}

/** What a run did to the files of its output folder. */
export function changesText({ written, removed }: Pick<WriteResult, 'written' | 'removed'>): string {
  if (written.length === 0 && removed.length === 0) return 'all current';
  return [`${written.length} written`, ...(removed.length > 0 ? [`${removed.length} removed`] : [])].join(', ');
}

/** What a whole run says that has written its output, or found that there was nothing to write. */
export function done(
  job: GenerateJob,
  amounts: Amounts,
  result: Pick<WriteResult, 'written' | 'removed'> = { written: [], removed: [] },
): string {
  return `${summary(job, amounts, result)} in ${seconds(process.uptime() * 1000)}\n`;
}

/** What a run with `--check` says that has found nothing to change. */
export function current({ output }: Pick<GenerateJob, 'output'>, { files }: Pick<Amounts, 'files'>): string {
  return `${output.name} is current: ${count(files, 'file')}\n`;
}

/** A time as people read it. */
export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

/** A number of things. */
export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
