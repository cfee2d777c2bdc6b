import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { BlockDriver } from '../../../../runtime/block/driver.js';
import { HostCdromInstance, hostCdromDriver } from '../../../../runtime/block/drivers/file/host-cdrom.js';
import { hostDeviceDriver, makeHostDeviceDriver } from '../../../../runtime/block/drivers/file/host-device.js';
import { type NativeCalls, nativeCalls } from '../../../../runtime/block/drivers/file/native.js';
import { OpenFile } from '../../../../runtime/block/drivers/file/open-file.js';
import { BlockOptions } from '../../../../runtime/block/options.js';
import { contextFor, openDescriptors, quietHost, type Writable } from './file-context.js';

const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-device-'));
const path = join(folder, 'image');
writeFileSync(path, Buffer.alloc(2048, 7));
afterAll(() => rmSync(folder, { recursive: true }));

const openWith = (driver: BlockDriver, filename: string): Promise<Writable> =>
  driver.open(contextFor(driver, { options: { filename } })) as Promise<Writable>;

describe('choosing a driver by the path', () => {
  it('gives devices to host_device, and none of these to host_cdrom', async () => {
    for (const [name, device] of [
      ['/dev/null', true],
      [path, false],
      [folder, false],
      [join(folder, 'none'), false],
    ] as const) {
      expect(await hostDeviceDriver.claimsPath?.(name, quietHost())).toBe(device);
      expect(await hostCdromDriver.claimsPath?.(name, quietHost())).toBe(false);
    }
  });

  it('strips the prefix', () => {
    const options = new BlockOptions();
    hostDeviceDriver.parseFilename?.('host_device:/dev/sda', options);
    expect(options.get('filename')).toBe('/dev/sda');
    hostCdromDriver.parseFilename?.('host_cdrom:/dev/sr0', options);
    expect(options.get('filename')).toBe('/dev/sr0');
  });
});

describe('opening what is no such device', () => {
  it.each([
    ['host_device', hostDeviceDriver, path, 'EINVAL', 'character or block device'],
    ['host_device', hostDeviceDriver, join(folder, 'none'), 'ENOENT', 'No such file'],
    ['host_cdrom', hostCdromDriver, path, 'EINVAL', 'drive for discs'],
    ['host_cdrom', hostCdromDriver, '/dev/null', 'EINVAL', 'drive for discs'],
  ])('refuses a file that is no such device: %s', async (_, driver, name, code, message) => {
    const before = openDescriptors();
    await expect(openWith(driver, name)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    expect(openDescriptors()).toEqual(before);
  });

  it('names the package that is missing', async () => {
    const driver = makeHostDeviceDriver(() => undefined);
    await expect(openWith(driver, '/dev/null')).rejects.toMatchObject({
      code: 'ENOTSUP',
      message: expect.stringContaining('koffi'),
    });
  });
});

describe.skipIf(nativeCalls() === undefined)('a device without room', () => {
  it('reports the length of the device, and refuses to make a longer image', async () => {
    const before = openDescriptors();
    const device = await openWith(hostDeviceDriver, '/dev/null');
    expect(device.length).toBe(0);
    await expect(device.truncate(512)).rejects.toMatchObject({ code: 'EINVAL' });
    await device.truncate(0);
    await expect(device.discard?.(0, 512)).rejects.toMatchObject({ code: 'ENOTSUP' });
    await expect(device.writeZeroes?.(0, 512, 2)).rejects.toMatchObject({ code: 'ENOTSUP' });
    await device.close();
    const create = (size: number): Promise<void> | undefined =>
      hostDeviceDriver.createFile?.('/dev/null', size, new BlockOptions(), quietHost());
    await create(0);
    await expect(create(512)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(openDescriptors()).toEqual(before);
  });
});

describe('a drive for discs', () => {
  it('reports a medium while the drive does, and passes on to open and to lock', async () => {
    const commands: [number, number][] = [];
    let status = 4;
    const calls: NativeCalls = {
      readCached: () => -1,
      seek: async () => 2048,
      writeDurable: async () => 0,
      fallocate: async () => {},
      ioctlRange: async () => {},
      lockByte: async () => {},
      isLocked: async () => false,
      ioctl: async (_fd, request, argument) => {
        if (request === 0x5326) return status;
        commands.push([request, argument]);
        return 0;
      },
    };
    const flags = { readOnly: true, direct: false, noFlush: false, unmap: false };
    const options = { path, filename: path, locking: 'auto', authorize: async () => {} } as const;
    const file = await OpenFile.open(options, flags, calls);
    const drive = await HostCdromInstance.over({ options, flags, file, native: calls, stats: statSync(path) }, calls);
    expect([drive.inserted(), drive.length]).toEqual([true, 2048]);
    const buffer = new Uint8Array(4);
    await drive.read(2044, buffer);
    expect(buffer).toEqual(Uint8Array.of(7, 7, 7, 7));
    status = 2;
    await drive.eject(true);
    expect([drive.inserted(), drive.length]).toEqual([false, 0]);
    status = 4;
    await drive.eject(false);
    expect(drive.inserted()).toBe(true);
    await drive.lockMedium(true);
    await drive.lockMedium(false);
    expect(commands).toEqual([
      [0x5309, 0],
      [0x5319, 0],
      [0x5329, 1],
      [0x5329, 0],
    ]);
    await drive.close();
  });
});
