import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { createImage } from '../runtime/block/drivers/qcow2/images.js';
import { contents, filled, openOn } from '../runtime/block/drivers/qcow2/opened.js';
import { MemoryChild } from '../runtime/block/memory-child.js';
import { describeWithPrograms } from './programs.js';

const run = promisify(execFile);
const KiB = 1024;
const MiB = KiB * KiB;

describeWithPrograms('Internal snapshots', ['qemu-img', 'qemu-io'], () => {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-qcow2-snapshots-'));
  const path = join(folder, 'image.qcow2');
  const raw = join(folder, 'image.raw');
  afterAll(() => rmSync(folder, { recursive: true }));

  const sound = () => run('qemu-img', ['check', '-f', 'qcow2', path]);

  /** What qemu-img reads in a snapshot. */
  async function theirContents(snapshot: string): Promise<Buffer> {
    await run('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', '-l', `snapshot.name=${snapshot}`, path, raw]);
    return readFileSync(raw);
  }

  it.each([{}, { compat: '0.10', cluster_size: 4096 }, { cluster_size: 512, refcount_bits: 32 }])(
    'qemu-img reads, applies and deletes snapshots that we take: %j',
    async (options) => {
      const file = await createImage(2 * MiB + 512, options);
      const opened = await openOn(file);
      const { instance } = opened;
      await instance.write(0, filled(300 * KiB, 1), 0);
      await instance.writeCompressed(MiB, filled(instance.info?.clusterSize ?? 0, 2));
      const info = { id: '', 'vm-state-size': 0, 'date-sec': 1_477_000_000, 'date-nsec': 0 };
      const first = await contents(opened);
      await instance.snapshots.create?.({ ...info, name: 'first', 'vm-clock-sec': 61, 'vm-clock-nsec': 5e6 });
      await instance.write(100 * KiB, filled(MiB, 3), 0);
      const second = await contents(opened);
      await instance.snapshots.create?.({ ...info, name: 'second', 'vm-clock-sec': 0, 'vm-clock-nsec': 0 });
      await instance.write(0, filled(2 * MiB, 4), 0);
      await instance.close();
      writeFileSync(path, file.bytes);
      await sound();
      const { stdout } = await run('qemu-img', ['snapshot', '-l', path]);
      expect(stdout).toMatch(/^1 +first +0 B .* (00)?00:01:01\.005 /m);
      expect(stdout).toMatch(/^2 +second /m);
      expect((await theirContents('first')).equals(first)).toBe(true);
      expect((await theirContents('second')).equals(second)).toBe(true);
      await run('qemu-img', ['snapshot', '-a', 'first', path]);
      await run('qemu-img', ['snapshot', '-d', 'second', path]);
      await sound();
      const back = await openOn(new MemoryChild(new Uint8Array(readFileSync(path))));
      expect((await contents(back)).equals(first)).toBe(true);
    },
  );

  it('lists and deletes snapshots that qemu-img takes', async () => {
    await run('qemu-img', ['create', '-f', 'qcow2', '-o', 'cluster_size=2k', path, '2M']);
    for (const [index, name] of ['one', 'two', 'three'].entries()) {
      await run('qemu-io', ['-c', `write -P ${index + 1} ${index * 200}k 500k`, path]);
      await run('qemu-img', ['snapshot', '-c', name, path]);
    }
    const third = await theirContents('three');
    const file = new MemoryChild(new Uint8Array(readFileSync(path)));
    const { instance } = await openOn(file);
    const { snapshots } = instance;
    expect(snapshots.list().map(({ id, name }) => `${id} ${name}`)).toEqual(['1 one', '2 two', '3 three']);
    await snapshots.delete?.('2');
    await instance.write(0, filled(700 * KiB, 9), 0);
    await snapshots.delete?.('1');
    await instance.close();
    writeFileSync(path, file.bytes);
    await sound();
    expect((await theirContents('three')).equals(third)).toBe(true);
  });
});
