import fc from 'fast-check';
import { expect, it } from 'vitest';
import { loadSchema, memoryHost, type Type } from '../generator/index.js';
import { arbitrary } from './arbitrary.js';

async function typeOf(text: string, name: string): Promise<Type> {
  const { schema } = await loadSchema('schema.json', { host: memoryHost({ 'schema.json': text }) });
  const type = schema?.lookup(name);
  if (!type || type.kind === 'command' || type.kind === 'event') throw new Error(`no type '${name}'`);
  return type;
}

it('gives types that need more depth than allowed what they need', async () => {
  const text = `{ 'struct': 'A', 'data': { 'b': 'B' } } { 'struct': 'B', 'data': { 'c': 'C' } }
    { 'struct': 'C', 'data': { '*a': 'A' } }`;
  const values = arbitrary(await typeOf(text, 'A'), { depth: 1 });
  expect(fc.sample(values, 5)).toEqual(Array.from({ length: 5 }, () => ({ b: { c: {} } })));
});

it('finds the way out of types that contain themselves', async () => {
  const text = `{ 'alternate': 'Ref', 'data': { 'node': 'Node', 'name': 'str' } } { 'struct': 'Node', 'data': { 'next': 'Ref' } }`;
  const depths = fc.sample(arbitrary(await typeOf(text, 'Node'), { depth: 3 }), 200).map(depthOf);
  expect(Math.max(...depths)).toBe(3);
  expect(Math.min(...depths)).toBe(1);
});

it('refuses types that have no finite value', async () => {
  const type = await typeOf(`{ 'struct': 'Node', 'data': { 'next': 'Node' } }`, 'Node');
  expect(() => arbitrary(type)).toThrow("type 'Node' has no finite value");
});

it('reaches every branch, enum value and end of a range', async () => {
  const text = `{ 'enum': 'E', 'data': [ 'a', 'b' ] } { 'struct': 'X', 'data': { '*u': 'uint64' } }
    { 'union': 'U', 'base': { 'e': 'E' }, 'discriminator': 'e', 'data': { 'a': 'X' } }`;
  const values = fc.sample(arbitrary(await typeOf(text, 'U')), 500) as { e: string; u?: number | bigint }[];
  expect(new Set(values.map(({ e }) => e))).toEqual(new Set(['a', 'b']));
  const integers = new Set(values.map(({ u }) => u));
  for (const edge of [undefined, 0, 2 ** 53 - 1, 2n ** 53n, 2n ** 64n - 1n]) expect(integers).toContain(edge);
});

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
