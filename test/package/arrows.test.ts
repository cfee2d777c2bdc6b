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
  ['generator/compare/a', 'generator/schema/a', undefined],
  ['generator/compare/b', 'generator/emit/z', 'arrows-from-generator-compare'],
  ['generator/schema/b', 'generator/syntax/a', undefined],
  ['generator/syntax/b', 'generator/text/a', undefined],
  ['runtime/block/io/c', 'generated/a', undefined],
  ['runtime/qmp/a', 'runtime/json/a', undefined],
  ['generated/b', 'runtime/index', undefined],
  ['cli/a', 'generator/emit/z', undefined],
  ['cli/b', 'runtime/index', undefined],
  ['cli/c', 'testkit/a', undefined],
  ['cli/e', 'upgrade/a', undefined],
  ['upgrade/b', 'generator/schema/a', undefined],
  ['upgrade/c', 'runtime/json/a', 'arrows-from-upgrade'],
  ['generator/schema/e', 'upgrade/z', 'arrows-from-generator-schema'],
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
  ['runtime/block/io/d', 'generator/text/a', 'arrows-from-runtime-block'],
  ['generated/c', 'generator/text/a', 'arrows-from-generated'],
  ['runtime/json/c', 'cli/z', 'arrows-from-runtime-json'],
  ['runtime/visit/c', 'runtime/index', 'no-index-from-inside'],
  ['runtime/block/error', 'runtime/block/errno', undefined],
  ['runtime/block/driver', 'runtime/block/options', undefined],
  ['runtime/block/io/a', 'runtime/block/driver', undefined],
  ['runtime/block/drivers/one/a', 'runtime/block/io/tracker', undefined],
  ['runtime/block/drivers/one/b', 'runtime/block/drivers/shared/a', undefined],
  ['runtime/block/drivers/one/c', 'runtime/block/drivers/one/parts/a', undefined],
  ['runtime/block/graph/a', 'runtime/block/io/z', undefined],
  ['runtime/block/graph/b', 'runtime/block/transaction', undefined],
  ['runtime/block/bitmaps/a', 'runtime/block/graph/z', undefined],
  ['runtime/block/backend/a', 'runtime/block/nbd/z', undefined],
  ['runtime/block/jobs/a', 'runtime/block/backend/z', undefined],
  ['runtime/block/drive/a', 'runtime/block/backend/z', undefined],
  ['runtime/block/objects/a', 'runtime/block/driver', undefined],
  ['runtime/block/commands/a', 'runtime/block/jobs/z', undefined],
  ['runtime/block/layer', 'runtime/block/commands/z', undefined],
  ['runtime/block/limits', 'runtime/block/driver', 'arrows-in-block-from-limits'],
  ['runtime/block/units', 'runtime/block/error', 'arrows-in-block-from-units'],
  ['runtime/block/transaction', 'runtime/block/graph/z', 'arrows-in-block-from-transaction'],
  ['runtime/block/driver', 'runtime/block/io/z', 'arrows-in-block-from-driver'],
  ['runtime/block/io/b', 'runtime/block/graph/z', 'arrows-in-block-from-io'],
  ['runtime/block/drivers/one/h', 'runtime/block/nbd/protocol', undefined],
  ['runtime/block/drivers/one/i', 'runtime/block/nbd/z', 'arrows-in-block-from-drivers'],
  ['runtime/block/drivers/one/d', 'runtime/block/graph/z', 'arrows-in-block-from-drivers'],
  ['runtime/block/drivers/one/e', 'runtime/block/io/z', 'arrows-in-block-from-drivers'],
  ['runtime/block/drivers/one/f', 'runtime/block/drivers/other/z', 'no-driver-knows-another'],
  ['runtime/block/drivers/one/g', 'runtime/block/drivers/flat', 'no-driver-knows-another'],
  ['runtime/block/drivers/flat', 'runtime/block/drivers/other/z', 'no-driver-knows-another'],
  ['runtime/block/drivers/shared/b', 'runtime/block/drivers/other/z', 'no-driver-knows-another'],
  ['runtime/block/nbd/a', 'runtime/block/error', 'arrows-in-block-from-nbd'],
  ['runtime/block/graph/c', 'runtime/block/backend/z', 'arrows-in-block-from-graph'],
  ['runtime/block/bitmaps/b', 'runtime/block/backend/z', 'arrows-in-block-from-bitmaps'],
  ['runtime/block/backend/b', 'runtime/block/jobs/z', 'arrows-in-block-from-backend'],
  ['runtime/block/jobs/b', 'runtime/block/commands/z', 'arrows-in-block-from-jobs'],
  ['runtime/block/drive/b', 'runtime/block/jobs/z', 'arrows-in-block-from-drive'],
  ['runtime/block/objects/b', 'runtime/block/graph/z', 'arrows-in-block-from-objects'],
  ['runtime/block/commands/b', 'runtime/block/layer', 'arrows-in-block-from-commands'],
  ['runtime/block/commands/c', 'runtime/block/drivers/one/z', 'arrows-in-block-from-commands'],
  ['runtime/block/elsewhere/a', 'runtime/json/a', 'no-unlisted-block-folder'],
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
