import { describe, expect, it } from 'vitest';
import { loadSchema, memoryHost } from '../../../generator/index.js';
import { isError } from '../../../generator/text/diagnostic.js';

function lines(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => line(index)).join('\n');
}

/** A definition that refers to the next one, if there is a next one. */
function next(index: number, count: number, reference: (name: string) => string): string {
  return index + 1 < count ? reference(`Type${index + 1}`) : '';
}

const letters = "{ 'enum': 'Letter', 'data': [ 'a', 'b' ] }\n";

/** Schemas of any size, by what is large in them. */
const schemas: [title: string, text: (count: number) => string, error?: string][] = [
  [
    'many structs that use each other',
    (n) =>
      lines(n, (i) => `{ 'struct': 'Type${i}', 'data': { 'a': 'int', '*b': [ 'Type${(i * 7) % n}' ], 'c': 'str' } }`),
  ],
  [
    'a chain of bases, each used by a command and a union',
    (n) =>
      letters +
      lines(
        n,
        (i) =>
          `{ 'struct': 'Type${i}', ${next(i, n, (name) => `'base': '${name}',`)} 'data': { 'm${i}': 'Letter' } }
{ 'command': 'c${i}', 'data': 'Type0' }
{ 'union': 'Union${i}', 'base': 'Type0', 'discriminator': 'm${n - 1}', 'data': {} }`,
      ),
  ],
  [
    'a chain of bases with the same member',
    (n) =>
      lines(n, (i) => `{ 'struct': 'Type${i}', ${next(i, n, (name) => `'base': '${name}',`)} 'data': { 'm': 'int' } }`),
    'member-clash',
  ],
  [
    'a chain of unions, each twice a branch of the one before',
    (n) =>
      letters +
      lines(
        n,
        (i) =>
          `{ 'union': 'Type${i}', 'base': { 't${i}': 'Letter' }, 'discriminator': 't${i}', 'data': { ${next(i, n, (name) => `'a': '${name}', 'b': '${name}'`)} } }`,
      ),
  ],
  [
    'a chain of unions with the same discriminator',
    (n) =>
      letters +
      lines(
        n,
        (i) =>
          `{ 'union': 'Type${i}', 'base': { 't': 'Letter' }, 'discriminator': 't', 'data': { ${next(i, n, (name) => `'a': '${name}', 'b': '${name}'`)} } }`,
      ),
    'member-clash',
  ],
  [
    'a circle of bases',
    (n) => lines(n, (i) => `{ 'struct': 'Type${i}', 'base': 'Type${(i + 1) % n}', 'data': {} }`),
    'contains-itself',
  ],
  [
    'many unknown types',
    (n) => lines(n, (i) => `{ 'struct': 'Type${i}', 'data': { 'a': 'Tipe${i}' } }`),
    'unknown-type',
  ],
  ['many definitions of one name', (n) => lines(n, () => "{ 'struct': 'Type', 'data': {} }"), 'redefinition'],
  [
    'an enum of many values, used by a union',
    (n) =>
      `{ 'enum': 'Letter', 'data': [ ${Array.from({ length: n }, (_, i) => `'v${i}'`)} ] }
{ 'union': 'Type', 'base': { 't': 'Letter' }, 'discriminator': 't', 'data': {} }`,
  ],
];

async function measure(text: string): Promise<{ readonly cpu: number; readonly first: string | undefined }> {
  const host = memoryHost({ 'schema.json': text });
  const before = process.cpuUsage();
  const { diagnostics } = await loadSchema('schema.json', { dialect: '10.1', host });
  const { user, system } = process.cpuUsage(before);
  return { cpu: user + system, first: diagnostics.find(isError)?.name };
}

describe.each(schemas)('%s', (_, text, error) => {
  it('takes time in proportion to its size', async () => {
    const small = text(1250);
    const large = text(10_000);
    await measure(small);
    const few = await measure(small);
    const many = await measure(large);
    expect(few.first).toBe(error);
    expect(many.first).toBe(error);
    // Eight times the size takes 64 times as long where something is quadratic; what is fast anyway is noise.
    expect(many.cpu / Math.max(few.cpu, 20_000)).toBeLessThan(30);
  });
});

/** Broken schemas on one long line, which every look at the rest of the line would make quadratic. */
describe.each([
  ['objects that are not closed', "{ 'x': ", 'nested-too-deeply'],
  ['objects and arrays that are not closed', "{ 'x': [ ", 'nested-too-deeply'],
  ['strings with escapes', "{ 'x': '\\\\' } ", 'no-definition'],
  ['strings with characters that they cannot have', "{ 'x': 'é' } ", 'unprintable-character'],
  ['words that are none', '{ x ', 'stray-text'],
] as const)('%s', (_, piece, error) => {
  it('take time in proportion to their number', async () => {
    const small = piece.repeat(5000);
    const large = piece.repeat(40_000);
    await measure(small);
    const few = await measure(small);
    const many = await measure(large);
    expect([few.first, many.first]).toEqual([error, error]);
    expect(many.cpu / Math.max(few.cpu, 20_000)).toBeLessThan(30);
  });
});

describe('nesting', () => {
  it.each([
    [250, undefined],
    [20_000, 'nested-too-deeply'],
  ])('conditions nested %d deep are read, or reported as too deep', async (depth, error) => {
    const condition = `${"{ 'not': ".repeat(depth)}'A'${' }'.repeat(depth)}`;
    expect((await measure(`{ 'event': 'E', 'if': ${condition} }`)).first).toBe(error);
  });
});
