import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { DriverInstance } from '../../../../../runtime/block/driver.js';
import { vvfat } from '../../../../../runtime/block/drivers/vvfat/driver.js';
import { BlockError } from '../../../../../runtime/block/error.js';
import { BlockOptions, type OptionValue } from '../../../../../runtime/block/options.js';
import { testHost } from '../qcow2/images.js';
import { type FatFiles, readFat } from './fat-reader.js';

const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-vvfat-'));
afterAll(() => rmSync(folder, { recursive: true }));
let folders = 0;

/** A folder with files, by their paths; what has no contents is a folder. */
function made(files: FatFiles): string {
  const path = join(folder, String(folders++));
  mkdirSync(path);
  for (const [name, contents] of files) {
    if (contents === undefined) mkdirSync(join(path, name));
    else writeFileSync(join(path, name), contents);
  }
  return path;
}

async function opened(options: { readonly [name: string]: OptionValue }, host: object = {}): Promise<DriverInstance> {
  const left = BlockOptions.flatten(options);
  const disk = await vvfat.open({ options: left, host: { ...testHost, ...host } } as never);
  expect(left.size).toBe(0);
  return disk;
}

async function contentsOf(disk: DriverInstance): Promise<Buffer> {
  const bytes = Buffer.alloc(disk.length, 0xee);
  await disk.read(0, bytes, 0);
  return bytes;
}

const example: FatFiles = new Map([
  ['/a', Buffer.from('first')],
  ['/empty.txt', Buffer.alloc(0)],
  ['/Folder', undefined],
  ['/Folder/A name that is long, with spaces.text', Buffer.alloc(20_000, 'long')],
  ['/Folder/inner', undefined],
  ['/Folder/inner/größe 中.dat', Buffer.alloc(8192, 'eight')],
  ['/Folder/nothing', undefined],
  ['/same.TXT', Buffer.from('2')],
  ['/Same.txt', Buffer.from('1')],
  ['/.hidden', Buffer.from('h')],
]);

/** Names that Linux and VFAT have in common, of any length. */
const names = fc
  .string({
    unit: fc.constantFrom('a', 'B', 'z', '0', '.', ' ', '~', '1', '+', 'é', '中', '😀'),
    minLength: 1,
    maxLength: 40,
  })
  .filter((name) => !/^\.{1,2}$/.test(name) && Buffer.byteLength(name) < 250);

