import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { introspect, loadSchema, memoryHost, type SchemaInfo } from '../../../generator/index.js';
import { corpusPath, describeWithCorpus } from '../../corpus.js';

async function infos(text: string, dialect?: string, mask = false): Promise<SchemaInfo[]> {
  const host = memoryHost({ 'schema.json': text });
  const { schema, diagnostics } = await loadSchema('schema.json', { host, dialect });
  expect(diagnostics).toEqual([]);
  if (!schema) throw new Error('the schema is not valid');
  return introspect(schema, { mask, dialect });
}

const byKey = (list: readonly SchemaInfo[]) => new Map(list.map((info) => [`${info['meta-type']} ${info.name}`, info]));

describeWithCorpus('introspection of real schemas', 'releases', () => {
  it.each([
    ['2.8-dev', 'qapi-schema.json', '2.8'],
    ['4.2', 'qapi/qapi-schema.json', '4.2'],
    ['6.0', 'qapi/qapi-schema.json', '6.0'],
    ['7.2', 'qapi/qapi-schema.json', '7.2'],
    ['9.0-rc', 'qapi/qapi-schema.json', '9.0'],
    ['10.1', 'qapi/qapi-schema.json', '10.1'],
    ['11.1', 'qapi/qapi-schema.json', '11.1'],
  ])('equals the reference for %s, by its dialect and by auto', async (release, root, dialect) => {
    const path = corpusPath('releases', release, root);
    const expected = JSON.parse(
      readFileSync(corpusPath('releases', release, 'introspect.json'), 'utf8'),
    ) as SchemaInfo[];
    for (const options of [{ dialect }, {}]) {
      const { schema } = await loadSchema(path, options);
      const found = schema ? introspect(schema, options) : [];
      expect(byKey(found)).toEqual(byKey(expected));
      expect(found).toHaveLength(expected.length);
    }
  });
});

describe('introspect', () => {
  const schema = `
    { 'enum': 'Ee', 'data': [ 'a', 'b' ] }
    { 'struct': 'Unused', 'data': { 'x': 'int' } }
    { 'struct': 'Ss', 'data': { 'e': 'Ee', '*n': [ 'uint8' ], 's': 'size' } }
    { 'command': 'do', 'data': { 's': 'Ss' }, 'returns': [ 'Ss' ], 'allow-oob': true }
    { 'event': 'DONE' }`;

  it('reaches types from commands and events, folds integers and finds arrays', async () => {
    expect(byKey(await infos(schema, '10.1'))).toEqual(
      byKey([
        { name: 'do', 'meta-type': 'command', 'arg-type': 'q_obj_do-arg', 'ret-type': '[Ss]', 'allow-oob': true },
        { name: 'DONE', 'meta-type': 'event', 'arg-type': 'q_empty' },
        { name: 'q_obj_do-arg', 'meta-type': 'object', members: [{ name: 's', type: 'Ss' }] },
        {
          name: 'Ss',
          'meta-type': 'object',
          members: [
            { name: 'e', type: 'Ee' },
            { name: 'n', type: '[int]', default: null },
            { name: 's', type: 'int' },
          ],
        },
        { name: '[Ss]', 'meta-type': 'array', 'element-type': 'Ss' },
        { name: 'Ee', 'meta-type': 'enum', values: ['a', 'b'], members: [{ name: 'a' }, { name: 'b' }] },
        { name: '[int]', 'meta-type': 'array', 'element-type': 'int' },
        { name: 'int', 'meta-type': 'builtin', 'json-type': 'int' },
        { name: 'q_empty', 'meta-type': 'object', members: [] },
      ]),
    );
  });

  it('masks type names by numbers in order of first use', async () => {
    const masked = await infos(schema, '10.1', true);
    expect(masked[0]).toMatchObject({ name: 'do', 'arg-type': '0', 'ret-type': '[1]' });
    expect(masked.map(({ name }) => name)).toEqual(['do', 'DONE', '0', '[1]', '1', '2', '3', '[int]', 'int']);
    expect(masked.find(({ name }) => name === '2')).toMatchObject({ 'meta-type': 'object', members: [] });
  });

  it.each([
    ['2.12', { 'allow-oob': true }],
    ['3.0', { 'allow-oob': true }],
  ])('reports out-of-band execution as %s does', async (dialect, expected) => {
    const list = await infos("{ 'command': 'a', 'allow-oob': true } { 'command': 'b' }", dialect);
    expect(list[0]).toMatchObject(expected);
    expect('allow-oob' in (list[1] as object)).toBe(dialect === '2.12');
  });

  it('omits features where the release does not report them', async () => {
    const text = `
      { 'struct': 'Ss', 'data': { 'm': 'int' }, 'features': [ 'f' ] }
      { 'command': 'c', 'data': 'Ss', 'features': [ 'g' ] }`;
    const featuresOf = async (dialect: string) => (await infos(text, dialect)).flatMap((info) => info.features ?? []);
    expect(await featuresOf('4.2')).toEqual(['g', 'f']);
    expect(await featuresOf('5.0')).toEqual(['g', 'f']);
    const structOnly = text.replace(", 'features': [ 'g' ]", '');
    expect((await infos(structOnly, '4.1')).flatMap((info) => info.features ?? [])).toEqual(['f']);
  });

  it('lists tag values without a branch from 3.0 on', async () => {
    const text = `
      { 'enum': 'Ee', 'data': [ 'a', 'b' ] } { 'struct': 'Aa', 'data': { 'x': 'int' } }
      { 'union': 'Uu', 'base': { 'e': 'Ee' }, 'discriminator': 'e', 'data': { 'b': 'Aa' } }
      { 'struct': 'Ww', 'data': { 'union': 'Uu' } } { 'command': 'c', 'data': 'Ww' }`;
    const union = async (dialect: string) => (await infos(text, dialect)).find(({ name }) => name === 'Uu');
    expect(await union('2.6')).toMatchObject({ tag: 'e', variants: [{ case: 'b', type: 'Aa' }] });
    expect(await union('3.0')).toMatchObject({
      variants: [
        { case: 'b', type: 'Aa' },
        { case: 'a', type: 'q_empty' },
      ],
    });
  });
});
