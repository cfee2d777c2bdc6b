import { describe, expect, test, vi } from 'vitest';
import { generate, incrementalGenerator } from '../../../generator/emit/generate.js';
import type { Target } from '../../../generator/emit/target.js';
import { types } from '../../../generator/emit/targets/types.js';
import { loadSchema } from '../../../generator/schema/load.js';
import type { Schema } from '../../../generator/schema/model.js';
import { memoryHost } from '../../../generator/syntax/host.js';

const root = "{ 'include': 'a.json' } { 'include': 'b.json' } { 'include': 'c.json' }";

async function schema(files: Record<string, string>): Promise<Schema> {
  const loaded = await loadSchema('root.json', { host: memoryHost({ 'root.json': root, ...files }) });
  if (!loaded.schema) throw new Error(loaded.diagnostics.map(({ message }) => message).join('\n'));
  return loaded.schema;
}

const a = "{ 'struct': 'Aa', 'data': { 'x': 'int' } }";
const b =
  "{ 'enum': 'Kind', 'data': [ 'aa', 'other' ] } { 'union': 'Bb', 'base': { 'kind': 'Kind' }, 'discriminator': 'kind', 'data': { 'aa': 'Aa' } }";
const c = "{ 'struct': 'Cc', 'data': { 'bb': [ 'Bb' ] } } { 'command': 'cc', 'returns': 'Cc' }";

/** What changes in one module, and the modules whose files have to be made again. */
const changes: [what: string, files: Record<string, string>, modules: string[]][] = [
  ['nothing', {}, []],
  ['a member of a struct', { 'a.json': "{ 'struct': 'Aa', 'data': { 'y': 'str' } }" }, ['a.json', 'b.json']],
  ['a comment', { 'c.json': `# more\n${c}` }, ['c.json']],
  ['a struct to an empty one', { 'a.json': "{ 'struct': 'Aa', 'data': {} }" }, ['a.json', 'b.json']],
  [
    'a name that the runtime has',
    { 'c.json': `${c} { 'struct': 'Int64', 'data': {} }` },
    ['a.json', 'b.json', 'c.json'],
  ],
  ['a name that another module derives', { 'c.json': `${c} { 'struct': 'Bb_Aa', 'data': {} }` }, ['b.json', 'c.json']],
  [
    'a name that another module derives from a command',
    { 'a.json': `${a} { 'struct': 'commandOfCc', 'data': {} }` },
    ['a.json', 'c.json'],
  ],
  ['who sends a type', { 'c.json': `${c} { 'command': 'send', 'data': { 'aa': 'Aa' } }` }, ['a.json', 'c.json']],
];

describe.each(changes)('after a change of %s', (_what, files, modules) => {
  test('the files are as if made anew, and only those of modules that it concerns are', async () => {
    const before = await schema({ 'a.json': a, 'b.json': b, 'c.json': c });
    const after = await schema({ 'a.json': a, 'b.json': b, 'c.json': c, ...files });
    const options = { openEnums: true };
    const incremental = incrementalGenerator();
    expect(incremental(before, options)).toEqual(generate(before, options));
    const spy = vi.spyOn(types as Required<Target>, 'moduleFile');
    const made = incremental(after, options);
    const remade = spy.mock.calls.map(([, module]) => module.name);
    spy.mockRestore();
    expect(made).toEqual(generate(after, options));
    expect(remade.filter((name) => /^[abc]\.json$/.test(name))).toEqual(modules);
  });
});

test('other options make everything again', async () => {
  const same = await schema({ 'a.json': a, 'b.json': b, 'c.json': c });
  const incremental = incrementalGenerator();
  incremental(same);
  expect(incremental(same, { int64: 'bigint' })).toEqual(generate(same, { int64: 'bigint' }));
});
