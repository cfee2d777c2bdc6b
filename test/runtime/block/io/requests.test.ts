import { describe, expect, it } from 'vitest';
import { ioError } from '../../../../runtime/block/error.js';
import type { WriteNotice } from '../../../../runtime/block/io/requests.js';
import { largestSize } from '../../../../runtime/block/limits.js';
import { RequestFlag } from '../../../../runtime/block/request-flag.js';
import { failAt, TestDisk } from './test-disk.js';

const data = (length: number, value = 7) => new Uint8Array(length).fill(value);

/** A disk of which each byte tells where it is. */
function numbered(size: number, options?: ConstructorParameters<typeof TestDisk>[1]): TestDisk {
  const disk = new TestDisk(size, options);
  for (let at = 0; at < size; at++) disk.bytes[at] = at % 251;
  return disk;
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => (from + at) % 251);

/** A gate that holds the driver back until it is opened. */
function gate(disk: TestDisk): () => Promise<void> {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  disk.pause = () => opened;
  return async () => {
    open();
    disk.pause = async () => {};
    await new Promise((resolve) => setImmediate(resolve));
  };
}

describe('reads', () => {
  it('passes aligned reads to the driver unchanged', async () => {
    const disk = numbered(4096, { alignment: 512 });
    expect([...(await disk.read(512, 1024))]).toEqual(numbers(512, 1536));
    expect(disk.log).toEqual(['read 512+1024']);
  });

  it('widens unaligned reads to whole blocks', async () => {
    const disk = numbered(4096, { alignment: 512 });
    expect([...(await disk.read(500, 100))]).toEqual(numbers(500, 600));
    expect(disk.log).toEqual(['read 0+1024']);
  });

  it('reads zeroes beyond the end', async () => {
    const disk = numbered(1024, { alignment: 512 });
    expect([...(await disk.read(1000, 100))]).toEqual([...numbers(1000, 1024), ...data(76, 0)]);
    expect([...(await disk.read(5000, 4))]).toEqual([0, 0, 0, 0]);
    expect([...(await disk.read(512, 1024))]).toEqual([...numbers(512, 1024), ...data(512, 0)]);
    expect(disk.log).toEqual(['read 512+512', 'read 512+512']);
  });

  it('reads zeroes for what a driver leaves in the last block beyond the end', async () => {
    const disk = numbered(1000, { alignment: 512 });
    const { instance } = disk.target;
    if (instance) instance.read = async (_offset, buffer) => void buffer.fill(9);
    expect([...(await disk.read(990, 30))]).toEqual([...data(10, 9), ...data(20, 0)]);
    expect([...(await disk.read(512, 512))]).toEqual([...data(488, 9), ...data(24, 0)]);
  });

  it.each([
    [-1, 1],
    [largestSize, 1],
    [Number.NaN, 1],
  ])('refuses reads out of range (%d)', async (offset, length) => {
    await expect(new TestDisk(512).read(offset, length)).rejects.toMatchObject({ code: 'EIO' });
  });

  it('fail without a medium', async () => {
    await expect(new TestDisk(512, { inserted: false }).read(0, 1)).rejects.toMatchObject({ code: 'ENOMEDIUM' });
    const closed = new TestDisk(512);
    closed.target.instance = undefined;
    await expect(closed.read(0, 1)).rejects.toMatchObject({ code: 'ENOMEDIUM' });
  });

  it('reads inside of a serialising request do not wait', async () => {
    const disk = numbered(1024, { alignment: 512 });
    let seen: Buffer | undefined;
    disk.requests.beforeWrite.add(async ({ offset, length }) => {
      seen = await disk.read(offset, length, RequestFlag.noSerialising);
    });
    await disk.requests.write(1, data(2));
    expect([...(seen ?? [])]).toEqual(numbers(0, 512));
  });
});

