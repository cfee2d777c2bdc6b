import { describe, expect, it } from 'vitest';
import { checkSchema, type Diagnostic, loadSchema, memoryHost, placeOf } from '../../../generator/index.js';

async function check(files: string | Record<string, string>, dialect = '10.1'): Promise<readonly Diagnostic[]> {
  const host = memoryHost(typeof files === 'string' ? { 'schema.json': files } : files);
  return await checkSchema('schema.json', { dialect, host });
}

async function namesIn(files: string | Record<string, string>, dialect?: string): Promise<string[]> {
  return (await check(files, dialect)).map(({ name }) => name);
}

describe('loading a schema', () => {
  it('returns which files were read, also when they have errors', async () => {
    const host = memoryHost({
      'a/root.json': "{ 'include': 'sub/b.json' } { 'include': 'none.json' }",
      'a/sub/b.json': "{ 'command': 'x' }",
    });
    const { schema, files, diagnostics } = await loadSchema('a/root.json', { host });
    expect(schema).toBeUndefined();
    expect(files).toEqual(['a/root.json', 'a/sub/b.json']);
    expect(diagnostics.map(({ name }) => name)).toEqual(['unreadable-include']);
  });

  it('reports a missing file as a diagnostic of the schema', async () => {
    const { diagnostics, files } = await loadSchema('none.json', { host: memoryHost({}) });
    expect(diagnostics.map(({ name }) => name)).toEqual(['unreadable-schema']);
    expect(files).toEqual([]);
  });

  it('refuses a dialect that does not exist', async () => {
    await expect(loadSchema('schema.json', { dialect: '3.7' })).rejects.toThrow(RangeError);
  });
});

describe('one mistake', () => {
  it.each([
    [
      'a definition that cannot be read',
      "{ 'struct': 'Ab', 'data': { 'x' 'int' } }\n{ 'command': 'c', 'data': 'Ab' }",
      ['missing-colon'],
    ],
    ['a definition of no kind', "{ 'strukt': 'Ab', 'data': {} }\n{ 'command': 'c', 'data': 'Ab' }", ['no-definition']],
    [
      'an unknown key',
      "{ 'struct': 'Ab', 'dat': {} }\n{ 'command': 'c', 'data': 'Ab' }",
      ['missing-key', 'unknown-key'],
    ],
    ['a file that is missing', "{ 'include': 'x.json' }\n{ 'command': 'c', 'data': 'Ab' }", ['unreadable-include']],
    [
      'a file that is missing, a known type of the wrong kind',
      "{ 'include': 'x.json' }\n{ 'command': 'c', 'data': 'int' }",
      ['unreadable-include', 'unusable-type'],
    ],
    [
      'an unknown base',
      "{ 'enum': 'Ee', 'data': [ 'a' ] }\n{ 'union': 'Uu', 'base': 'Bb', 'discriminator': 'e', 'data': { 'a': 'Cc', 'b': 'Cc' } }\n{ 'struct': 'Cc', 'data': {} }",
      ['unknown-type'],
    ],
    [
      'a base that is no struct',
      "{ 'enum': 'Ee', 'data': [ 'a' ] }\n{ 'union': 'Uu', 'base': 'Ee', 'discriminator': 'e', 'data': {} }",
      ['unusable-type'],
    ],
    [
      'a discriminator of unknown type',
      "{ 'union': 'Uu', 'base': { 'e': 'Nothing' }, 'discriminator': 'e', 'data': { 'a': 'Cc' } }\n{ 'struct': 'Cc', 'data': {} }",
      ['unknown-type'],
    ],
    [
      'a circle',
      "{ 'struct': 'Ab', 'base': 'Cd', 'data': {} }\n{ 'struct': 'Cd', 'base': 'Ab', 'data': {} }",
      ['contains-itself'],
    ],
    [
      'a branch that is an array',
      "{ 'enum': 'Ee', 'data': [ 'a' ] }\n{ 'union': 'Uu', 'base': { 'e': 'Ee' }, 'discriminator': 'e', 'data': { 'a': [ 'Uu' ] } }",
      ['array-not-allowed'],
    ],
    [
      'a member that is no type, described or not',
      "##\n# @Ab:\n#\n# Something.\n#\n# @y: a number\n##\n{ 'struct': 'Ab', 'data': { 'x': true } }",
      ['not-a-type'],
    ],
  ])('reports one mistake once: %s', async (_title, text, names) => {
    expect(await namesIn(text)).toEqual(names);
  });
});

describe('several mistakes', () => {
  it('reports all mistakes, an unknown type at each of its uses', async () => {
    const diagnostics = await check(`
{ 'struct': 'Ab', 'data': { 'x': 'Nothing', 'y': [ 'Nothing' ], '*z': 'Nothing' } }
{ 'command': 'c', 'returns': [ 'Nothing' ] }
{ 'event': 'EV', 'data': { 'ab': 'Ab', 'AB': 'int' } }`);
    const places = diagnostics.map(({ name, span }) => [name, span?.file.text.slice(span.start, span.end)]);
    expect(places).toEqual([
      ['lowercase-name-style', "'AB'"],
      ['unknown-type', "'Nothing'"],
      ['unknown-type', "'Nothing'"],
      ['unknown-type', "'Nothing'"],
      ['unknown-type', "'Nothing'"],
    ]);
    expect(new Set(diagnostics.map(({ span }) => span?.start)).size).toBe(5);
  });

  it('names the definition around a mistake, and the earlier place of a redefinition', async () => {
    const [first] = await check("{ 'struct': 'Ab', 'data': {} }\n\n{ 'enum':\n  'Ab', 'data': [] }");
    expect(first).toMatchObject({ name: 'redefinition', definition: { name: 'Ab', span: { start: 32 } } });
    expect(first && placeOf(first)).toEqual({ line: 4, column: 3 });
    expect(first?.related.map(({ span }) => span.start)).toEqual([0]);
  });
});

describe('near misses', () => {
  it.each([
    ["{ 'struct': 'BlockInfo', 'data': {} }\n{ 'command': 'c', 'data': 'BlokInfo' }", "did you mean 'BlockInfo'?"],
    ["{ 'command': 'c', 'bxoed': true }", "did you mean 'boxed'?"],
    [
      "{ 'enum': 'Ee', 'data': [ 'first' ] }\n{ 'union': 'Uu', 'base': { 'e': 'Ee' }, 'discriminator': 'e', 'data': { 'frist': 'Cc' } }\n{ 'struct': 'Cc', 'data': {} }",
      "did you mean 'first'?",
    ],
    [
      "{ 'enum': 'Ee', 'data': [ 'a' ] }\n{ 'union': 'Uu', 'base': { 'the-kind': 'Ee' }, 'discriminator': 'the_kind', 'data': {} }",
      "did you mean 'the-kind'?",
    ],
    ["{ 'struct': 'Ab', 'data': { 'x': 'String' } }", "did you mean 'str'?"],
    ["{ 'command': 'foo' }\n{ 'command': 'c', 'data': 'foo' }", "'foo' is a command, not a type"],
  ])('suggests the near miss: %#', async (text, hint) => {
    expect((await check(text))[0]?.hint).toBe(hint);
  });
});
