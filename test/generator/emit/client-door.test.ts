import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { transform } from 'esbuild';
import { expect, onTestFinished, test } from 'vitest';
import { generate } from '../../../generator/emit/generate.js';
import { marker } from '../../../generator/emit/output/header.js';
import { declarationsIn } from '../../declarations.js';
import { compileGenerated } from './compile.js';
import { generateFixture, schemaOf, textOf } from './fixture.js';

/** The files that one reaches by its imports and exports, itself included. */
function reached(files: ReadonlyMap<string, string>, start: string): string[] {
  const found = new Set([start]);
  for (const path of found) {
    for (const [, specifier] of (files.get(path) ?? '').matchAll(/ from '(\.[^']*)\.js';$/gm)) {
      found.add(`${posix.join(posix.dirname(path), specifier as string)}.ts`);
    }
  }
  return [...found];
}

test.each(['gallery', 'legacy', 'hostile'])('client.ts reaches types and nothing else: %s', async (fixture) => {
  const files = new Map((await generateFixture(fixture)).map(({ path, text }) => [path, text]));
  const kinds = reached(files, 'client.ts').map((path) => posix.basename(path, '.ts'));
  expect(new Set(kinds)).toEqual(new Set(['client', 'types']));
  expect(reached(files, 'index.ts').length).toBeGreaterThan(kinds.length);
});

test('nothing of client.ts exists at run time', async () => {
  for (const { path, text } of await generateFixture('gallery')) {
    if (posix.basename(path) !== 'client.ts') continue;
    const tsconfigRaw = { compilerOptions: { verbatimModuleSyntax: true } };
    const { code } = await transform(text, { loader: 'ts', tsconfigRaw });
    expect(code.replace(/^\s*\/[/*].*$/gm, '').trim(), path).toBe('');
  }
});

test('client.ts exports the types that index.ts exports', async () => {
  const files = await generateFixture('gallery');
  const program = `
    import type { Commands, Drawing, Events } from './client.js';
    import type * as everything from './index.js';
    type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
    export const commands: Same<Commands, everything.Commands> = true;
    export const events: Same<Events, everything.Events> = true;
    export const drawing: Same<Drawing, everything.Drawing> = true;
  `;
  expect(await compileGenerated({ gallery: [...files, { path: 'program.ts', text: program }] })).toEqual([]);
});

test('the target client generates types without visitors', async () => {
  const files = await generateFixture('gallery', { targets: ['client'] });
  const names = new Set(files.map(({ path }) => posix.basename(path)));
  expect(names).toEqual(new Set(['client.ts', 'index.ts', 'types.ts']));
  expect(await compileGenerated({ gallery: files })).toEqual([]);
});

test('a generated type never hides a global', async () => {
  const schema = await schemaOf(`
    { 'struct': 'String', 'data': { 'str': 'str' } }
    { 'enum': 'Error', 'data': [ 'none' ] }
    { 'struct': 'Record', 'data': { 'event': 'Event' } }
    { 'union': 'Event', 'base': { 'type': 'Error' }, 'discriminator': 'type', 'data': { 'none': 'String' } }
    { 'command': 'partial', 'data': 'Record', 'returns': 'String' }
  `);
  const files = generate(schema);
  const types = files.find(({ path }) => path.endsWith('/types.ts'))?.text ?? '';
  const { interfaces, aliases } = declarationsIn(types);
  const names = [...interfaces.keys(), ...aliases.keys()];
  expect(names).toEqual(expect.arrayContaining(['String_', 'Error_', 'Record_', 'Event_']));
  for (const name of ['String', 'Error', 'Record', 'Event']) expect(names).not.toContain(name);
  expect(await compileGenerated({ globals: files })).toEqual([]);
});

test('a linter finds nothing to say about generated files', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-quiet-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const settings = { linter: { rules: { style: { useConst: 'error' }, suspicious: { noEmptyInterface: 'error' } } } };
  writeFileSync(join(folder, 'biome.json'), JSON.stringify(settings));
  const files = await generateFixture('gallery');
  for (const { path, text } of files) writeFileSync(join(folder, path.replaceAll('/', '_')), text);
  const biome = join(import.meta.dirname, '../../../node_modules/.bin/biome');
  const lint = () => spawnSync(biome, ['lint', '.', '--error-on-warnings'], { cwd: folder, encoding: 'utf8' });
  const quiet = lint();
  expect(quiet.status, quiet.stdout + quiet.stderr).toBe(0);
  for (const { text } of files) {
    expect(text.split('\n').slice(0, 2)).toEqual([expect.stringContaining(marker), '/* eslint-disable */']);
  }
  // Without the header there is something to find.
  const loud = 'export interface Nothing {}\nlet one = 1;\nexport { one };\n';
  const [head = ''] = textOf(files, 'client.ts').split('\n\n');
  writeFileSync(join(folder, 'loud.ts'), `${head}\n\n${loud}`);
  expect(lint().status).toBe(0);
  writeFileSync(join(folder, 'loud.ts'), loud);
  expect(lint().status).not.toBe(0);
});

test('a variable of generated code that gets one value is a constant', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-const-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const settings = { linter: { rules: { recommended: false, style: { useConst: 'error' } } } };
  writeFileSync(join(folder, 'biome.json'), JSON.stringify(settings));
  for (const fixture of ['gallery', 'legacy', 'hostile']) {
    for (const { path, text } of await generateFixture(fixture)) {
      // Without what keeps linters quiet.
      const bare = text.replace(/^\/\/ biome-ignore-all.*\n/gm, '');
      writeFileSync(join(folder, `${fixture}_${path.replaceAll('/', '_')}`), bare);
    }
  }
  const biome = join(import.meta.dirname, '../../../node_modules/.bin/biome');
  const { status, stdout, stderr } = spawnSync(biome, ['lint', '.'], { cwd: folder, encoding: 'utf8' });
  expect(status, stdout + stderr).toBe(0);
});