describe('writes', () => {
  it('announces the steps of writes as the driver makes them', async () => {
    const disk = new TestDisk(4096, { alignment: 512 });
    await disk.requests.write(512, data(512));
    expect(disk.takeLog()).toEqual(['pwritev', 'write 512+512', 'pwritev_done']);
    await disk.requests.write(10, data(1024));
    expect(disk.takeLog()).toEqual([
      'pwritev_rmw_head',
      'read 0+512',
      'pwritev_rmw_after_head',
      'pwritev_rmw_tail',
      'read 1024+512',
      'pwritev_rmw_after_tail',
      'pwritev',
      'write 0+1536',
      'pwritev_done',
    ]);
    await disk.requests.write(10, data(20));
    expect(disk.takeLog()).toEqual([
      'pwritev_rmw_head',
      'read 0+512',
      'pwritev_rmw_after_head',
      'pwritev',
      'write 0+512',
      'pwritev_done',
    ]);
    await disk.requests.write(512, data(20));
    expect(disk.takeLog()).toEqual([
      'pwritev_rmw_tail',
      'read 512+512',
      'pwritev_rmw_after_tail',
      'pwritev',
      'write 512+512',
      'pwritev_done',
    ]);
    await disk.requests.writeZeroes(512, 512);
    expect(disk.takeLog()).toEqual(['pwritev_zero', 'zero 512+512', 'pwritev_done']);
  });

  it('announces the end of writes that fail, too', async () => {
    const disk = new TestDisk(512);
    disk.onStep = (step) => {
      if (/^(write|zero)/.test(step)) throw ioError('EIO');
    };
    await expect(disk.requests.write(0, data(1))).rejects.toMatchObject({ code: 'EIO' });
    await expect(disk.requests.writeZeroes(0, 1)).rejects.toMatchObject({ code: 'EIO' });
    expect(disk.log).toEqual(['pwritev', 'write 0+1', 'pwritev_done', 'pwritev_zero', 'zero 0+1', 'pwritev_done']);
  });

  it('keeps the bytes around an unaligned write', async () => {
    const disk = numbered(2048, { alignment: 512 });
    await disk.requests.write(700, data(600, 255));
    expect([...disk.bytes]).toEqual([...numbers(0, 700), ...data(600, 255), ...numbers(1300, 2048)]);
  });

  it('keeps both of two writes to the same block', async () => {
    const disk = new TestDisk(512, { alignment: 512 });
    disk.pause = () => new Promise((resolve) => setImmediate(resolve));
    await Promise.all(Array.from({ length: 64 }, (_, index) => disk.requests.write(index * 8, data(8, index + 1))));
    expect([...disk.bytes]).toEqual(Array.from({ length: 512 }, (_, at) => Math.floor(at / 8) + 1));
  });

  it('runs writes side by side where they do not overlap', async () => {
    const disk = new TestDisk(4096, { alignment: 512 });
    const open = gate(disk);
    const writes = [
      disk.requests.write(10, data(1)),
      disk.requests.write(1024, data(512)),
      disk.requests.write(2050, data(1)),
    ];
    await new Promise((resolve) => setImmediate(resolve));
    // None has ended yet.
    expect(disk.log).toEqual(expect.arrayContaining(['read 0+512', 'write 1024+512', 'read 2048+512']));
    await open();
    await Promise.all(writes);
  });

  it('aligned writes wait for an earlier serialising one', async () => {
    const disk = new TestDisk(1024, { alignment: 512 });
    const open = gate(disk);
    const first = disk.requests.write(10, data(1, 1));
    const second = disk.requests.write(0, data(512, 2));
    await new Promise((resolve) => setImmediate(resolve));
    expect(disk.log).not.toContain('write 0+512');
    await open();
    await Promise.all([first, second]);
    expect([...new Set(disk.bytes.subarray(0, 512))]).toEqual([2]);
  });

  it('a write makes the image longer', async () => {
    const disk = new TestDisk(512);
    await disk.requests.write(1000, data(24));
    expect(disk.bytes.length).toBe(1024);
  });

  it('an empty write does nothing', async () => {
    const disk = new TestDisk(512);
    await disk.requests.write(0, data(0));
    await disk.requests.writeZeroes(0, 0);
    await disk.requests.discard(0, 0);
    expect(disk.log).toEqual([]);
  });

  it.each(['write', 'writeZeroes', 'discard'] as const)('refuses to change a read-only node: %s', async (kind) => {
    const disk = new TestDisk(512, { readOnly: true, unmap: true });
    const request = kind === 'write' ? disk.requests.write(0, data(1)) : disk.requests[kind](0, 1);
    await expect(request).rejects.toMatchObject({ code: 'EPERM' });
    expect(disk.log).toEqual([]);
  });

  it.each([
    [-1, 1],
    [largestSize, 1],
  ])('refuses writes out of range (%d)', async (offset, length) => {
    const { requests } = new TestDisk(512, { unmap: true });
    for (const request of [
      requests.write(offset, data(length)),
      requests.writeZeroes(offset, length),
      requests.discard(offset, length),
    ]) {
      await expect(request).rejects.toMatchObject({ code: 'EIO' });
    }
  });

  it('passes compressed writes on without aligning them', async () => {
    const disk = new TestDisk(4096, { alignment: 512 });
    await disk.requests.write(1024, data(700), RequestFlag.compressed);
    expect(disk.log).toEqual(['compressed 1024+700']);
    if (disk.target.instance) delete disk.target.instance.writeCompressed;
    await expect(disk.requests.write(0, data(512), RequestFlag.compressed)).rejects.toMatchObject({ code: 'ENOTSUP' });
  });

  it('records the highest offset of writes, failed ones too', async () => {
    const disk = new TestDisk(4096, { alignment: 512 });
    await disk.requests.write(512, data(10));
    expect(disk.requests.highestOffset).toBe(1024);
    await disk.requests.write(0, data(512));
    expect(disk.requests.highestOffset).toBe(1024);
    disk.onStep = failAt('write 2048+512');
    await expect(disk.requests.write(2048, data(512))).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(disk.requests.highestOffset).toBe(2560);
  });
});

