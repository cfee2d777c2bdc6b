import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import type { BlockDriver } from '../../runtime/block/driver.js';
import { fileDriver } from '../../runtime/block/drivers/file/file.js';
import { hostCdromDriver } from '../../runtime/block/drivers/file/host-cdrom.js';
import { hostDeviceDriver } from '../../runtime/block/drivers/file/host-device.js';
import { BlockOptions } from '../../runtime/block/options.js';
import { RequestFlag } from '../../runtime/block/request-flag.js';
import { contextFor, openDescriptors, quietHost, type Writable } from '../runtime/block/drivers/file-context.js';
import { describeWithPrograms } from './programs.js';

const run = promisify(execFile);
const KiB = 1024;
const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-file-'));
const path = join(folder, 'disk');
afterAll(() => rmSync(folder, { recursive: true }));

async function open(driver: BlockDriver, filename: string, direct = false): Promise<Writable> {
  return (await driver.open(contextFor(driver, { options: { filename }, flags: { direct } }))) as Writable;
}

/** The stretches of an image as `qemu-img map` tells them: where each begins, and whether it is data. */
async function realMap(filename: string): Promise<[number, boolean][]> {
  const { stdout } = await run('qemu-img', ['map', '-f', 'raw', '--output=json', filename]);
  return (JSON.parse(stdout) as { start: number; data: boolean }[]).map(({ start, data }) => [start, data]);
}

async function ownMap(image: Writable): Promise<[number, boolean][]> {
  const map: [number, boolean][] = [];
  for (let at = 0; at < image.length; ) {
    const { length, data } = await image.blockStatus(at, image.length - at);
    if (map.at(-1)?.[1] !== data) map.push([at, data]);
    at += length;
  }
  return map;
}

describeWithPrograms('files', ['qemu-io', 'qemu-img'], () => {
  it.each([false, true])('qemu-io reads what we write, and the other way round (cache.direct=%s)', async (direct) => {
    makeSparse(path, 1024 * KiB);
    const image = await open(fileDriver, path, direct);
    await image.write(64 * KiB, Buffer.alloc(64 * KiB, 0x11), 0);
    await image.writeZeroes?.(96 * KiB, 16 * KiB, 0);
    await image.discard?.(112 * KiB, 8 * KiB);
    await image.flushToDisk();
    const { stdout } = await run('qemu-io', [
      '-f',
      'raw',
      ...['read -P 17 64k 32k', 'read -P 0 96k 24k', 'read -P 17 120k 8k', 'write -P 34 512k 64k'].flatMap(
        (command) => ['-c', command],
      ),
      path,
    ]);
    expect(stdout).not.toMatch(/fail/i);
    const buffer = Buffer.alloc(64 * KiB);
    await image.read(512 * KiB, buffer, 0);
    expect(buffer.equals(Buffer.alloc(64 * KiB, 34))).toBe(true);
    await image.close();
  });

  it('reports holes where qemu-img does', async () => {
    makeSparse(path, 2048 * KiB);
    const image = await open(fileDriver, path);
    for (let i = 0; i < 40; i++) {
      const [offset, length] = [Math.floor(Math.random() * 480) * 4 * KiB, (1 + (i % 8)) * 4 * KiB];
      if (i % 4 === 3) await image.writeZeroes?.(offset, length, RequestFlag.mayUnmap);
      else if (i % 4 === 2) await image.discard?.(offset, length);
      else await image.write(offset, randomBytes(length), 0);
    }
    await image.flushToDisk();
    expect(await ownMap(image)).toEqual(await realMap(path));
    await image.close();
  });

  it.each(['off', 'falloc', 'full'])('creates files like qemu-img with preallocation=%s', async (preallocation) => {
    const theirs = join(folder, 'theirs');
    await run('qemu-img', ['create', '-f', 'raw', '-o', `preallocation=${preallocation}`, theirs, '1M']);
    await fileDriver.createFile?.(path, 1024 * KiB, new BlockOptions([['preallocation', preallocation]]), quietHost());
    const [own, real] = [statSync(path), statSync(theirs)];
    expect(own.size).toBe(real.size);
    // Later releases write the first block, so that cache.direct finds its alignment.
    if (preallocation === 'off') expect(own.blocks).toBeLessThanOrEqual(real.blocks);
    else expect(own.blocks).toBe(real.blocks);
  });
});

