import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MemoryBackendFileProperties, OnOffAuto } from '../../../../generated/index.js';
import { BlockError } from '../../../../runtime/block/error.js';
import { UserObjects } from '../../../../runtime/block/objects/user-objects.js';

const KiB = 1024;

let folder: string;
let objects: UserObjects;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'memory-'));
  path = join(folder, 'template');
  await writeFile(path, Buffer.alloc(8 * KiB, 1));
  objects = new UserObjects(async () => {});
});
afterEach(() => rm(folder, { recursive: true }));

async function add(properties: Partial<MemoryBackendFileProperties> = {}): Promise<unknown> {
  objects.clear();
  await objects.add({ 'qom-type': 'memory-backend-file', id: 'm', size: 8 * KiB, 'mem-path': path, ...properties });
  return objects.all.get('m')?.properties.get('rom')?.value;
}

describe('the rom property of memory-backend-file', () => {
  // readonly, share, rom -> what it is then, or why not
  const legal: [boolean, boolean, OnOffAuto, string][] = [
    [false, false, 'auto', 'off'],
    [false, true, 'auto', 'off'],
    [true, false, 'auto', 'on'],
    [true, true, 'auto', 'on'],
    [false, false, 'off', 'off'],
    [false, true, 'off', 'off'],
    [true, false, 'off', 'off'],
    [true, false, 'on', 'on'],
    [true, true, 'on', 'on'],
  ];
  it.each(legal)('readonly=%s share=%s rom=%s is %s', async (readonly, share, rom, result) => {
    expect(await add({ readonly, share, rom })).toBe(result);
  });

  it.each([false, true])('refuses rom=on without readonly (share=%s)', async (share) => {
    await expect(add({ share, rom: 'on' })).rejects.toThrow("'rom' can only be 'on' when 'readonly' is 'on'");
  });

  it('refuses rom=off with readonly and share', async () => {
    await expect(add({ readonly: true, share: true, rom: 'off' })).rejects.toThrow("'rom' cannot be 'off'");
  });

  it('follows readonly when it is not given', async () => {
    expect(await add()).toBe('off');
    expect(await add({ readonly: true })).toBe('on');
  });

  it('checks rom after size and mem-path, before the file is opened', async () => {
    await expect(add({ size: 0, 'mem-path': '', rom: 'on' })).rejects.toThrow("'size'");
    await expect(add({ 'mem-path': '', rom: 'on' })).rejects.toThrow("'mem-path'");
    await expect(add({ 'mem-path': join(folder, 'nowhere', 'x'), rom: 'on' })).rejects.toThrow("'rom'");
  });
});

