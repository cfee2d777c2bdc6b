import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise, type IConfiguration, type ICruiseResult } from 'dependency-cruiser';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const { forbidden, options } = createRequire(import.meta.url)(
  '../../.dependency-cruiser.cjs',
) as Required<IConfiguration>;

/** One import, and the rule that must catch it; none for an arrow of the design. */
const imports: [from: string, to: string, rule: string | undefined][] = [
  ['generator/emit/a', 'generator/schema/a', undefined],
  ['generator/emit/b', 'generator/text/a', undefined],
  ['generator/schema/b', 'generator/syntax/a', undefined],
  ['generator/syntax/b', 'generator/text/a', undefined],
  ['runtime/block/a', 'generated/a', undefined],
  ['runtime/qmp/a', 'runtime/json/a', undefined],
  ['generated/b', 'runtime/index', undefined],
  ['cli/a', 'generator/emit/z', undefined],
  ['cli/b', 'runtime/index', undefined],
  ['cli/c', 'testkit/a', undefined],
  ['testkit/b', 'generator/schema/a', undefined],
  ['testkit/c', 'runtime/qmp/a', undefined],
  ['testkit/d', 'cli/z', 'arrows-from-testkit'],
  ['runtime/qmp/d', 'testkit/z', 'arrows-from-runtime-qmp'],
  ['generator/text/b', 'generator/syntax/z', 'arrows-from-generator-text'],
  ['generator/syntax/c', 'generator/schema/z', 'arrows-from-generator-syntax'],
  ['generator/schema/c', 'generator/emit/z', 'arrows-from-generator-schema'],
  ['generator/emit/c', 'runtime/json/a', 'arrows-from-generator-emit'],
  ['generator/config', 'cli/z', 'arrows-from-generator'],
  ['runtime/json/b', 'runtime/visit/z', 'arrows-from-runtime-json'],
  ['runtime/visit/b', 'runtime/qmp/z', 'arrows-from-runtime-visit'],
  ['runtime/qmp/b', 'generated/a', 'arrows-from-runtime-qmp'],
  ['runtime/block/b', 'generator/text/a', 'arrows-from-runtime-block'],
  ['generated/c', 'generator/text/a', 'arrows-from-generated'],
  ['runtime/json/c', 'cli/z', 'arrows-from-runtime-json'],
  ['runtime/visit/c', 'runtime/index', 'no-index-from-inside'],
];

describe('the arrows of the design', () => {
  let folder: string;
  let violations: Map<string, string[]>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'arrows-'));
    const write = async (module: string, text: string): Promise<void> => {
      const path = join(folder, `${module}.ts`);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text, { flag: 'a' });
    };
    for (const [index, [from, to]] of imports.entries()) {
      const specifier = `${'../'.repeat(from.split('/').length - 1)}${to}.js`;
      const forms = [
        `import type { T } from '${specifier}';`,
        `import { type T } from '${specifier}';`,
        `export type { T } from '${specifier}';`,
        `import '${specifier}';`,
        `await import('${specifier}');`,
      ];
      await write(from, `${forms[index % forms.length]}\n`);
      await write(to, 'export type T = number;\n');
    }
    const { output } = await cruise(['.'], { ...options, baseDir: folder, ruleSet: { forbidden }, validate: true });
    violations = new Map();
    for (const { from, to, rule } of (output as ICruiseResult).summary.violations) {
      violations.set(`${from} -> ${to}`, [...(violations.get(`${from} -> ${to}`) ?? []), rule.name]);
    }
  });

  afterAll(() => rm(folder, { recursive: true }));

  test.each(imports)('%s -> %s: %s', (from, to, rule) => {
    const found = violations.get(`${from}.ts -> ${to}.ts`) ?? [];
    if (rule === undefined) expect(found).toEqual([]);
    else expect(found).toContain(rule);
  });
});
