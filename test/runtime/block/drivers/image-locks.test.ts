import { closeSync, constants, fstatSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { makeFileDriver } from '../../../../runtime/block/drivers/file/file.js';
import { ImageLocks, type LockRequest } from '../../../../runtime/block/drivers/file/image-locks.js';
import { nativeCalls } from '../../../../runtime/block/drivers/file/native.js';
import { ioError } from '../../../../runtime/block/error.js';
import { everything, ofExport, ofGuest, Permission } from '../../../../runtime/block/permissions.js';
import { contextFor } from './file-context.js';

const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-locks-'));
const path = join(folder, 'image');
writeFileSync(path, 'x');
afterAll(() => rmSync(folder, { recursive: true }));

const native = nativeCalls();
const { consistentRead, write, resize } = Permission;
/** A qcow2 image that is written, and one that is read. */
const writing = { uses: consistentRead | write | resize, shares: everything & ~(write | resize) };
const reading = { uses: consistentRead, shares: everything & ~(write | resize) };

const open = new Set<number>();

function openImage(request: Partial<LockRequest> = {}): { locks: ImageLocks; fd: number } {
  const fd = openSync(path, constants.O_RDWR);
  const locks = new ImageLocks({ path, locking: 'auto', readOnly: false, native, ...request }, fd, fstatSync(fd));
  onTestFinished(() => {
    locks.forget();
    if (open.delete(fd)) closeSync(fd);
  });
  open.add(fd);
  return { locks, fd };
}

/** The bytes that others see locked. */
async function lockedBytes(): Promise<number[]> {
  const fd = openSync(path, constants.O_RDWR);
  const bytes: number[] = [];
  for (const byte of [100, 101, 102, 103, 200, 201, 202, 203]) if (await native?.isLocked(fd, byte)) bytes.push(byte);
  closeSync(fd);
  return bytes;
}

describe.skipIf(native === undefined)('the bytes that are locked', () => {
  it.each([
    ['qcow2 for writing', writing, [100, 101, 103, 201, 203]],
    ['qcow2 for reading', reading, [100, 201, 203]],
    ["a guest's raw disk", ofGuest(false), [100, 101, 201]],
    ["a guest's raw disk for reading", ofGuest(true), [100, 201]],
    ['an export', ofExport(false), [100, 101, 203]],
    ['what is not used', { uses: 0, shares: everything }, []],
  ])('locks for %s the bytes that QEMU locks', async (_, wanted, bytes) => {
    const { locks } = openImage();
    const change = await locks.prepare(wanted);
    await change.commit();
    expect(await lockedBytes()).toEqual(bytes);
  });

  it('grow before a change, shrink after it, and are as before when it is given up', async () => {
    const { locks } = openImage();
    await (await locks.prepare(reading)).commit();
    const upgrade = await locks.prepare(writing);
    expect(await lockedBytes()).toEqual([100, 101, 103, 201, 203]);
    await upgrade.abort();
    expect(await lockedBytes()).toEqual([100, 201, 203]);
    await (await locks.prepare(writing)).commit();
    const downgrade = await locks.prepare(reading);
    expect(await lockedBytes()).toEqual([100, 101, 103, 201, 203]);
    await downgrade.commit();
    expect(await lockedBytes()).toEqual([100, 201, 203]);
  });

  it('moves its locks to another open file description, which holds them when the first is closed', async () => {
    const { locks, fd } = openImage();
    await (await locks.prepare(writing)).commit();
    const other = openSync(path, constants.O_RDWR);
    onTestFinished(() => closeSync(other));
    await locks.copyTo(other);
    locks.moveTo(other);
    open.delete(fd);
    closeSync(fd);
    expect(await lockedBytes()).toEqual([100, 101, 103, 201, 203]);
    await (await locks.prepare(reading)).commit();
    expect(await lockedBytes()).toEqual([100, 201, 203]);
  });
});

describe.each([
  ['with system calls', native],
  ['without system calls', undefined],
])('two users of one file in one process, %s', (_, calls) => {
  const user = () => openImage({ native: calls, readOnly: true }).locks;

  it('exclude each other where one writes', async () => {
    const [first, second] = [user(), user()];
    await (await first.prepare(writing)).commit();
    await expect(second.prepare(writing)).rejects.toMatchObject({
      code: 'EAGAIN',
      message: `Failed to get "write" lock. Is another process using the image [${path}]?`,
    });
    await expect(second.prepare(reading)).rejects.toThrow('Failed to get shared "write" lock');
    await (await first.prepare(reading)).commit();
    await (await second.prepare(reading)).commit();
    await expect(first.prepare(writing)).rejects.toThrow('Failed to get "write" lock');
  });

  it('two users both write where both allow it', async () => {
    const [first, second] = [user(), user()];
    await (await first.prepare(ofExport(false))).commit();
    await (await second.prepare(ofExport(false))).commit();
    await expect(second.prepare({ uses: resize, shares: everything })).rejects.toThrow('Failed to get "resize" lock');
  });

  it('a user with locking=off ignores the locks of others', async () => {
    const careless = openImage({ native: calls, locking: 'off' }).locks;
    await (await user().prepare(writing)).commit();
    await (await careless.prepare(writing)).commit();
  });
});

describe('where the system cannot lock', () => {
  const request = { path, native: undefined, readOnly: false, locking: 'auto' } as const;
  const without = makeFileDriver(() => undefined);

  it('an image is not opened for writing, unless it is said that it need not be locked', async () => {
    const options = { filename: path };
    await expect(without.open(contextFor(without, { options }))).rejects.toMatchObject({
      code: 'ENOTSUP',
      message: expect.stringMatching(/npm install koffi, or say file\.locking=off/),
    });
    await (await without.open(contextFor(without, { options: { ...options, locking: 'off' } }))).close();
    const reader = await without.open(contextFor(without, { options, flags: { readOnly: true } }));
    const flags = { readOnly: false, direct: false, noFlush: false, unmap: false };
    await expect(reader.prepareReopen?.(flags)).rejects.toMatchObject({ code: 'ENOTSUP' });
    await reader.close();
  });

  it('locking=on is refused for reading, too', () => {
    expect(() => openImage({ ...request, locking: 'on', readOnly: true })).toThrow('koffi');
  });

  it.each(['ENOTSUP', 'EINVAL', 'ENOLCK'] as const)('goes on without when the file system says %s', async (code) => {
    const calls = { lockByte: () => Promise.reject(ioError(code)), isLocked: async () => true };
    await (await openImage({ native: calls }).locks.prepare(writing)).commit();
    await expect(openImage({ native: calls, locking: 'on' }).locks.prepare(ofExport(true))).rejects.toThrow(/lock/i);
  });
});
