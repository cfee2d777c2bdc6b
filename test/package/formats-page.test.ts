import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BlockdevDriver } from '../../generated/index.js';
import { builtInDrivers } from '../../runtime/block/built-in-drivers.js';
import type { BlockDriver } from '../../runtime/block/driver.js';

const docs = join(import.meta.dirname, '../../docs');
const drivers = builtInDrivers();

/** The rows of the first table of a page, as cells. */
function tableOf(page: string, heading: string): string[][] {
  const lines = readFileSync(join(docs, page), 'utf8').split('\n');
  const start = lines.findIndex((line) => line.startsWith(heading));
  const rows = lines.slice(
    start + 2,
    lines.findIndex((line, index) => index > start && !line.startsWith('|')),
  );
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

/** The names in a cell. */
function namesIn(cell: string | undefined): string[] {
  return [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? '');
}

const builtIn = (name: string): BlockDriver | undefined => {
  try {
    return drivers.named(name);
  } catch {
    return undefined;
  }
};

describe('the table of docs/formats.md', () => {
  const rows = tableOf('formats.md', '| Format |').map(([name, reads, writes, creates, resizes, backing]) => ({
    name: namesIn(name)[0] ?? '',
    reads,
    writes,
    creates,
    resizes,
    backing,
  }));

  it('lists every format driver, and no other', () => {
    // Filters have no data of their own to be known by.
    const names = BlockdevDriver.filter(
      (name) => builtIn(name)?.kind === 'format' && builtIn(name)?.probe !== undefined,
    );
    expect(rows.map(({ name }) => name).sort()).toEqual([...names].sort());
  });

  it.each(rows)(
    'says of $name whether images are created, and whether they have backing files',
    ({ name, creates, backing }) => {
      const driver = drivers.named(name);
      expect(creates !== '').toBe(driver.create !== undefined);
      expect(backing !== '' && !backing?.startsWith('refused')).toBe(driver.supportsBacking === true);
    },
  );

  it('says only of formats that are created that they are written', () => {
    for (const { name, creates, writes, resizes } of rows) {
      expect([name, writes !== ''], 'written').toEqual([name, creates !== '']);
      if (resizes !== '') expect(creates, name).not.toBe('');
    }
  });
});

describe('the table of docs/block.md', () => {
  const rows = tableOf('block.md', '| Driver | Reads |');

  it('lists every driver that is built in, and no other', () => {
    const all = [...new Set([...BlockdevDriver, 'host_cdrom'])].filter((name) => builtIn(name) !== undefined);
    expect(rows.flatMap(([names]) => namesIn(names)).sort()).toEqual(all.sort());
  });
});
