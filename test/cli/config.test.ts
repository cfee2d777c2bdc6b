import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findConfig as findConfigOf } from '../../cli/config.js';
import { folderWith } from './command-line.js';

const findConfig = (cwd: string) => findConfigOf({ cwd });

describe('a configuration', () => {
  test('finds the configuration in a folder above, and reads its paths relative to it', async () => {
    const folder = folderWith({
      'qapi-ts.config.json': '{ "schema": "qapi/root.json", "output": "out", "runtimeImport": "./lib/runtime.js" }',
      'a/b/empty.txt': '',
    });
    expect(await findConfig(join(folder, 'a/b'))).toEqual({
      file: '../../qapi-ts.config.json',
      config: {
        schema: join(folder, 'qapi/root.json'),
        output: join(folder, 'out'),
        runtimeImport: join(folder, 'lib/runtime.js'),
      },
    });
  });

  test('reads a configuration in TypeScript that imports a file beside it', async () => {
    const folder = folderWith({
      'names.mjs': "export const output = 'src/generated';\n",
      'qapi-ts.config.ts':
        "import { output } from './names.mjs';\n" +
        "interface Shape { output: string; int64: 'bigint' }\n" +
        "export default { output, int64: 'bigint' } satisfies Shape;\n",
    });
    const found = await findConfig(folder);
    expect(found?.config).toEqual({ output: join(folder, 'src/generated'), int64: 'bigint' });
  });

  test('reads a configuration in JavaScript', async () => {
    const folder = folderWith({
      'package.json': '{ "type": "module" }',
      'qapi-ts.config.js': 'export default { openEnums: true, define: { CONFIG_A: false } };\n',
    });
    expect((await findConfig(folder))?.config).toEqual({ openEnums: true, define: { CONFIG_A: false } });
  });

  test('runs without a configuration', async () => {
    expect(await findConfig(folderWith({}))).toBeUndefined();
  });

  test.each([
    ['{ "outptu": "x" }', "unknown key 'outptu'", "did you mean 'output'?"],
    ['{ "colour": "x" }', "unknown key 'colour'", 'the keys are schema, output'],
    ['{ "int64": "bigit" }', "'int64' cannot be 'bigit': did you mean 'bigint'?", undefined],
    ['{ "dialect": "10.11" }', "'dialect' cannot be '10.11'", undefined],
    ['{ "targets": "types" }', "'targets' must be an array", undefined],
    ['{ "targets": ["type"] }', "'targets' cannot be 'type': did you mean 'types'?", undefined],
    ['{ "openEnums": "yes" }', "'openEnums' must be true or false", undefined],
    ['{ "define": ["A"] }', "'define' must be an object", undefined],
    ['{ "define": { "A": "on" } }', "'define' must have true or false for 'A'", undefined],
    ['{ "schema": 1 }', "'schema' must be a string", undefined],
    ['{ "__proto__": 1 }', "unknown key '__proto__'", undefined],
    ['[]', 'a configuration is an object', undefined],
    ['{ "schema": ', 'qapi-ts.config.json: ', undefined],
    ['{\n  "schema": "a" x }', 'qapi-ts.config.json:2:17: ', undefined],
  ])('%s is refused: %s', async (text, message, hint) => {
    const folder = folderWith({ 'qapi-ts.config.json': text });
    const error = await findConfig(folder).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'UserError', message: expect.stringContaining(message) });
    expect(error).toMatchObject({ message: expect.stringContaining('qapi-ts.config.json') });
    if (hint !== undefined) expect(error).toMatchObject({ hint: expect.stringContaining(hint) });
  });

  test('refuses a configuration without a default export', async () => {
    const folder = folderWith({ 'package.json': '{ "type": "module" }', 'qapi-ts.config.js': 'export const a = 1;\n' });
    await expect(findConfig(folder)).rejects.toThrow('qapi-ts.config.js has no default export');
  });

  test('reports why a configuration failed to load', async () => {
    const folder = folderWith({ 'qapi-ts.config.js': "throw new Error('out of cheese');\n" });
    await expect(findConfig(folder)).rejects.toThrow('qapi-ts.config.js: out of cheese');
  });

  test('refuses two configurations in one folder', async () => {
    const folder = folderWith({ 'qapi-ts.config.js': '', 'qapi-ts.config.json': '{}' });
    await expect(findConfig(folder)).rejects.toThrow('two configurations');
  });
});
