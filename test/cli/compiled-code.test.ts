import { readdirSync, writeFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { keepingCompiledCode } from '../../cli/compiled-code.js';
import { folderWith } from './command-line.js';

const filler = `// ${'x'.repeat(600_000)}\n`;
const text = `${filler}exports.answer = () => require('./small.js') + require('node:path').posix.sep + __filename.length;\n`;

/** A package with a large file, and a folder for compiled code. */
function setUp() {
  const folder = folderWith({
    'package/package.json': '{ "name": "large", "version": "1.0.0" }',
    'package/dist/large.js': text,
    'package/dist/small.js': "module.exports = 'small';\n",
  });
  const path = join(folder, 'package/dist/large.js');
  const cache = join(folder, 'cache/qapi-ts');
  return {
    path,
    cache,
    /** Loads the package anew. */
    load(env: Record<string, string> = { XDG_CACHE_HOME: join(folder, 'cache') }): Promise<string> {
      const require = createRequire(import.meta.url);
      delete require.cache[path];
      return keepingCompiledCode(env, async () => (require(path) as { answer(): string }).answer());
    },
  };
}

describe.skipIf('enableCompileCache' in Module)('compiled code', () => {
  test('keeps compiled code and uses it again', async () => {
    const { load, path, cache } = setUp();
    const expected = `small/${path.length}`;
    expect(await load()).toBe(expected);
    const kept = readdirSync(cache);
    expect(kept).toEqual([expect.stringMatching(/^large\.js-[0-9a-f]{16}\.bin$/)]);
    expect(await load()).toBe(expected);
    expect(readdirSync(cache)).toEqual(kept);
  });

  test('ignores compiled code that is damaged', async () => {
    const { load, path, cache } = setUp();
    await load();
    const [name = ''] = readdirSync(cache);
    writeFileSync(join(cache, name), 'damaged');
    expect(await load()).toBe(`small/${path.length}`);
  });

  test('ignores compiled code of another version of the package', async () => {
    const { load, path, cache } = setUp();
    await load();
    const [before] = readdirSync(cache);
    writeFileSync(path, text.replace('small', 'SMALL').replace("require('./SMALL.js')", "'other'"));
    writeFileSync(join(path, '../../package.json'), '{ "name": "large", "version": "1.0.1" }');
    expect(await load()).toBe(`other/${path.length}`);
    const after = readdirSync(cache);
    expect(after).toHaveLength(1);
    expect(after[0]).not.toBe(before);
  });

  test.each([[{}], [{ XDG_CACHE_HOME: '/dev/null' }], [{ HOME: '/nowhere', NODE_DISABLE_COMPILE_CACHE: '1' }]])(
    'runs all the same when compiled code cannot be kept in %j',
    async (env) => {
      const { load, path } = setUp();
      expect(await load(env)).toBe(`small/${path.length}`);
    },
  );

  test('lets errors of the package through', async () => {
    const { load, path } = setUp();
    writeFileSync(path, `${filler}throw new Error('broken');\n`);
    await expect(load()).rejects.toThrow('broken');
  });
});
