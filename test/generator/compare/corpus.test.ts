import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Change, compareSchemas, type Schema } from '../../../generator/index.js';
import { loadSchema } from '../../../generator/schema/load.js';
import { corpusPath, describeWithCorpus } from '../../corpus.js';
import { lineOf } from './compared.js';

const releases = ['2.8-dev', '4.2', '6.0', '7.2', '9.0-rc', '10.1'];

async function release(name: string): Promise<Schema> {
  const root = name === '2.8-dev' ? 'qapi-schema.json' : 'qapi/qapi-schema.json';
  const { schema } = await loadSchema(corpusPath('releases', name, root), { advice: false });
  if (!schema) throw new Error(`${name} cannot be read`);
  return schema;
}

/** Kind, places and roles of a change, and what was and is there. */
function goldenLine(change: Change): string {
  const { code, old = '-', new: now = '-' } = change;
  return `${code} ${lineOf(change)}: ${old} > ${now}\n`;
}

const steps = releases.slice(1).map((name, index) => [releases[index] as string, name] as const);

describeWithCorpus('what changed between releases of QEMU', 'releases', () => {
  test.each(steps)('the changes from %s to %s are those that were reviewed', async (old, now) => {
    const changes = compareSchemas(await release(old), await release(now));
    const text = changes.map(goldenLine).join('');
    await expect(text).toMatchFileSnapshot(join(import.meta.dirname, '__golden__', `${old}--${now}.txt`));
  });

  test.each(releases)('%s does not differ from itself', async (name) => {
    expect(compareSchemas(await release(name), await release(name), { source: true, documentation: true })).toEqual([]);
  });
});
