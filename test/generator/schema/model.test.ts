import { describe, expect, it } from 'vitest';
import { loadSchema, memoryHost } from '../../../generator/index.js';
import { modelAsJson } from '../../../generator/schema/ir.js';
import type { Schema } from '../../../generator/schema/model.js';

async function load(files: string | Record<string, string>, dialect = 'auto'): Promise<Schema> {
  const host = memoryHost(typeof files === 'string' ? { 'schema.json': files } : files);
  const { schema, diagnostics } = await loadSchema('schema.json', { dialect, host });
  if (!schema) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return schema;
}

/** The names of the entities that a schema makes, in order, without the built-in ones. */
function names(schema: Schema): string[] {
  return schema.definitions.filter(({ span }) => span).map(({ name }) => name);
}

describe('implicit types', () => {
  it('lists implicit types before the definition that needs them: arrays of members, the inline object, the array of the result', async () => {
    const schema = await load(`
{ 'command': 'c', 'data': { 'a': [ 'S' ], 'b': [ 'E' ], 'c': [ 'S' ], 'd': [ 'int' ] }, 'returns': [ 'T' ] }
{ 'union': 'U', 'base': { 'e': 'E', 's': [ 'U' ] }, 'discriminator': 'e', 'data': {} }
{ 'alternate': 'A', 'data': { 'l': [ 'A' ], 'b': 'bool' } }
{ 'enum': 'E', 'data': [ 'x' ] } { 'struct': 'S', 'data': {} } { 'struct': 'T', 'data': {} }`);
    expect(names(schema)).toEqual([
      'SList',
      'EList',
      'q_obj_c-arg',
      'TList',
      'c',
      'UList',
      'q_obj_U-base',
      'U',
      'AList',
      'A',
      'E',
      'S',
      'T',
    ]);
    expect(schema.lookup('intList')).toMatchObject({ kind: 'array', module: { name: './builtin' } });
  });

  it('wraps the branches of simple unions in implicit types, and gives them a tag', async () => {
    const schema = await load(
      `
{ 'union': 'U', 'data': { 'a': 'S', 'b': [ 'str' ], 'c': { 'type': 'S', 'if': 'defined(C)' } } }
{ 'union': 'V', 'data': { 's': 'S' } }
{ 'struct': 'S', 'data': {}, 'if': 'defined(S)' }`,
      '5.2',
    );
    expect(names(schema)).toEqual(['q_obj_S-wrapper', 'q_obj_strList-wrapper', 'UKind', 'U', 'VKind', 'V', 'S']);
    const entities = modelAsJson(schema).modules.flatMap((module) => module.entities);
    expect(entities).toContainEqual({
      kind: 'object',
      name: 'q_obj_S-wrapper',
      members: [{ name: 'data', type: 'S', optional: false }],
      if: 'defined(S)',
    });
    expect(entities).toContainEqual({
      kind: 'enum',
      name: 'UKind',
      members: [{ name: 'a' }, { name: 'b' }, { name: 'c', if: 'defined(C)' }],
    });
    expect(entities).toContainEqual({
      kind: 'object',
      name: 'U',
      members: [{ name: 'type', type: 'UKind', optional: false }],
      tag: 'type',
      branches: [
        { name: 'a', type: 'q_obj_S-wrapper' },
        { name: 'b', type: 'q_obj_strList-wrapper' },
        { name: 'c', type: 'q_obj_S-wrapper', if: 'defined(C)' },
      ],
    });
  });

  it('makes no implicit type for an empty object', async () => {
    const schema = await load("{ 'command': 'c', 'data': {} } { 'event': 'EE', 'data': {} }");
    expect(names(schema)).toEqual(['c', 'EE']);
    expect(schema.lookup('c')).not.toHaveProperty('arguments');
  });

  it('gives implicit types the condition of what needs them, and arrays that of their element', async () => {
    const schema = await load(
      "{ 'event': 'EE', 'data': { 'a': [ 'S' ] }, 'if': 'X' } { 'struct': 'S', 'data': {}, 'if': { 'not': 'Y' } }",
    );
    expect(schema.lookup('q_obj_EE-arg')?.condition?.source).toBe('X');
    expect(schema.lookup('SList')?.condition?.source).toEqual({ not: 'Y' });
  });

  it('fills the gaps of a union with empty types, under the condition of the value', async () => {
    const schema = await load(`
{ 'enum': 'E', 'data': [ 'x', 'y', { 'name': 'z', 'if': 'Z' } ] }
{ 'struct': 'Base', 'data': { 'e': 'E' } }
{ 'struct': 'Middle', 'base': 'Base', 'data': {} }
{ 'union': 'U', 'base': 'Middle', 'discriminator': 'e', 'data': { 'y': 'Base2' } }
{ 'struct': 'Base2', 'data': {} }`);
    const union = schema.lookup('U');
    if (union?.kind !== 'union') throw new Error('U is a union');
    const branches = union.branches.map(({ name, type, implicit, condition }) => [
      name,
      type.name,
      implicit,
      condition?.source,
    ]);
    expect(branches).toEqual([
      ['y', 'Base2', false, undefined],
      ['x', 'q_empty', true, undefined],
      ['z', 'q_empty', true, 'Z'],
    ]);
    expect(union.tag).toBe(union.base?.base?.members[0]);
  });
});

