import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { generate } from '../../../generator/emit/generate.js';
import { incrementalLoader, loadSchema } from '../../../generator/schema/load.js';
import { memoryHost } from '../../../generator/syntax/host.js';
import * as reading from '../../../generator/syntax/sound-file.js';

vi.mock('../../../generator/syntax/sound-file.js', { spy: true });

const root = "{ 'include': 'a.json' } { 'include': 'b.json' }";
const documented =
  "##\n# @Aa:\n#\n# About it.\n#\n# @x: a number. More.\n#\n# Since: 1\n##\n{ 'struct': 'Aa', 'data': { 'x': 'int' } }\n";

const texts = fc.constantFrom(
  '',
  documented,
  "# why\n{ 'struct': 'Aa', 'data': { 'x': 'str' } }",
  "{ 'struct': 'Bb', 'data': { 'aa': 'Aa' } }",
  "{ 'include': 'c.json' }\n{ 'command': 'send', 'data': 'Bb' }",
  "{ 'pragma': { 'doc-required': true } }",
  "##\n# @Bb:\n##\n{ 'struct': 'Bb', 'data': {} }",
  "{ 'struct': 'bad_name', 'data': { 'A': 'int' }, 'more': 1 }",
  "{ 'struct': 'bad_name', 'data': { 'A': 'int' } }",
  "{ 'struct': 'Aa', 'data': { 'x': 'int' }",
  "{ 'command': 'a', }",
);

/** What came of loading a schema, as text. */
async function outcome(load: typeof loadSchema, files: Record<string, string>, dialect: string): Promise<unknown> {
  const host = memoryHost({ 'root.json': root, 'a.json': '', 'b.json': '', 'c.json': '', ...files });
  const { schema, diagnostics, files: read } = await load('root.json', { host, dialect });
  const found = diagnostics.map(({ code, severity, message, span, related }) => [
    ...[code, severity, message, span?.file.path, span?.start, span?.end],
    related.map((one) => [one.message, one.span.file.path, one.span.start]),
  ]);
  return { read, found, made: schema && generate(schema) };
}

it('a loader that remembers what it has read finds what one that reads everything finds', async () => {
  const change = fc.record({
    file: fc.constantFrom('a.json', 'b.json', 'c.json'),
    text: texts,
    dialect: fc.constantFrom('auto', 'auto', '11.1', '2.8'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 2, maxLength: 6 }), async (changes) => {
      const load = incrementalLoader();
      const files: Record<string, string> = {};
      for (const { file, text, dialect } of changes) {
        files[file] = text;
        expect(await outcome(load, files, dialect)).toEqual(await outcome(loadSchema, files, dialect));
      }
    }),
    { numRuns: 60 },
  );
});

it('a loader that remembers what it has read parses only the files that have changed', async () => {
  const load = incrementalLoader();
  const host = (a: string) => memoryHost({ 'root.json': root, 'a.json': a, 'b.json': documented });
  const parsedFor = async (a: string) => {
    vi.mocked(reading.readSoundFile).mockClear();
    await load('root.json', { host: host(a), advice: false });
    return vi.mocked(reading.readSoundFile).mock.calls.map(([{ file }]) => file.path);
  };
  expect(await parsedFor('')).toEqual(['root.json', 'a.json', 'b.json']);
  expect(await parsedFor('')).toEqual([]);
  expect(await parsedFor("{ 'struct': 'Cc', 'data': {} }")).toEqual(['a.json']);
});
