import { performance } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { generate } from '../../../generator/emit/generate.js';
import { compileGenerated } from './compile.js';
import { schemaOf, textOf } from './fixture.js';

/** Structs that refer to each other, with a comment each. */
function structs(count: number): string {
  return Array.from(
    { length: count },
    (_, index) => `##
# @Struct${index}:
#
# The struct with the number ${index}, next to @Struct${(index + 1) % count}.
#
# @next: the next one
#
# @label: what it is called
##
{ 'struct': 'Struct${index}', 'data': { '*next': 'Struct${(index + 1) % count}', 'label': 'str', 'sizes': [ 'size' ] } }
{ 'command': 'get-struct${index}', 'data': { 'label': 'str' }, 'returns': 'Struct${index}' }
`,
  ).join('\n');
}

async function timeOf(count: number): Promise<number> {
  const schema = await schemaOf(structs(count));
  const start = performance.now();
  generate(schema);
  return performance.now() - start;
}

test('time grows with the size of the schema, not faster', async () => {
  await timeOf(500);
  const small = await timeOf(1_000);
  // 10,000 definitions of their own and as many inline ones.
  expect(await timeOf(5_000)).toBeLessThan(Math.max(small, 20) * 5 * 3);
}, 60_000);

/** Structs with a base each, structs with a member each, unions with a union as a branch each. */
function nested(depth: number, unions: number): string {
  const text = [
    "{ 'struct': 'Base0', 'data': { 'm0': 'int' } }",
    "{ 'struct': 'Outer0', 'data': { 'm': 'int' } }",
    "{ 'struct': 'Union0', 'data': { 'leaf': 'bool' } }",
  ];
  for (let level = 1; level < depth; level++) {
    text.push(`{ 'struct': 'Base${level}', 'base': 'Base${level - 1}', 'data': { '*m${level}': 'int' } }`);
    text.push(`{ 'struct': 'Outer${level}', 'data': { 'inner': 'Outer${level - 1}' } }`);
  }
  for (let level = 1; level < unions; level++) {
    text.push(`{ 'enum': 'Tag${level}', 'data': [ 'down', 'stop' ] }`);
    text.push(`{ 'union': 'Union${level}', 'base': { 't${level}': 'Tag${level}' }, 'discriminator': 't${level}',
                 'data': { 'down': 'Union${level - 1}' } }`);
  }
  return text.join('\n');
}

test('deep schemas are generated', async () => {
  const files = generate(await schemaOf(nested(500, 500)));
  expect(textOf(files, 'schema/types.ts')).toContain('export type Union499 = Union499_Down | Union499_Stop;');
});

test('the code for deep schemas compiles', async () => {
  // The compiler multiplies unions out: their depth costs it more than ours.
  expect(await compileGenerated({ deep: generate(await schemaOf(nested(500, 40))) })).toEqual([]);
}, 60_000);