describe('modules', () => {
  it('lists in a module what its file defines, and the arrays of it; an included module stands where its include does', async () => {
    const schema = await load({
      'schema.json': "{ 'include': 'sub/a.json' } { 'command': 'c', 'returns': [ 'A' ] } { 'include': 'b.json' }",
      'sub/a.json': "{ 'include': '../b.json' } { 'struct': 'A', 'data': { 'b': [ 'B' ], 's': [ 'str' ] } }",
      'b.json': "{ 'struct': 'B', 'data': {} }",
    });
    expect(schema.modules.map(({ name, includes }) => [name, includes])).toEqual([
      ['./builtin', []],
      ['schema.json', ['sub/a.json', 'b.json']],
      ['sub/a.json', ['b.json']],
      ['b.json', []],
    ]);
    const own = schema.modules.slice(1).map(({ definitions }) => definitions.map(({ name }) => name));
    expect(own).toEqual([['c'], ['A', 'AList'], ['B', 'BList']]);
    expect(names(schema)).toEqual(['B', 'BList', 'A', 'AList', 'c']);
    for (const module of schema.modules) {
      for (const definition of module.definitions) expect(definition.module).toBe(module);
    }
  });
});

describe('recursion', () => {
  it('resolves types that recur through members, arrays and branches', async () => {
    const schema = await load("{ 'struct': 'S', 'data': { 'self': 'S', '*list': [ 'S' ] } }");
    const struct = schema.lookup('S');
    if (struct?.kind !== 'struct') throw new Error('S is a struct');
    expect(struct.members[0]?.type).toBe(struct);
    expect(struct.members[1]?.type).toMatchObject({ kind: 'array', element: struct });
  });
});

describe('built-in types', () => {
  it.each([
    ['int8', -128n, 127n],
    ['uint32', 0n, 2n ** 32n - 1n],
    ['int', -(2n ** 63n), 2n ** 63n - 1n],
    ['size', 0n, 2n ** 64n - 1n],
  ])('the built-in type %s has a range', async (name, min, max) => {
    expect((await load('')).lookup(name)).toMatchObject({ kind: 'builtin', json: 'int', range: { min, max } });
  });

  it.each([
    ['2.4', false, undefined],
    ['2.8', false, ['none', 'qnull', 'qint', 'qstring', 'qdict', 'qlist', 'qfloat', 'qbool']],
    ['10.1', true, ['none', 'qnull', 'qnum', 'qstring', 'qdict', 'qlist', 'qbool']],
  ])('dialect %s has null and the values of QType as its release did', async (dialect, hasNull, values) => {
    const schema = await load('', dialect);
    const qtype = schema.lookup('QType');
    expect(schema.lookup('null') !== undefined).toBe(hasNull);
    expect(qtype?.kind === 'enum' ? qtype.members.map(({ name }) => name) : undefined).toEqual(values);
  });
});
