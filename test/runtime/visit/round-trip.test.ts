import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Int64Mode,
  loadSchema,
  memoryHost,
  type Schema,
  type SchemaOptions,
  type Type,
} from '../../../generator/index.js';
import { clone, decode, encode, examine, type Visit, VisitError } from '../../../runtime/index.js';
import { arbitrary } from '../../arbitrary.js';
import { corpusPath, describeWithCorpus } from '../../corpus.js';
import { type GeneratedCode, loadGenerated } from '../../generated-code.js';
import { Places, replaced } from '../../places.js';

const sampleText = `
{ 'enum': 'Colour', 'data': [ 'red', 'dark-green', '3', { 'name': 'mauve', 'features': [ 'deprecated' ] } ] }
{ 'struct': 'Empty', 'data': {} }
{ 'struct': 'Integers',
  'data': { '*a': 'int8', '*b': 'int16', '*c': 'int32', '*d': 'int64', '*e': 'uint8', '*f': 'uint16', '*g': 'uint32',
            '*h': 'uint64', '*i': 'int', '*j': 'size', '*k': [ 'uint64' ], '*l': [ 'int' ], '*m': [ 'size' ] } }
{ 'struct': 'Base', 'data': { 'id': 'str', '*bytes': 'size' } }
{ 'struct': 'Node', 'base': 'Base',
  'data': { 'count': 'int', '*next': 'Node', '*children': [ 'NodeRef' ], '*data': 'any', '*empty': 'Empty', '*half': 'number',
            '*x-old': { 'type': 'str', 'features': [ 'deprecated', 'unstable' ] },
            'also-old': { 'type': 'bool', 'features': [ 'deprecated' ] } } }
{ 'struct': 'Hostile', 'data': { '*constructor': 'str', '*to-string': 'int', '*value': 'any', 'type': 'Colour', '*default': 'bool' } }
{ 'alternate': 'NodeRef', 'data': { 'definition': 'Node', 'reference': 'str', 'nothing': 'null' } }
{ 'alternate': 'Many', 'data': { 'list': [ 'NodeRef' ], 'number': 'number', 'flag': 'bool', 'colour': 'Colour' } }
{ 'enum': 'ShapeKind', 'data': [ 'circle', 'solid', 'none' ] }
{ 'struct': 'Circle', 'data': { 'radius': 'number', '*within': 'Shape' } }
{ 'struct': 'ShapeCommon', 'data': { '*label': 'str', 'kind': 'ShapeKind', '*colour': 'Colour' } }
{ 'struct': 'ShapeBase', 'base': 'ShapeCommon', 'data': { '*parts': [ 'Shape' ], '*constructor': 'int8' } }
{ 'union': 'Shape', 'base': 'ShapeBase', 'discriminator': 'kind', 'data': { 'circle': 'Circle', 'solid': 'Solid' } }
{ 'enum': 'SolidForm', 'data': [ 'cube', 'ball' ] }
{ 'struct': 'Cube', 'data': { 'edges': [ 'int16' ], '*owner': 'Node' } }
{ 'union': 'Solid', 'base': { 'form': 'SolidForm', '*weight': 'uint32' }, 'discriminator': 'form', 'data': { 'cube': 'Cube' } }
{ 'command': 'use',
  'data': { '*a': 'Integers', '*b': 'Many', '*c': 'Shape', '*d': 'Hostile', '*e': [ 'Colour' ] } }
`;

/** Simple unions, which the language had up to 6.1. */
const oldText = `
{ 'struct': 'Node', 'data': { '*next': 'Old' } }
{ 'enum': 'Colour', 'data': [ 'red' ] }
{ 'union': 'Old', 'data': { 'node': 'Node', 'text': 'str', 'numbers': [ 'int' ], 'colour': 'Colour', 'wide': 'uint64' } }
{ 'command': 'use', 'data': { 'a': [ 'Old' ] } }
`;

