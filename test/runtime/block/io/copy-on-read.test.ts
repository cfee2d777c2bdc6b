import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestFlag } from '../../../../runtime/block/request-flag.js';
import { failAt, randomPauses, TestDisk } from './test-disk.js';

const cluster = 1024;
const clusters = 8;

function overlay(options: ConstructorParameters<typeof TestDisk>[1] = {}): TestDisk {
  const backing = new Uint8Array(cluster * clusters).map((_, at) => 1 + Math.floor(at / cluster));
  const disk = new TestDisk(cluster * clusters, { alignment: 512, cluster, backing, ...options });
  disk.requests.copyOnRead = 1;
  return disk;
}

const writes = (disk: TestDisk) => disk.log.filter((step) => /^(write|zero) /.test(step));

describe('copying on read', () => {
  it('takes whole clusters from below, and nothing the next time', async () => {
    const disk = overlay();
    expect([...(await disk.read(cluster - 1, 2))]).toEqual([1, 2]);
    expect(writes(disk)).toEqual(['write 0+2048']);
    expect([...disk.allocated]).toEqual([0, 1]);
    disk.takeLog();
    expect([...(await disk.read(0, 1))]).toEqual([1]);
    expect(disk.log).toEqual(['read 0+512']);
  });

  it('leaves alone what is allocated between', async () => {
    const disk = overlay();
    await disk.requests.write(cluster, new Uint8Array(cluster).fill(99));
    disk.takeLog();
    const seen = await disk.read(0, 3 * cluster);
    expect([seen[0], seen[cluster], seen[2 * cluster]]).toEqual([1, 99, 3]);
    expect(writes(disk)).toEqual(['write 0+1024', 'write 2048+1024']);
  });

  it('writes zeroes as zeroes', async () => {
    const disk = overlay({ backing: new Uint8Array(cluster * clusters) });
    await disk.read(0, 1);
    expect(writes(disk)).toEqual(['zero 0+1024']);
  });

  it('ends where the image ends', async () => {
    const disk = overlay();
    disk.bytes = disk.bytes.slice(0, cluster * 2 + 512);
    await disk.read(cluster * 2, 5 * cluster);
    await disk.read(cluster * 6, 1);
    expect(writes(disk)).toEqual(['write 2048+512']);
  });

  it('copies for a single request with the flag, too', async () => {
    const disk = overlay();
    disk.requests.copyOnRead = 0;
    await disk.read(0, 1);
    expect(writes(disk)).toEqual([]);
    await disk.read(0, 1, RequestFlag.copyOnRead);
    expect(writes(disk)).toEqual(['write 0+1024']);
  });

  it('does not copy for reads inside of a serialising request', async () => {
    const disk = overlay();
    await disk.read(0, 1, RequestFlag.noSerialising);
    await disk.read(0, 512, RequestFlag.noSerialising);
    expect(writes(disk)).toEqual([]);
  });

  it('does not copy on a node that has become read-only, unless the request asks for it', async () => {
    const disk = overlay({ readOnly: true });
    expect([...(await disk.read(0, 1))]).toEqual([1]);
    expect(writes(disk)).toEqual([]);
    await expect(disk.read(0, 1, RequestFlag.copyOnRead)).rejects.toMatchObject({ code: 'EPERM' });
    const fixed = overlay();
    if (fixed.target.instance) delete fixed.target.instance.write;
    expect([...(await fixed.read(0, 1))]).toEqual([1]);
  });

  it('does not notify dirty trackers, but leaves something to flush', async () => {
    const disk = overlay();
    const seen: unknown[] = [];
    disk.requests.beforeWrite.add((notice) => void seen.push(notice));
    disk.requests.dirtyTrackers.add((offset) => void seen.push(offset));
    await disk.read(0, 1);
    expect([seen, disk.requests.highestOffset]).toEqual([[], 0]);
    await disk.requests.flush();
    expect(disk.log).toContain('flush to disk');
  });

  it('fails the read when it fails, and what it wrote before is flushed', async () => {
    const disk = overlay();
    await disk.requests.write(cluster, new Uint8Array(cluster));
    await disk.requests.flush();
    disk.onStep = failAt('write 2048+1024');
    await expect(disk.read(0, 3 * cluster)).rejects.toMatchObject({ code: 'ENOSPC' });
    disk.takeLog();
    await disk.requests.flush();
    expect(disk.log).toContain('flush to disk');
  });

  it('copies nothing where a driver cannot tell what is allocated', async () => {
    const disk = overlay();
    if (disk.target.instance) delete disk.target.instance.blockStatus;
    await disk.read(0, 1);
    expect(writes(disk)).toEqual([]);
  });
});

describe('property: copying on read', () => {
  it('writes each cluster once, however many read it at the same time', async () => {
    const range = fc.tuple(fc.nat(cluster * clusters - 1), fc.integer({ min: 1, max: 3 * cluster }));
    await fc.assert(
      fc.asyncProperty(fc.array(range, { minLength: 1, maxLength: 12 }), fc.nat(), async (ranges, seed) => {
        const disk = overlay();
        disk.pause = randomPauses(seed);
        const read = await Promise.all(ranges.map(([offset, length]) => disk.read(offset, length)));
        for (const [index, [offset, length]] of ranges.entries()) {
          const wanted = Array.from({ length }, (_, at) => 1 + Math.floor((offset + at) / cluster));
          expect([...(read[index] ?? [])]).toEqual(wanted.map((value) => (value > clusters ? 0 : value)));
        }
        const copied = new Map<number, number>();
        for (const step of writes(disk)) {
          const [, start = 0, length = 0] = /(\d+)\+(\d+)/.exec(step)?.map(Number) ?? [];
          expect([start % cluster, length % cluster]).toEqual([0, 0]);
          for (let at = start; at < start + length; at += cluster) copied.set(at, (copied.get(at) ?? 0) + 1);
        }
        const touched = new Set<number>();
        for (const [offset, length] of ranges) {
          const end = Math.min(offset + length, cluster * clusters);
          for (let at = offset - (offset % cluster); at < end; at += cluster) touched.add(at);
        }
        expect(new Map([...touched].map((at) => [at, 1]))).toEqual(copied);
      }),
      { numRuns: 300 },
    );
  });
});
