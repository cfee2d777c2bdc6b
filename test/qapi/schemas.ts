import { join } from 'node:path';
import { loadSchema } from '../../generator/index.js';
import type { Definition, Schema } from '../../generator/schema/model.js';

/** The schema that the shipped runtime implements. */
export const ownSchema = join(import.meta.dirname, '../../qapi/qapi-schema.json');

/** Loads a schema that must be valid. */
export async function load(path: string, dialect: string): Promise<Schema> {
  const { schema, diagnostics } = await loadSchema(path, { dialect });
  if (!schema) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return schema;
}

/** The definitions that stand in the schema itself: commands, events and all types that have a definition. */
export function ownDefinitions(schema: Schema): Definition[] {
  return schema.definitions.filter(({ implicit }) => !implicit);
}