describe('force unit access', () => {
  it('passes force unit access to a driver that supports it', async () => {
    const disk = new TestDisk(512, { writeFlags: RequestFlag.fua });
    await disk.requests.write(0, data(1), RequestFlag.fua);
    expect(disk.takeLog()).toEqual(['pwritev', 'write 0+1 fua', 'pwritev_done']);
    await disk.requests.writeZeroes(0, 1, RequestFlag.fua);
    expect(disk.takeLog()).toEqual(['pwritev_zero', 'zero 0+1 fua', 'pwritev_done']);
  });

  it.each(['write', 'zeroes', 'compressed'])(
    'flushes after the request when the driver does not support it: %s',
    async (kind) => {
      const disk = new TestDisk(512);
      if (kind === 'zeroes') await disk.requests.writeZeroes(0, 1, RequestFlag.fua);
      else
        await disk.requests.write(0, data(1), RequestFlag.fua | (kind === 'compressed' ? RequestFlag.compressed : 0));
      expect(disk.log.slice(-5)).toEqual([
        'file flush_to_os',
        'flush to OS',
        'file flush_to_disk',
        'flush to disk',
        'file flush',
      ]);
      expect(disk.log.join()).not.toContain('fua');
    },
  );

  it('fails with the flush', async () => {
    const disk = new TestDisk(512);
    disk.onStep = failAt('flush to disk');
    await expect(disk.requests.write(0, data(1), RequestFlag.fua)).rejects.toMatchObject({ code: 'ENOSPC' });
  });
});