describe('the file of a memory backend', () => {
  it('accepts a file that is longer than the memory, and leaves it as it is', async () => {
    await add({ size: 4 * KiB });
    await add({ size: 4 * KiB, offset: 4 * KiB, readonly: true });
    expect((await readFile(path)).equals(Buffer.alloc(8 * KiB, 1))).toBe(true);
  });

  it('refuses memory that does not consist of whole pages', async () => {
    await expect(add({ size: 4 * KiB + 1 })).rejects.toThrow('memory size must be multiple of 4 KiB');
  });

  it('refuses a file that is shorter than the memory', async () => {
    await expect(add({ size: 12 * KiB })).rejects.toThrow("it has 8192 bytes, but 'size'");
    await expect(add({ offset: 4 * KiB })).rejects.toThrow('it has 8192 bytes');
    expect((await stat(path)).size).toBe(8 * KiB);
  });

  it('creates a missing file with the length of the memory', async () => {
    const made = join(folder, 'made');
    await add({ 'mem-path': made, size: 8 * KiB, offset: 4 * KiB });
    expect((await stat(made)).size).toBe(12 * KiB);
  });

  it('does not create a missing file for read-only memory', async () => {
    const nowhere = join(folder, 'nowhere');
    await expect(add({ 'mem-path': nowhere, readonly: true })).rejects.toThrow(
      `Cannot use '${nowhere}' as memory: it does not exist`,
    );
    expect(await readdir(folder)).toEqual(['template']);
  });

  it('gets its length when it is empty, unless it is to stay as it is', async () => {
    const empty = join(folder, 'empty');
    await writeFile(empty, '');
    await expect(add({ 'mem-path': empty, readonly: true })).rejects.toThrow('it has 0 bytes');
    await add({ 'mem-path': empty });
    expect((await stat(empty)).size).toBe(8 * KiB);
  });

  it('accepts a folder in which files can be made, but not for read-only memory', async () => {
    const inner = join(folder, 'inner');
    await mkdir(inner);
    await add({ 'mem-path': inner });
    await expect(add({ 'mem-path': inner, readonly: true })).rejects.toThrow('it is not a file');
    expect(await readdir(inner)).toEqual([]);
  });

  it('leaves nothing behind when it cannot be as long as wanted', async () => {
    const made = join(folder, 'made');
    await expect(add({ 'mem-path': made, size: 2 ** 52 })).rejects.toThrow('File too large');
    expect(await readdir(folder)).toEqual(['template']);
    expect(objects.all.size).toBe(0);
  });

  it('refuses a pipe at once', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(add({ 'mem-path': pipe })).rejects.toThrow('it is not a file');
  });

  it('refuses a file that is not allowed', async () => {
    objects = new UserObjects(async () => {
      throw new BlockError('not allowed', { code: 'EACCES' });
    });
    await expect(add({ 'mem-path': join(folder, 'made') })).rejects.toThrow('not allowed');
    expect(await readdir(folder)).toEqual(['template']);
  });

  it('refuses a file that cannot be written, unless the memory is read-only', async () => {
    await chmod(path, 0o444);
    // The administrator may write everything.
    if (process.getuid?.() === 0) await add();
    else await expect(add()).rejects.toThrow('Permission denied');
    await add({ readonly: true });
  });
});

describe('memory backends', () => {
  it('refuse what no memory can be', async () => {
    const wrong: [Partial<MemoryBackendFileProperties>, string][] = [
      [{ size: 0 }, "property 'size' of memory-backend-file doesn't take value '0'"],
      [{ size: 2n ** 64n - 1n }, "property 'size' of memory-backend-file is 18446744073709551615"],
      [{ align: 3 }, "'align' is 3, but must be a multiple of the page size 4096"],
      [{ align: 12_288 }, "'align' is 12288, but must be a power of two"],
      [{ align: 2n ** 63n + 4096n }, 'must be a power of two'],
      [{ offset: 512 }, "'offset' is 512, but must be a multiple of the page size 4096"],
      [{ offset: 2n ** 63n }, 'the memory would end at 9223372036854784000 of'],
      [{ 'host-nodes': [128], policy: 'bind' }, 'Invalid host-nodes value: 128'],
      [{ 'host-nodes': [0] }, "'host-nodes' must be empty for 'policy' default"],
      [{ policy: 'bind' }, 'host-nodes must be set for policy bind'],
    ];
    for (const [properties, message] of wrong) await expect(add(properties), message).rejects.toThrow(message);
  });

  it('shows sizes of all 64 bits exactly', async () => {
    await add({ 'mem-path': path, align: 2n ** 62n });
    expect([...objects.all.values()].map(({ properties }) => properties.get('align')?.value)).toEqual([2n ** 62n]);
  });

  it('checks memory of the process by the same rules', async () => {
    const ram = { 'qom-type': 'memory-backend-ram', id: 'r' } as const;
    await expect(objects.add({ ...ram, size: 0 })).rejects.toThrow("property 'size' of memory-backend-ram");
    await expect(objects.add({ ...ram, size: 2n ** 63n })).rejects.toThrow('can be at most');
    await expect(objects.add({ ...ram, size: 1, policy: 'interleave' })).rejects.toThrow('host-nodes must be set');
    await objects.add({ ...ram, size: 1 });
  });
});
