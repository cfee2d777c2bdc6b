import { schemaFromIntrospection } from '../generator/schema/from-introspection.js';
import type { SchemaInfo } from '../generator/schema/introspect.js';
import type { JsonValue } from '../runtime/json/value.js';
import { complaintAboutIntrospection } from '../testkit/introspection-data.js';
import { looksLikeJson } from './looks-like-json.js';

/**
 * The introspection data in a text; undefined when it is something else.
 *
 * @throws Error when it is JSON, and no introspection data
 */
export function introspectionIn(text: string): SchemaInfo[] | undefined {
  if (!looksLikeJson(text)) return undefined;
  let value: JsonValue;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (text.trimStart().startsWith('{')) return undefined;
    throw new Error(`it is neither a schema nor introspection data: ${(error as Error).message}`, { cause: error });
  }
  const infos = typeof value === 'object' && value !== null && 'return' in value ? value.return : value;
  const complaint = complaintAboutIntrospection(infos as JsonValue);
  if (complaint !== undefined) throw new Error(`it is JSON, but no introspection data: ${complaint}`);
  return infos as unknown as SchemaInfo[];
}

/**
 * The schema that introspection data in a file describe, as text; undefined when the file has something else.
 *
 * @param name the file, as to be named to the user
 * @throws Error when it is JSON, and no introspection data
 */
export function schemaTextIn(text: string, name: string): string | undefined {
  const infos = introspectionIn(text);
  return infos && schemaFromIntrospection(infos, name);
}
