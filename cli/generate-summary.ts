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

/** What a run has done, in a line. */
export function summary(
  { schema: name, output }: GenerateJob,
  schema: Schema,
  files: readonly GeneratedFile[],
  { written, removed }: WriteResult,
): string {
  const modules = schema.modules.filter((module) => module.file).length;
  const definitions = schema.definitions.filter((definition) => !definition.implicit).length;
  const changes = [
    written.length === 0 && removed.length === 0 ? 'all current' : `${written.length} written`,
    ...(removed.length > 0 ? [`${removed.length} removed`] : []),
  ];
  return (
    `${name}: ${count(modules, 'module')}, ${count(definitions, 'definition')}; ` +
    `${output.name}: ${count(files.length, 'file')} (${changes.join(', ')})`
  );
}

/** A time as people read it. */
export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

/** A number of things. */
export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