describe('zero-writes', () => {
  it('writes zeroes as data where the driver has no other way', async () => {
    const disk = numbered(3 * 2 ** 20, { noZeroes: true, alignment: 512 });
    await disk.requests.writeZeroes(0, 5 * 2 ** 19);
    expect(disk.log.filter((step) => step.startsWith('write'))).toEqual([
      'write 0+1048576',
      'write 1048576+1048576',
      'write 2097152+524288',
    ]);
    expect(disk.bytes.subarray(0, 5 * 2 ** 19).every((byte) => byte === 0)).toBe(true);
  });

  it('writes zeroes as data in whole blocks, however large these are', async () => {
    const disk = numbered(2 ** 23, { noZeroes: true, alignment: 2 ** 22 });
    await disk.requests.writeZeroes(0, 2 ** 23);
    expect(disk.log).toEqual(['pwritev_zero', 'write 0+4194304', 'write 4194304+4194304', 'pwritev_done']);
    await disk.requests.writeZeroes(1, 2 ** 23 - 1);
    expect(disk.bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('writes zeroes as data where the driver returns ENOTSUP', async () => {
    const disk = numbered(512);
    if (disk.target.instance) disk.target.instance.writeZeroes = () => Promise.reject(ioError('ENOTSUP'));
    await disk.requests.writeZeroes(0, 512);
    expect(disk.bytes.every((byte) => byte === 0)).toBe(true);
    await expect(disk.requests.writeZeroes(0, 512, RequestFlag.noFallback)).rejects.toMatchObject({ code: 'ENOTSUP' });
  });

  it('reports any other failure to write zeroes', async () => {
    const disk = new TestDisk(512);
    disk.onStep = failAt('zero 0+512');
    await expect(disk.requests.writeZeroes(0, 512)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(disk.log).not.toContain('write 0+512');
  });

  it('refuses to write zeroes as data when the request forbids it', async () => {
    const slow = numbered(1024, { noZeroes: true, alignment: 512 });
    await expect(slow.requests.writeZeroes(0, 512, RequestFlag.noFallback)).rejects.toMatchObject({ code: 'ENOTSUP' });
    const misaligned = numbered(1024, { alignment: 512 });
    await expect(misaligned.requests.writeZeroes(1, 512, RequestFlag.noFallback)).rejects.toMatchObject({
      code: 'ENOTSUP',
    });
    for (const disk of [slow, misaligned]) expect([...disk.bytes]).toEqual(numbers(0, 1024));
    const fast = numbered(1024, { alignment: 512 });
    await fast.requests.writeZeroes(0, 512, RequestFlag.noFallback);
    expect(fast.log).toContain('zero 0+512 noFallback');
  });

  it('splits zero-writes where the clusters of the driver begin and end', async () => {
    const disk = new TestDisk(16384, { alignment: 512, zeroAlignment: 4096 });
    await disk.requests.writeZeroes(512, 8192);
    await disk.requests.writeZeroes(512, 1024);
    await disk.requests.writeZeroes(4096, 4096);
    await disk.requests.writeZeroes(4096, 4608);
    expect(disk.log.filter((step) => step.startsWith('zero'))).toEqual([
      'zero 512+3584',
      'zero 4096+4096',
      'zero 8192+512',
      'zero 512+1024',
      'zero 4096+4096',
      'zero 4096+4096',
      'zero 8192+512',
    ]);
  });

  it('reads and writes back the blocks at the edges of a zero-write', async () => {
    const disk = numbered(4096, { alignment: 512 });
    await disk.requests.writeZeroes(500, 2000);
    expect([...disk.bytes]).toEqual([...numbers(0, 500), ...data(2000, 0), ...numbers(2500, 4096)]);
    expect(disk.log.filter((step) => /^(zero|write)/.test(step))).toEqual([
      'write 0+512',
      'zero 512+1536',
      'write 2048+512',
    ]);
    disk.takeLog();
    await disk.requests.writeZeroes(3000, 10);
    expect([...disk.bytes.subarray(2990, 3020)]).toEqual([
      ...numbers(2990, 3000),
      ...data(10, 0),
      ...numbers(3010, 3020),
    ]);
    expect(disk.log.join()).not.toContain('zero 2');
  });

  it('zero-writes deallocate only where the node allows it', async () => {
    for (const [unmap, step] of [
      [true, 'zero 0+512 mayUnmap'],
      [false, 'zero 0+512'],
    ] as const) {
      const disk = new TestDisk(512, { unmap });
      await disk.requests.writeZeroes(0, 512, RequestFlag.mayUnmap);
      expect(disk.log).toContain(step);
    }
  });
});

describe('detecting zeroes', () => {
  it.each([
    ['off', true, 'write 0+512'],
    ['on', true, 'zero 0+512'],
    ['unmap', true, 'zero 0+512 mayUnmap'],
    ['unmap', false, 'zero 0+512'],
  ] as const)('%s (discard: %s) makes of zeroes: %s', async (detectZeroes, unmap, step) => {
    const disk = new TestDisk(1024, { detectZeroes, unmap });
    await disk.requests.write(0, data(512, 0));
    expect(disk.log).toContain(step);
    await disk.requests.write(0, data(512));
    expect(disk.log).toContain('write 0+512');
  });

  it('does nothing where the driver would write data anyway', async () => {
    const disk = new TestDisk(1024, { detectZeroes: 'on', noZeroes: true });
    await disk.requests.write(0, data(512, 0));
    expect(disk.log).toEqual(['pwritev', 'write 0+512', 'pwritev_done']);
  });
});

describe('discards', () => {
  it('drops discards where the node does not pass them on', async () => {
    const disk = numbered(1024);
    await disk.requests.discard(0, 1024);
    expect(disk.log).toEqual([]);
  });

  it('discards omit blocks that are not wholly inside, and what is beyond the end', async () => {
    const disk = numbered(4096, { alignment: 512, unmap: true });
    await disk.requests.discard(100, 2000);
    await disk.requests.discard(10, 20);
    await disk.requests.discard(3584, 2 ** 40);
    await disk.requests.discard(2 ** 30, 2 ** 40);
    expect(disk.log).toEqual(['discard 512+1536', 'discard 3584+512']);
  });

  it('discards succeed where the driver does not support them', async () => {
    const disk = numbered(512, { unmap: true });
    const dirty: number[] = [];
    disk.requests.dirtyTrackers.add((offset, length) => dirty.push(offset, length));
    if (disk.target.instance) disk.target.instance.discard = () => Promise.reject(ioError('ENOTSUP'));
    await disk.requests.discard(0, 512);
    expect(dirty).toEqual([0, 512]);
    if (disk.target.instance) disk.target.instance.discard = () => Promise.reject(ioError('EIO'));
    await expect(disk.requests.discard(0, 512)).rejects.toMatchObject({ code: 'EIO' });
  });
});

describe('flushes', () => {
  it('flushes from the format to the host, from the host to the disk, and on to the file', async () => {
    const disk = new TestDisk(512);
    await disk.requests.write(0, data(1));
    disk.takeLog();
    await disk.requests.flush();
    expect(disk.log).toEqual(['file flush_to_os', 'flush to OS', 'file flush_to_disk', 'flush to disk', 'file flush']);
  });

  it('flushes to the disk once after each change', async () => {
    const disk = new TestDisk(512, { unmap: true });
    const count = async () => {
      await disk.requests.flush();
      return disk.takeLog().filter((step) => step === 'flush to disk').length;
    };
    expect(await count()).toBe(0);
    for (const change of [
      () => disk.requests.write(0, data(1)),
      () => disk.requests.writeZeroes(0, 1),
      () => disk.requests.discard(0, 1),
      () => disk.requests.truncate(1024),
    ]) {
      await change();
      expect([await count(), await count()]).toEqual([1, 0]);
    }
  });

  it('repeats a flush that has failed', async () => {
    const disk = new TestDisk(512);
    await disk.requests.write(0, data(1));
    disk.onStep = failAt('flush to disk');
    await expect(disk.requests.flush()).rejects.toMatchObject({ code: 'ENOSPC' });
    disk.onStep = () => {};
    disk.takeLog();
    await disk.requests.flush();
    expect(disk.log).toContain('flush to disk');
  });

  it('a flush covers what is written while another one runs', async () => {
    const disk = new TestDisk(512);
    await disk.requests.write(0, data(1));
    let open = () => {};
    disk.pause = () => new Promise<void>((resolve) => (open = resolve));
    const first = disk.requests.flush();
    disk.pause = async () => {};
    await disk.requests.write(1, data(1));
    disk.takeLog();
    const second = disk.requests.flush();
    expect(disk.log).toEqual([]);
    open();
    await Promise.all([first, second]);
    expect(disk.log.filter((step) => step === 'flush to disk')).toHaveLength(2);
  });

  it('flushes stop at the host when flushes to the disk are off', async () => {
    const disk = new TestDisk(512, { noFlush: true });
    await disk.requests.write(0, data(1));
    disk.takeLog();
    await disk.requests.flush();
    expect(disk.log).toEqual(['file flush_to_os', 'flush to OS', 'file flush']);
  });

  it.each([{ readOnly: true }, { inserted: false }])(
    'does not flush where nothing can be written: %j',
    async (options) => {
      const disk = new TestDisk(512, options);
      await disk.requests.flush();
      expect(disk.log).toEqual([]);
    },
  );
});

describe('those who watch writes', () => {
  it('calls notifiers in turn, before the driver', async () => {
    const disk = new TestDisk(1024, { alignment: 512 });
    const seen: string[] = [];
    const watch = (name: string) => async (notice: WriteNotice) => {
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(`${name} ${notice.kind} ${notice.offset}+${notice.length} ${disk.log.includes('pwritev')}`);
    };
    disk.requests.beforeWrite.add(watch('first')).add(watch('second'));
    await disk.requests.write(10, data(10));
    expect(seen).toEqual(['first write 0+512 false', 'second write 0+512 false']);
  });

  it('calls notifiers before zeroes are detected', async () => {
    const disk = new TestDisk(512, { detectZeroes: 'on' });
    const kinds: string[] = [];
    disk.requests.beforeWrite.add(({ kind }) => void kinds.push(kind));
    await disk.requests.write(0, data(512, 0));
    await disk.requests.writeZeroes(0, 512);
    expect(kinds).toEqual(['write', 'zeroes']);
  });

  it('calls notifiers for discards', async () => {
    const disk = new TestDisk(1024, { unmap: true, alignment: 512 });
    const notices: WriteNotice[] = [];
    disk.requests.beforeWrite.add((notice) => void notices.push(notice));
    await disk.requests.discard(1, 1023);
    expect(notices).toEqual([{ kind: 'discard', offset: 512, length: 512 }]);
  });

  it('a notifier can fail the request, and dirty trackers are called all the same', async () => {
    const disk = new TestDisk(1024, { unmap: true });
    const dirty: string[] = [];
    disk.requests.dirtyTrackers.add((offset, length) => void dirty.push(`${offset}+${length}`));
    disk.requests.beforeWrite.add(() => {
      throw ioError('EIO');
    });
    for (const request of [
      disk.requests.write(0, data(8)),
      disk.requests.writeZeroes(8, 8),
      disk.requests.discard(16, 8),
      disk.requests.write(24, data(8), RequestFlag.compressed),
    ]) {
      await expect(request).rejects.toMatchObject({ code: 'EIO' });
    }
    expect(disk.log).toEqual(['pwritev_done', 'pwritev_done']);
    expect(dirty).toEqual(['0+8', '8+8', '16+8', '24+8']);
  });

  it('calls dirty trackers after the driver, also when that fails', async () => {
    const disk = new TestDisk(1024);
    const dirty: string[] = [];
    disk.requests.dirtyTrackers.add((offset, length) => void dirty.push(`${offset}+${length} ${disk.log.length > 1}`));
    await disk.requests.write(0, data(8));
    disk.onStep = failAt('write 8+8');
    await expect(disk.requests.write(8, data(8))).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(dirty).toEqual(['0+8 true', '8+8 true']);
  });
});

describe('changing the length', () => {
  it('waits for what is in flight, and holds what follows', async () => {
    const disk = numbered(1024, { alignment: 512 });
    const open = gate(disk);
    const before = disk.read(512, 512);
    const change = disk.requests.truncate(512);
    const after = disk.read(512, 512);
    await new Promise((resolve) => setImmediate(resolve));
    expect(disk.log).toEqual(['read 512+512']);
    await open();
    await change;
    expect([...(await before)]).toEqual(numbers(512, 1024));
    expect([...(await after)]).toEqual([...data(512, 0)]);
  });

  it('refuses to change the length where that is not possible', async () => {
    await expect(new TestDisk(512, { readOnly: true }).requests.truncate(0)).rejects.toMatchObject({ code: 'EACCES' });
    await expect(new TestDisk(512).requests.truncate(-512)).rejects.toMatchObject({ code: 'EIO' });
    await expect(new TestDisk(512).requests.truncate(largestSize + 512)).rejects.toMatchObject({ code: 'EFBIG' });
    const fixed = new TestDisk(512);
    if (fixed.target.instance) delete fixed.target.instance.truncate;
    await expect(fixed.requests.truncate(0)).rejects.toMatchObject({ code: 'ENOTSUP' });
  });
});

describe('the tracker', () => {
  it('forgets requests that fail', async () => {
    const disk = new TestDisk(1024, { alignment: 512 });
    disk.onStep = () => {
      throw ioError('EIO');
    };
    for (const request of [
      disk.read(0, 512),
      disk.read(1, 1),
      disk.requests.write(0, data(512)),
      disk.requests.write(1, data(1)),
    ]) {
      await expect(request).rejects.toMatchObject({ code: 'EIO' });
    }
    expect([disk.requests.tracker.size, disk.requests.tracker.quiet]).toEqual([0, true]);
    await disk.requests.tracker.idle();
  });
});
