import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { transform } from 'sucrase';
import { expect, onTestFinished, test } from 'vitest';
import { sucraseForTypes } from '../../bundle.mjs';
import type { stripTypes } from '../../cli/strip-types.js';

const root = join(import.meta.dirname, '../..');

const constructs = `import type { Config } from 'qapi-ts';
import { type Stats, join } from 'node:path';
export enum Level { low = 1, high }
export abstract class Box<T> {
  declare kept: string;
  constructor(private readonly value: T, public size?: number) {}
  get first(): T { return this.value!; }
}
export const found = ([1_000, 2] as const).at(-1)?.toFixed() ?? 'none';
export default { schema: 'a.json', output: join('x', found) } satisfies Config;
`;

test('the part of sucrase that is shipped takes types out of modules as the whole does', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-strip-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const outfile = join(folder, 'strip.mjs');
  await build({
    entryPoints: [join(root, 'cli/strip-types.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    plugins: [sucraseForTypes],
  });
  const shipped: { stripTypes: typeof stripTypes } = await import(pathToFileURL(outfile).href);
  const names = readdirSync(join(root, 'cli')).filter((name) => name.endsWith('.ts'));
  const texts = [constructs, ...names.map((name) => readFileSync(join(root, 'cli', name), 'utf8'))];
  for (const [index, text] of texts.entries()) {
    const path = join(folder, `config-${index}.ts`);
    writeFileSync(path, text);
    const options = { transforms: ['typescript' as const], disableESTransforms: true, keepUnusedImports: true };
    expect(readFileSync(await shipped.stripTypes(path), 'utf8')).toBe(transform(text, options).code);
  }
  expect(texts.length).toBeGreaterThan(20);
});
