import { join } from 'node:path';
import { generate } from '../../../generator/emit/generate.js';
import type { EmitOptions } from '../../../generator/emit/options.js';
import type { GeneratedFile } from '../../../generator/emit/target.js';
import { loadSchema } from '../../../generator/schema/load.js';
import type { Schema } from '../../../generator/schema/model.js';
import { memoryHost } from '../../../generator/syntax/host.js';
import { isError } from '../../../generator/text/diagnostic.js';

/** The project's folder. */
export const project = join(import.meta.dirname, '../../..');

/** Reads a schema that has no errors, whatever release it is of. */
export async function schemaAt(path: string): Promise<Schema> {
  return valid(await loadSchema(path));
}

/** Reads a schema from its text. */
export async function schemaOf(text: string): Promise<Schema> {
  return valid(await loadSchema('schema.json', { host: memoryHost({ 'schema.json': text }) }));
}

/** Generates the code of one of the schemas in `test/fixtures/emit`. */
export async function generateFixture(name: string, options: EmitOptions = {}): Promise<GeneratedFile[]> {
  return generate(await schemaAt(join(project, 'test/fixtures/emit', name, 'qapi-schema.json')), options);
}

/** The text of one of several files. */
export function textOf(files: readonly GeneratedFile[], path: string): string {
  const file = files.find((candidate) => candidate.path === path);
  if (!file) throw new Error(`no ${path} among ${files.map((other) => other.path).join(', ')}`);
  return file.text;
}

function valid({ schema, diagnostics }: Awaited<ReturnType<typeof loadSchema>>): Schema {
  if (schema) return schema;
  throw new Error(
    diagnostics
      .filter(isError)
      .map(({ message }) => message)
      .join('\n'),
  );
}
