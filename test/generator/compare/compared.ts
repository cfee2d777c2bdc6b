import { expect } from 'vitest';
import { type Change, type CompareSchemasOptions, compareSchemas } from '../../../generator/index.js';
import { loadSchema } from '../../../generator/schema/load.js';
import type { Schema } from '../../../generator/schema/model.js';
import { memoryHost } from '../../../generator/syntax/host.js';

/** The schema of a text that is right. */
export async function schemaOf(text: string, dialect = 'auto'): Promise<Schema> {
  const host = memoryHost({ 'schema.json': text });
  const { schema, diagnostics } = await loadSchema('schema.json', { host, dialect, advice: false });
  if (!schema) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return schema;
}

/** The changes between two texts. From a schema to itself there must be none, whichever it is. */
export async function changesBetween(
  old: string,
  now: string,
  options: CompareSchemasOptions = {},
  dialect?: string,
): Promise<Change[]> {
  const [before, after] = [await schemaOf(old, dialect), await schemaOf(now, dialect)];
  expect(compareSchemas(before, await schemaOf(old, dialect), options)).toEqual([]);
  expect(compareSchemas(after, await schemaOf(now, dialect), options)).toEqual([]);
  return compareSchemas(before, after, options);
}

/** A change in one line: `member-removed run>arguments.x [kind=a|b] sender! ` with `!` for what breaks, `?` for what may surprise, `*` for a notice. */
export function lineOf({ kind, uses, branch = uses[0]?.branch ?? [], breaks, severity }: Change): string {
  const mark = { breaks: '!', 'may surprise': '?', notice: '*', compatible: '' }[severity];
  const places = uses.map(({ entity, path }) => (path === '' ? entity : `${entity}>${path}`));
  const branches = branch.map(({ tag, values }) => `[${tag}=${values.join('|')}]`);
  const clients = breaks.filter((role) => role === 'sender' || role === 'receiver').join('+');
  return [kind, places.join(' '), ...branches, `${clients}${mark}`].filter((part) => part !== '').join(' ');
}
