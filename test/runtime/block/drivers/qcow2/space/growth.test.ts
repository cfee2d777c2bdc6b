import { describe, expect, it } from 'vitest';
import { check } from '../../../../../../runtime/block/drivers/qcow2/check/check.js';
import { readHeader } from '../../../../../../runtime/block/drivers/qcow2/format/header.js';
import { MemoryChild } from '../../../memory-child.js';
import { afterCrash } from '../crash.js';
import { createImage } from '../images.js';
import { contents, filled, openOn } from '../opened.js';

const KiB = 1024;
const piece = 64 * KiB;
/** 64 refcounts a block, 64 blocks a cluster of the table: the table has to grow at 2 MiB. */
const narrow = { cluster_size: 512, refcount_bits: 64 };

describe('an image that outgrows its refcount table', () => {
  it('makes the refcount table larger as often as needed', async () => {
    const size = 8 * KiB * KiB;
    const file = await createImage(size, narrow);
    // A file that is long already is quicker to write to.
    await file.truncate(3 * size);
    const opened = await openOn(file);
    for (let at = 0; at < size; at += piece) await opened.instance.write(at, filled(piece, (at / piece) % 251), 0);
    expect(file.events.filter((event) => event === 'reftable_grow').length).toBeGreaterThan(1);
    const found = await contents(opened);
    for (let at = 0; at < size; at += piece) expect(found[at]).toBe((at / piece) % 251);
    await opened.instance.close();
    expect((await readHeader(file)).refcountTableClusters).toBeGreaterThan(3);
    expect(await check(file)).toMatchObject({ corruptions: 0, leaks: 0, allocatedClusters: size / 512 });
  });

  it('keeps a refcount table that counts everything whenever the power goes off', async () => {
    const file = await createImage(4 * KiB * KiB, narrow);
    const opened = await openOn(file);
    let at = 0;
    for (; file.bytes.length < 2 * KiB * KiB - 3 * piece; at += piece)
      await opened.instance.write(at, filled(piece, 1), 0);
    await opened.instance.flushToOs();
    const before = file.bytes.slice();
    file.steps.length = 0;
    for (let more = 0; more < 6; more++, at += piece) await opened.instance.write(at, filled(piece, 2), 0);
    await opened.instance.flushToOs();
    expect(file.events).toContain('refblock_alloc_switch_table');
    let state = 7;
    const random = () => {
      state = (state * 1103515245 + 12345) % 2 ** 31;
      return state / 2 ** 31;
    };
    for (let end = 0; end <= file.steps.length; end++) {
      const disk = new MemoryChild(afterCrash(before, file.steps, end, random));
      expect(await check(disk)).toMatchObject({ corruptions: 0, checkErrors: 0 });
    }
  });
});

describe('an image with large clusters', () => {
  it('reads as it was written', async () => {
    const size = 10 * KiB * KiB;
    const file = await createImage(size, { cluster_size: '2M' });
    const opened = await openOn(file, { backing: new MemoryChild(filled(3 * KiB * KiB, 9), 'backing') });
    await opened.instance.write(KiB * KiB, filled(512, 1), 0);
    await opened.instance.write(5 * KiB * KiB, filled(2 * KiB * KiB, 2), 0);
    await opened.instance.discard(8 * KiB * KiB, 2 * KiB * KiB);
    const found = await contents(opened);
    const bytes = [0, KiB * KiB, KiB * KiB + 512, 3 * KiB * KiB, 5 * KiB * KiB, 7 * KiB * KiB - 1, 7 * KiB * KiB];
    expect(bytes.map((each) => found[each])).toEqual([9, 1, 9, 0, 2, 2, 0]);
    await opened.instance.close();
    expect(await check(file)).toMatchObject({ corruptions: 0, leaks: 0, allocatedClusters: 3 });
  });
});
