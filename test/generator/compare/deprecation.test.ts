import { describe, expect, test } from 'vitest';
import { compareSchemas } from '../../../generator/compare/compare.js';
import { type EarlierRelease, withDeprecationSince } from '../../../generator/compare/deprecation.js';
import { schemaOf } from './compared.js';

const deprecated = "'features': [ 'deprecated' ]";

/** A schema in which some of what goes later is marked already. */
function schema(marks: { readonly command?: boolean; readonly member?: boolean; readonly value?: boolean }): string {
  const member = marks.member ? `{ 'type': 'int', ${deprecated} }` : "'int'";
  const value = marks.value ? `{ 'name': 'old', ${deprecated} }` : "'old'";
  return `
    { 'command': 'go', 'data': { '*x': 'int' } ${marks.command ? `, ${deprecated}` : ''} }
    { 'struct': 'Outer', 'data': { 'list': [ 'Inner' ] } }
    { 'enum': 'Kind', 'data': [ 'a', ${value} ] }
    { 'struct': 'Deep', 'data': { '*__org.x_y': ${member} } }
    { 'union': 'Inner', 'base': { 'kind': 'Kind' }, 'discriminator': 'kind', 'data': { 'a': 'Deep' } }
    { 'enum': 'Plain', 'data': [ 'b', ${value} ] }
    { 'command': 'set', 'data': { 'outer': 'Outer', 'plain': 'Plain' } }`;
}

const now = `
  { 'struct': 'Outer', 'data': { 'list': [ 'Inner' ] } }
  { 'enum': 'Kind', 'data': [ 'a', 'old' ] }
  { 'struct': 'Deep', 'data': { } }
  { 'union': 'Inner', 'base': { 'kind': 'Kind' }, 'discriminator': 'kind', 'data': { 'a': 'Deep' } }
  { 'enum': 'Plain', 'data': [ 'b' ] }
  { 'command': 'set', 'data': { 'outer': 'Outer', 'plain': 'Plain' } }`;

async function since(...earlier: readonly Parameters<typeof schema>[0][]): Promise<Record<string, string>> {
  const history: EarlierRelease[] = [];
  for (const [index, marks] of earlier.entries()) {
    history.push({ name: `${index + 1}.0`, schema: await schemaOf(schema(marks)) });
  }
  const old = { name: 'old', schema: await schemaOf(schema({ command: true, member: true, value: true })) };
  const changes = withDeprecationSince(compareSchemas(old.schema, await schemaOf(now)), history, old);
  const gone = changes.filter(({ kind }) => kind.endsWith('removed') && !kind.startsWith('deprecated'));
  return Object.fromEntries(gone.map(({ kind, message }) => [kind, message.replace(/^.*it was deprecated/, '')]));
}

describe('withDeprecationSince', () => {
  test('names the first release from which on what is gone was marked', async () => {
    expect(await since({}, { command: true }, { command: true, member: true })).toEqual({
      'command-removed': ' since 2.0',
      'member-removed': ' since 3.0',
      'enum-value-removed': ' since old',
    });
  });

  test('does not count a mark that was taken back, and says when the history begins too late', async () => {
    expect(await since({ command: true, value: true }, { value: true }, { command: true, value: true })).toEqual({
      'command-removed': ' since 3.0',
      'member-removed': ' since old',
      'enum-value-removed': ' since 1.0 or before',
    });
  });

  test('says of what was not marked nothing', async () => {
    const [old, after] = [await schemaOf(schema({})), await schemaOf(now)];
    const changes = compareSchemas(old, after);
    expect(withDeprecationSince(changes, [{ name: '1.0', schema: old }], { name: 'old', schema: old })).toEqual(
      changes,
    );
  });
});
