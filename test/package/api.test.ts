import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { esbuildHandlebars } from '../../build/handlebars-plugin.mjs';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/api.md'), 'utf8');
const examples = [...page.matchAll(/^## ([^\n]*)\n(?:(?!^## ).)*?^```ts\n(.*?)^```\n/gms)].map(([, title, text]) => ({
  title: title as string,
  text: text as string,
}));

/** What each example prints, where that is worth a look. */
const printed: Readonly<Record<string, RegExp>> = {
  'Read and check': /^\d+ files, 0 errors\nunion\n$/,
  'Files in memory': /^schema\.json:2:39: .*'Dsik'.*; did you mean 'Disk'\?\n$/,
  'Walk the model': /^BlockdevSnapshot\.overlay: str$/m,
  Generate: /^\d+ written, 0 unchanged, 0 differ\n$/,
  'Introspection and other forms': /^\d+ commands\n\d+ modules\n\[/,
};

describe('the examples of docs/api.md', () => {
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'qapi-ts-api-'));
    cpSync(join(root, 'qapi'), join(folder, 'qapi'), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
    mkdirSync(join(folder, 'src'));
    for (const [index, { text }] of examples.entries()) writeFileSync(join(folder, 'src', `${index}.ts`), text);
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const settings = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')) as { compilerOptions: object };
    const paths = { 'qapi-ts': [join(root, 'generator/index.ts')] };
    const compilerOptions = { ...settings.compilerOptions, paths };
    const files = ['templates/hbs.d.ts', 'site/assets.d.ts'].map((name) => join(root, 'generator/emit', name));
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'], files }));
    await build({
      absWorkingDir: folder,
      entryPoints: ['src/*.ts'],
      outdir: 'build',
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
      alias: { 'qapi-ts': join(root, 'generator/index.ts') },
      plugins: [esbuildHandlebars],
      banner: {
        js: "import { createRequire as createRequire_ } from 'node:module'; const require = createRequire_(import.meta.url);",
      },
    });
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test('the test covers every example of docs/api.md', () => {
    expect(examples.map(({ title }) => title)).toEqual(Object.keys(printed));
  });

  test('the examples of docs/api.md compile', () => {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    expect(spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' }).stdout).toBe('');
  });

  test.each(examples.map(({ title }, index) => [title, index] as const))('%s', (title, index) => {
    const output = execFileSync(process.execPath, [`build/${index}.js`], { cwd: folder, encoding: 'utf8' });
    expect(output).toMatch(printed[title] as RegExp);
  });
});