async function fixture(text: string, options: SchemaOptions = {}): Promise<Schema> {
  return read('schema.json', { ...options, host: memoryHost({ 'schema.json': text }) });
}

async function read(path: string, options: SchemaOptions): Promise<Schema> {
  const { schema, diagnostics } = await loadSchema(path, options);
  if (!schema) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return schema;
}

/** Checks that a value of a type survives every way through the visitors. */
function survives(visit: Visit<unknown>, value: unknown): void {
  const before = structuredClone(value);
  expect(examine(visit, value)).toEqual([]);
  expectSame(clone(visit, value), before);
  const wire = encode(visit, value);
  expectSame(value, before);
  expectSame(decode(visit, wire), before);
  expectSame(decode(visit, value), before);
}

/** `toStrictEqual` takes much longer, so it only words the difference. */
function expectSame(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toStrictEqual(expected);
}

/** Checks that whatever is wrong in a value of a type is named by its path. */
function namesFaults(visit: Visit<unknown>, value: unknown, pick: number): void {
  const places = new Places();
  visit(places, value);
  const wrong = places.values[pick % places.values.length] ?? [];
  // No type accepts a function.
  expect(
    faultOf(
      visit,
      replaced(value, wrong, () => 0),
    ),
  ).toEqual(wrong);
  if (places.objects.length === 0) return;
  const object = places.objects[pick % places.objects.length] ?? [];
  expect(faultOf(visit, replaced(value, [...object, 'no such member'], 1))).toEqual([...object, 'no such member']);
}

function faultOf(visit: Visit<unknown>, value: unknown): unknown {
  const differences = examine(visit, value).map(({ path }) => path);
  try {
    decode(visit, value);
  } catch (error) {
    if (!(error instanceof VisitError)) throw error;
    // Whether it stops at the first problem or finds them all, the first is the same.
    expect(differences[0]).toEqual(error.path);
    return error.path;
  }
  return undefined;
}

function checkType(code: GeneratedCode, type: Type, int64: Int64Mode, numRuns: number): void {
  const visit = code.visit(type);
  fc.assert(
    fc.property(arbitrary(type, { int64 }), fc.nat(), (value, pick) => {
      namesFaults(visit, value, pick);
      survives(visit, value);
    }),
    { numRuns },
  );
}

describe.each<Int64Mode>(['union', 'bigint', 'number'])('values of fixture schemas with --int64 %s', (int64) => {
  const cases: [name: string, text: string, types: string[]][] = [
    [
      'today',
      sampleText,
      ['Colour', 'Empty', 'Integers', 'Base', 'Node', 'Hostile', 'NodeRef', 'Many', 'Shape', 'Solid', 'Cube'],
    ],
    ['up to 6.1', oldText, ['Node', 'Colour', 'Old']],
  ];
  describe.each(cases)('%s', (_name, text, types) => {
    let schema: Schema;
    let code: GeneratedCode;
    beforeAll(async () => {
      schema = await fixture(text);
      code = await loadGenerated(schema, { int64 });
    });

    it.each(types)('values of every type survive a round trip and are checked: %s', (name) => {
      const type = code.types.find((candidate) => candidate.name === name);
      if (!type) throw new Error(`no type '${name}'`);
      checkType(code, type, int64, 100);
    });
  });
});

describe.each(['2.8-dev', '6.0', '10.1', '11.1'])('values of release %s', (release) => {
  const root = release === '2.8-dev' ? 'qapi-schema.json' : 'qapi/qapi-schema.json';
  describeWithCorpus('of every type', `releases/${release}`, () => {
    it('values of every type survive a round trip and are checked', { timeout: 60_000 }, async () => {
      const schema = await read(corpusPath('releases', release, root), {});
      const code = await loadGenerated(schema);
      expect(code.types.length).toBeGreaterThan(300);
      for (const type of code.types) checkType(code, type, 'union', 2);
    });
  });
});
