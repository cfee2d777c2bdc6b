import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { esbuildHandlebars } from '../../build/handlebars-plugin.mjs';
import { generate } from '../../generator/emit/generate.js';
import { writeFiles } from '../../generator/emit/output/write.js';
import { loadSchema } from '../../generator/schema/load.js';
import { compileGenerated } from '../generator/emit/compile.js';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/testkit.md'), 'utf8');
const examples = [...page.matchAll(/^## ([^\n]*)\n(?:(?!^## ).)*?^```ts\n(.*?)^```\n/gms)].map(([, title, text]) => ({
  title: title as string,
  text: text as string,
}));
const [, shown = ''] = /^```text\n(.*?)^```/ms.exec(page) ?? [];

/** What each example prints. */
const printed: Readonly<Record<string, RegExp | string>> = {
  'A QEMU in one line': 'device0: not locked\n',
  'What a test expects': shown,
  'Handlers and events': /^.*No space.*\n$/,
  Jobs: 'job b failed: No space left on device\ncreated\nrunning\nready\nwaiting\npending\nconcluded\nnull\n',
  'A guest agent': '2\nQmpError\n',
  'When things go wrong': /^query-block was not answered within 100 ms.*\n.*connection.*\n$/,
  'Record and replay': '7 messages\n',
  'Without generated code': /^10\ntrue\nfilename: .*\n$/,
};

/** As much of an agent's schema as the page uses. */
const agentSchema = `
  { 'pragma': { 'command-returns-exceptions': [ 'guest-fsfreeze-freeze' ] } }
  { 'command': 'guest-fsfreeze-freeze', 'returns': 'int' }
  { 'command': 'guest-exec', 'data': { 'path': 'str' } }`;

describe('the examples of docs/testkit.md', () => {
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'qapi-ts-testkit-'));
    mkdirSync(join(folder, 'qga'));
    writeFileSync(join(folder, 'qga/qapi-schema.json'), agentSchema);
    cpSync(join(root, 'qapi'), join(folder, 'qapi'), { recursive: true });
    const { schema } = await loadSchema(join(root, 'qapi/qapi-schema.json'));
    if (!schema) throw new Error('the schema is not valid');
    const generated = generate(schema);
    writeFiles(join(folder, 'generated'), generated);
    for (const [index, { text }] of examples.entries()) writeFileSync(join(folder, `${index}.ts`), text);
    await build({
      absWorkingDir: folder,
      entryPoints: examples.map((_, index) => `${index}.ts`),
      outdir: 'build',
      outExtension: { '.js': '.mjs' },
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
      alias: {
        'qapi-ts/runtime': join(root, 'runtime/index.ts'),
        'qapi-ts/testkit': join(root, 'testkit/index.ts'),
        'qapi-ts': join(root, 'generator/index.ts'),
      },
      plugins: [esbuildHandlebars],
      banner: {
        js: "import { createRequire as createRequire_ } from 'node:module'; const require = createRequire_(import.meta.url);",
      },
    });
  }, 60_000);

  afterAll(() => rmSync(folder, { recursive: true }));

  test('the test covers every example of docs/testkit.md', () => {
    expect(examples.map(({ title }) => title)).toEqual(Object.keys(printed));
    expect(shown).toContain('the mock was not used as expected');
  });

  test('the examples of docs/testkit.md compile', async () => {
    const { schema } = await loadSchema(join(root, 'qapi/qapi-schema.json'));
    if (!schema) throw new Error('the schema is not valid');
    const folders = examples.map(({ text }, index) => [
      `example${index}`,
      [{ path: 'example.ts', text: text.replaceAll('./generated/', '../generated/') }],
    ]);
    expect(await compileGenerated({ generated: generate(schema), ...Object.fromEntries(folders) })).toEqual([]);
  }, 60_000);

  test.each(examples.map(({ title }, index) => [title, index] as const))('%s', (title, index) => {
    const output = execFileSync(process.execPath, [`build/${index}.mjs`], { cwd: folder, encoding: 'utf8' });
    const expected = printed[title] as RegExp | string;
    if (typeof expected === 'string') expect(output).toBe(expected);
    else expect(output).toMatch(expected);
  });
});
