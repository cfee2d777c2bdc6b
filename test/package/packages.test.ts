import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { transform } from 'sucrase';
import { expect, onTestFinished, test } from 'vitest';
import { packedIntrospection, withoutUnused } from '../../build/packages.mjs';
import * as log from '../../cli/serve/log.js';
import type { stripTypes } from '../../cli/strip-types.js';
import { introspection } from '../../generated/introspection.js';
import * as load from '../../generator/schema/load.js';
import { memoryHost } from '../../generator/syntax/host.js';
import { catalogue } from '../../generator/text/catalogue/index.js';
import type { DiagnosticKind } from '../../generator/text/diagnostic.js';

const root = join(import.meta.dirname, '../..');

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-packages-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A module of ours with what is shipped of the packages that it uses. */
async function shipped(module: string): Promise<unknown> {
  const outfile = join(temporaryFolder(), 'module.mjs');
  await build({
    entryPoints: [join(root, module)],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    plugins: [withoutUnused],
  });
  return await import(pathToFileURL(outfile).href);
}

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
  const folder = temporaryFolder();
  const strip = (await shipped('cli/strip-types.ts')) as { stripTypes: typeof stripTypes };
  const names = readdirSync(join(root, 'cli')).filter((name) => name.endsWith('.ts'));
  const texts = [constructs, ...names.map((name) => readFileSync(join(root, 'cli', name), 'utf8'))];
  for (const [index, text] of texts.entries()) {
    const path = join(folder, `config-${index}.ts`);
    writeFileSync(path, text);
    const options = { transforms: ['typescript' as const], disableESTransforms: true, keepUnusedImports: true };
    expect(readFileSync(await strip.stripTypes(path), 'utf8')).toBe(transform(text, options).code);
  }
  expect(texts.length).toBeGreaterThan(20);
});

test('the part of chevrotain that is shipped finds in faulty schemas what the whole finds', async () => {
  const { checkSchema } = (await shipped('generator/schema/load.ts')) as typeof load;
  const kinds: readonly DiagnosticKind<never>[] = Object.values(catalogue);
  for (const { example } of kinds) {
    const options = { dialect: example.dialect, host: memoryHost({ 'schema.json': example.wrong }) };
    const facts = (found: Awaited<ReturnType<typeof checkSchema>>) =>
      found.map(({ name, message, span, related, hint }) => [
        name,
        message,
        span?.start,
        span?.end,
        related.length,
        hint,
      ]);
    const expected = facts(await load.checkSchema('schema.json', options));
    expect(facts(await checkSchema('schema.json', options))).toEqual(expected);
  }
  expect(kinds.length).toBeGreaterThan(80);
});

test('the part of pino that is shipped logs what the whole logs', async () => {
  const { serverLog, tellReady } = (await shipped('cli/serve/log.ts')) as typeof log;
  const lines = (make: typeof log.serverLog, ready: typeof log.tellReady): string[] => {
    const found: string[] = [];
    for (const level of ['trace', 'warn', 'silent']) {
      const logger = make({ write: (line) => found.push(line.replace(/"time":"[^"]*"/, '')) > 0 }, level);
      const circle: Record<string, unknown> = { name: 'round', big: 2n, date: new Date(0) };
      circle.self = circle;
      logger.trace({ circle }, 'a circle of %s', 'one');
      logger.error(Object.assign(new Error('fault', { cause: new RangeError('why') }), { stack: 'here', code: 'EIO' }));
      logger.warn({ err: new TypeError('no').message, port: 5, none: undefined, text: 'ü"\n' });
      ready(logger, { qmp: ['unix:/a'], nbd: [] });
    }
    return found.map((line) => line.replace(/causes?:.*?(?=\\n|")/g, '').replace(/\\n +at [^"]*/g, ''));
  };
  const expected = lines(log.serverLog, log.tellReady);
  expect(lines(serverLog, tellReady)).toEqual(expected);
  expect(expected.length).toBeGreaterThan(4);
});

test('the introspection data that is shipped compressed is the generated data', async () => {
  const module = join(temporaryFolder(), 'introspection.mjs');
  const packed = packedIntrospection(readFileSync(join(root, 'generated/introspection.ts'), 'utf8'));
  writeFileSync(module, packed);
  expect(packed.length).toBeLessThan(JSON.stringify(introspection).length / 3);
  expect(await import(pathToFileURL(module).href)).toHaveProperty('introspection', introspection);
});