function makeSparse(name: string, size: number): void {
  writeFileSync(name, '');
  truncateSync(name, size);
}

/** Loop devices are for administrators, where there are any. */
function attachLoop(image: string): string | undefined {
  const { status, stdout } = spawnSync('losetup', ['--find', '--show', image], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

const backing = join(folder, 'loop');
writeFileSync(backing, Buffer.alloc(1024 * KiB, 0x77));
const loop = attachLoop(backing);
if (loop === undefined) process.stderr.write('SKIPPED: "a loop device" needs an administrator and loop devices\n');

describe.skipIf(loop === undefined)('a loop device', () => {
  const device = loop ?? '';
  afterAll(async () => {
    await run('losetup', ['--detach', device]);
  });

  it('a loop device is opened by host_device, and by no other driver', async () => {
    const before = openDescriptors();
    expect(await hostDeviceDriver.claimsPath?.(device, quietHost())).toBe(true);
    expect(await hostCdromDriver.claimsPath?.(device, quietHost())).toBe(false);
    const asked: [string, boolean][] = [];
    const authorize = async (path: string, fd?: number): Promise<void> => {
      asked.push([path, fd !== undefined]);
      if (asked.length === 1) throw new Error('not allowed');
    };
    expect(await hostCdromDriver.claimsPath?.(device, quietHost({ authorize }))).toBe(false);
    expect(asked).toEqual([[device, false]]);
    expect(await hostCdromDriver.claimsPath?.(device, quietHost({ authorize }))).toBe(false);
    expect(asked.slice(1)).toEqual([
      [device, false],
      [device, true],
    ]);
    await expect(open(fileDriver, device)).rejects.toMatchObject({ message: expect.stringContaining('host_device') });
    await expect(open(hostCdromDriver, device)).rejects.toMatchObject({ code: 'EINVAL' });
    expect(openDescriptors()).toEqual(before);
  });

  it.each([false, true])('reads, writes, zeroes and discards a loop device (cache.direct=%s)', async (direct) => {
    const image = await open(hostDeviceDriver, device, direct);
    expect(image.length).toBe(1024 * KiB);
    expect(image.requestAlignment).toBe(direct ? 512 : 1);
    const data = randomBytes(256 * KiB);
    await image.write(128 * KiB, data, 0);
    await image.writeZeroes?.(160 * KiB, 32 * KiB, 0);
    await image.writeZeroes?.(224 * KiB, 32 * KiB, RequestFlag.mayUnmap);
    data.fill(0, 32 * KiB, 64 * KiB).fill(0, 96 * KiB, 128 * KiB);
    const read = Buffer.alloc(256 * KiB);
    await image.read(128 * KiB, read, 0);
    expect(read.equals(data)).toBe(true);
    await image.flushToDisk();
    expect(
      readFileSync(backing)
        .subarray(128 * KiB, 384 * KiB)
        .equals(data),
    ).toBe(true);
    const before = statSync(backing).blocks;
    await image.discard?.(512 * KiB, 512 * KiB);
    if (!direct) expect(statSync(backing).blocks).toBeLessThan(before);
    await expect(image.truncate(1024 * KiB + 512)).rejects.toMatchObject({ code: 'EINVAL' });
    await image.close();
  });

  it('reopens a loop device read-only and writable', async () => {
    const image = await open(hostDeviceDriver, device);
    const flags = { readOnly: true, direct: true, noFlush: false, unmap: true };
    await (await image.prepareReopen?.(flags))?.commit();
    await expect(image.write(0, Buffer.alloc(512), 0)).rejects.toMatchObject({ code: 'EBADF' });
    await image.close();
  });
});
