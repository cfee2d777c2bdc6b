import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { EmitOptions } from '../../../generator/emit/options.js';
import { compile } from './compile.js';
import { generateFixture } from './fixture.js';

const golden = join(import.meta.dirname, '__golden__');
/** Golden files are compiled with the project, and imported by other tests. */
const runtimeImport = '../../../../../runtime/index.js';

const cases: [folder: string, fixture: string, options: EmitOptions][] = [
  ['gallery', 'gallery', {}],
  ['gallery-bigint', 'gallery', { int64: 'bigint', openEnums: true }],
  ['gallery-number', 'gallery', { int64: 'number', targets: ['types', 'visitors'] }],
  ['legacy', 'legacy', {}],
  ['hostile', 'hostile', {}],
];

describe.each(cases)('%s', (folder, fixture, options) => {
  const path = join(golden, folder);

  test('generates the same bytes as the golden files', async () => {
    const files = await generateFixture(fixture, { ...options, runtimeImport });
    for (const file of files) await expect(file.text).toMatchFileSnapshot(join(path, file.path));
    expect(listFiles(path)).toEqual(files.map((file) => file.path).sort());
  });
});

test('golden files compile under the strictest settings, and so do their type tests', async () => {
  expect(await compile([join(golden, '**/*.ts'), join(import.meta.dirname, 'typing.test.ts')])).toEqual([]);
});

function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
