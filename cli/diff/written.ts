import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareSchemas } from '../../generator/compare/compare.js';
import { prettyChanges } from '../../generator/compare/report/pretty.js';
import type { SchemaInfo } from '../../generator/schema/introspect.js';
import type { Schema } from '../../generator/schema/model.js';
import type { Colours } from '../../generator/text/report/colours.js';
import { complaintAboutIntrospection } from '../../testkit/introspection-data.js';
import { introspected } from './sides.js';

/**
 * What the difference between generated code and its schema means for clients. Generated code keeps the introspection of the
 * schema that it was made from.
 *
 * @returns undefined when it does not: without the target `introspection`, or when it cannot be read
 */
export async function meaningOf(folder: string, schema: Schema, colours: Colours): Promise<string | undefined> {
  const infos = writtenIntrospection(folder);
  if (!infos) return undefined;
  const old = await introspected('the generated code', infos);
  return prettyChanges(compareSchemas(old.schema, schema, { introspection: true }), false, colours);
}

/** The data in a generated `introspection.ts`, which has one entity a line. */
function writtenIntrospection(folder: string): SchemaInfo[] | undefined {
  try {
    const lines = readFileSync(join(folder, 'introspection.ts'), 'utf8').matchAll(/^ {2}(\{.*\}),$/gm);
    const infos = [...lines].map(([, line]) => JSON.parse(line as string));
    return infos.length === 0 || complaintAboutIntrospection(infos) !== undefined ? undefined : infos;
  } catch {
    return undefined;
  }
}
