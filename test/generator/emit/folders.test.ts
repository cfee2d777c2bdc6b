import { expect, test } from 'vitest';
import { moduleFolders } from '../../../generator/emit/folders.js';
import type { Schema } from '../../../generator/schema/model.js';

function foldersOf(...names: string[]): string[] {
  const modules = names.map((name) => ({ name, includes: [], definitions: [], docs: [] }));
  return [...moduleFolders({ modules, definitions: [], lookup: () => undefined } satisfies Schema).values()];
}

test('a module has the folder of its path', () => {
  expect(foldersOf('./builtin', 'qapi-schema.json', 'block-core.json', 'sub/deep.json', 'no-extension')).toEqual([
    'builtin',
    'qapi-schema',
    'block-core',
    'sub/deep',
    'no-extension',
  ]);
});

test('no folder is outside the output folder', () => {
  expect(foldersOf('../../qapi/common.json', '/etc/passwd', 'a/../../b.json', 'C:\\x.json', '..')).toEqual([
    'qapi/common',
    'etc/passwd',
    'a/b',
    'C_/x',
    'schema',
  ]);
});

test('names that some file system does not take are changed', () => {
  expect(foldersOf('con.json', 'nul.a.json', 'a b.json', '.hidden.json', 'dot..json', 'é.json')).toEqual([
    'con_',
    'nul_.a',
    'a_b',
    '_hidden',
    'dot_',
    '_',
  ]);
});

test('no two modules share a folder, even where case does not count', () => {
  expect(foldersOf('a.json', 'A.json', '../a.json', 'a')).toEqual(['a', 'A-2', 'a-3', 'a-4']);
});
