import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const modules = ['generator', 'runtime', 'testkit', 'upgrade', 'cli', 'bench', 'test'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|mjs)$/.test(file) && !/fixtures|__golden__/.test(file))
    .map((file) => ({ path: `${folder}/${file}`, text: readFileSync(join(root, folder, file), 'utf8') })),
);

describe('modules', () => {
  const lines = modules.map(({ path, text }) => ({ path, count: text.split('\n').length }));

  test('none has more than 700 lines', () => {
    expect(lines.filter(({ count }) => count > 700)).toEqual([]);
  });

  test('nine of ten have fewer than 400 lines', () => {
    const long = lines.filter(({ count }) => count >= 400);
    expect(long.length, long.map(({ path }) => path).join(', ')).toBeLessThanOrEqual(lines.length / 10);
  });

  // The dependency rules see import declarations, and expressions that load a module, but not this.
  test('none names a type by an import in the middle of a type', () => {
    expect(modules.filter(({ text }) => /[:<|&=] ?import\('\./.test(text)).map(({ path }) => path)).toEqual([]);
  });
});