describe('vvfat', () => {
  it.each<[number, { readonly [name: string]: OptionValue }]>([
    [16, {}],
    [12, { 'fat-type': 12 }],
    [32, { 'fat-type': 32 }],
    [12, { floppy: true }],
    [12, { floppy: true, 'fat-type': 12, label: 'TOOLS' }],
  ])(
    'a guest finds on a disk with FAT%i what is in the folder: %j',
    async (bits, options) => {
      const disk = await opened({ dir: made(example), ...options });
      const { files, label, ...found } = readFat(await contentsOf(disk));
      expect(found.bits).toBe(bits);
      expect(label).toBe((typeof options.label === 'string' ? options.label : 'QEMU VVFAT').padEnd(11));
      expect(new Map([...files].sort())).toEqual(new Map([...example].sort()));
      await disk.close();
    },
    30_000,
  );

  it('any names make a volume without contradictions', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(names, fc.nat(3)), { maxLength: 12, selector: ([name]) => name }),
        async (list) => {
          const files: FatFiles = new Map(
            list.map(([name, length]) => [`/${name}`, Buffer.alloc(length * 5000, name)]),
          );
          const disk = await opened({ dir: made(files), floppy: true });
          expect(readFat(await contentsOf(disk)).files).toEqual(new Map([...files].sort()));
          await disk.close();
        },
      ),
      { numRuns: 30 },
    );
  }, 60_000);

  it('parts of the disk read as the whole does, and zeroes are known', async () => {
    const disk = await opened({ dir: made(example), floppy: true });
    const whole = await contentsOf(disk);
    for (let at = 0; at < disk.length; ) {
      const { length, zero } = (await disk.blockStatus?.(at, disk.length - at)) ?? { length: disk.length, zero: false };
      const part = Buffer.alloc(length, 0xee);
      await disk.read(at, part, 0);
      expect(part.equals(whole.subarray(at, at + length))).toBe(true);
      if (zero) expect(part.every((byte) => byte === 0)).toBe(true);
      at += length;
    }
    await disk.close();
  });

  it('more files than may be open are read, side by side', async () => {
    const files: FatFiles = new Map(Array.from({ length: 60 }, (_, index) => [`/${index}`, Buffer.alloc(9000, index)]));
    const disk = await opened({ dir: made(files), floppy: true });
    const whole = await contentsOf(disk);
    const parts = await Promise.all(
      Array.from({ length: disk.length / 8192 }, async (_, index) => {
        const part = Buffer.alloc(8192);
        await disk.read(index * 8192, part, 0);
        return part;
      }),
    );
    expect(Buffer.concat(parts).equals(whole)).toBe(true);
    await disk.close();
  });

  it.each<[{ readonly [name: string]: OptionValue }, string]>([
    [{}, "The option 'dir' is missing"],
    [{ dir: '/x', 'fat-type': 8 }, "Option 'fat-type' is 8, but must be 12, 16 or 32"],
    [{ dir: '/x', 'fat-type': 16, floppy: true }, 'A floppy disk has too few clusters for FAT16'],
    [{ dir: '/x', rw: true }, "Option 'rw' is not built in"],
    [{ dir: '/x', label: 'twelve chars' }, "Option 'label' is 'twelve chars', but must be at most 11"],
    [{ dir: '/x', label: 'é' }, "Option 'label' is 'é'"],
    [{ dir: join(folder, 'absent') }, "Could not read '"],
  ])('options are refused: %j', async (options, message) => {
    await expect(opened(options)).rejects.toThrow(message);
  });

  it('a file name is taken apart', () => {
    const read = (name: string): object => {
      const options = new BlockOptions([]);
      vvfat.parseFilename?.(name, options);
      return Object.fromEntries(options.entries());
    };
    expect(read('fat:32:/a:b')).toEqual({ 'fat-type': 32, dir: '/a:b' });
    expect(read('fat:floppy:12:rw:a')).toEqual({ floppy: true, 'fat-type': 12, rw: true, dir: 'a' });
    expect(read('fat:16x')).toEqual({ dir: '16x' });
    expect(() => read('fat:32:')).toThrow("'fat:32:' names no folder");
  });

  it('what does not fit is refused, and says where the limit is', async () => {
    const many: FatFiles = new Map(Array.from({ length: 300 }, (_, index) => [`/${index}`, Buffer.alloc(0)]));
    const crowded = made(many);
    await expect(opened({ dir: crowded })).rejects.toThrow('the root folder of a FAT16 volume has 512 entries');
    expect(readFat(await contentsOf(await opened({ dir: crowded, 'fat-type': 32 }))).files).toEqual(
      new Map([...many].sort()),
    );
    const large = made(new Map([['/big', Buffer.alloc(3_000_000)]]));
    await expect(opened({ dir: large, floppy: true })).rejects.toThrow('more than fits on a FAT12 volume of 2.8 MiB');
    truncateSync(join(large, 'big'), 2 ** 31);
    await expect(opened({ dir: large })).rejects.toThrow('is larger than 2 GB');
    await expect(opened({ dir: join(large, 'big') })).rejects.toThrow('is larger than 2 GB');
    truncateSync(join(large, 'big'), 5);
    await expect(opened({ dir: join(large, 'big') })).rejects.toThrow('is not a folder');
  }, 30_000);

  it('links are followed where that is allowed, and circles of them are refused', async () => {
    const path = made(new Map([['/a', Buffer.from('a')]]));
    const other = made(new Map([['/b', Buffer.from('b')]]));
    symlinkSync(other, join(path, 'other'));
    const disk = await opened({ dir: path, floppy: true });
    expect([...readFat(await contentsOf(disk)).files.keys()]).toEqual(['/a', '/other', '/other/b']);
    await disk.close();
    const authorize = async (each: string): Promise<void> => {
      if (each.includes('other')) throw new BlockError('not allowed', { code: 'EACCES' });
    };
    await expect(opened({ dir: path }, { authorize })).rejects.toThrow('not allowed');
    symlinkSync(path, join(other, 'back'));
    await expect(opened({ dir: path })).rejects.toMatchObject({ code: 'ELOOP' });
  });

  it('devices and sockets are left out with a warning, and the disk is never written', async () => {
    const path = made(new Map());
    symlinkSync('/dev/null', join(path, 'null'));
    const warnings: string[] = [];
    const disk = await opened({ dir: path, floppy: true }, { warn: (text: string) => warnings.push(text) });
    expect(warnings).toEqual([expect.stringContaining("null' is neither a file nor a folder")]);
    expect(readFat(await contentsOf(disk)).files.size).toBe(0);
    expect([disk.forcesReadOnly, disk.write]).toEqual([true, undefined]);
    await expect(disk.prepareReopen?.({ readOnly: false } as never)).rejects.toMatchObject({ code: 'EACCES' });
    await disk.close();
  });
});
