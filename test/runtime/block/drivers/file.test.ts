import { randomBytes } from 'node:crypto';
import fs, {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { fileDriver, makeFileDriver } from '../../../../runtime/block/drivers/file/file.js';
import { type NativeCalls, nativeCalls } from '../../../../runtime/block/drivers/file/native.js';
import { BlockError } from '../../../../runtime/block/error.js';
import { BlockOptions } from '../../../../runtime/block/options.js';
import { RequestFlag } from '../../../../runtime/block/request-flag.js';
import { type ContextParts, contextFor, openDescriptors, quietHost, type Writable } from './file-context.js';

const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-file-'));
const path = join(folder, 'image');
const KiB = 1024;
/** Without system calls a file is only written by those who say that they do without locks. */
const withoutNative = makeFileDriver(() => undefined);
const drivers = [
  ['with system calls', fileDriver],
  ['without system calls', withoutNative],
] as const;

async function open(parts: ContextParts = {}, driver = fileDriver): Promise<Writable> {
  return (await driver.open(
    contextFor(driver, {
      ...parts,
      options: { filename: path, ...(driver === withoutNative && { locking: 'off' }), ...parts.options },
    }),
  )) as Writable;
}

async function read(image: Writable, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length, 0xee);
  await image.read(offset, buffer, 0);
  return buffer;
}

beforeEach(() => writeFileSync(path, ''));
afterAll(() => rmSync(folder, { recursive: true }));

describe('opening', () => {
  it.skipIf(process.platform !== 'linux')('warns each host once of what files lack without koffi', async () => {
    const messages: string[] = [];
    const host = quietHost({ warn: (message) => void messages.push(message) });
    for (let times = 0; times < 2; times++) {
      const context = Object.assign(contextFor(withoutNative, { options: { filename: path, locking: 'off' } }), {
        host,
      });
      const image = (await withoutNative.open(context)) as Writable;
      await image.close();
    }
    expect(messages).toEqual([expect.stringMatching(/'koffi' is not installed: holes .* npm install koffi$/)]);
  });

  it.each([
    ['a folder', { filename: folder }, 'EISDIR', 'Is a directory'],
    ['a device', { filename: '/dev/null' }, 'EINVAL', "'host_device'"],
    ['what is not there', { filename: join(folder, 'none') }, 'ENOENT', 'No such file'],
    ['no name', { filename: '' }, 'EINVAL', 'filename'],
    ['a name with a NUL', { filename: 'a\0b' }, 'EIO', 'null bytes'],
    ['aio=native without cache.direct=on', { filename: path, aio: 'native' }, 'EINVAL', 'requires cache.direct=on'],
    ['an unknown aio', { filename: path, aio: 'posix' }, 'EINVAL', 'threads, native'],
  ])('refuses %s and leaves no descriptor open', async (_, options, code, message) => {
    const before = openDescriptors();
    await expect(open({ options })).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    expect(openDescriptors()).toEqual(before);
  });

  it('asks the operator first', async () => {
    const asked: string[] = [];
    const authorize = async (name: string): Promise<void> => {
      asked.push(name);
      throw new BlockError('not yours', { code: 'EACCES' });
    };
    await expect(open({ options: { filename: join(folder, 'none') }, host: { authorize } })).rejects.toThrow(
      'not yours',
    );
    expect(asked).toEqual([join(folder, 'none')]);
  });

  // Even an administrator cannot write this one.
  it('reports a file that cannot be written', async () => {
    const filename = '/proc/sys/kernel/random/boot_id';
    await expect(open({ options: { filename } })).rejects.toMatchObject({
      code: 'EACCES',
      message: `Could not open '${filename}': Permission denied`,
    });
    await (await open({ options: { filename }, flags: { readOnly: true } })).close();
  });

  it('reports a file system without O_DIRECT', async () => {
    const filename = '/proc/version';
    const flags = { readOnly: true, direct: true };
    await expect(open({ options: { filename }, flags })).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining('file system may not support O_DIRECT'),
    });
  });

  it('closes the file once, however often close is called', async () => {
    const before = openDescriptors();
    const image = await open();
    await image.close();
    const other = await open();
    await image.close();
    expect(await read(other, 0, 1)).toEqual(Buffer.alloc(1));
    await other.close();
    expect(openDescriptors()).toEqual(before);
  });
});

describe('file names', () => {
  it('strips one prefix of the file name', () => {
    const options = new BlockOptions();
    fileDriver.parseFilename?.('file:file:a.img', options);
    expect(options.get('filename')).toBe('file:a.img');
  });

  it.each<[Record<string, string>, boolean]>([
    [{}, true],
    [{ aio: 'threads' }, false],
  ])('shows what opens the same with %o', async (options, plain) => {
    const image = await open({ options });
    expect(image.exactFilename?.()).toBe(plain ? path : undefined);
    await image.close();
  });
});

describe.each(drivers)('requests %s', (_, driver) => {
  it('reads zeroes beyond the end, and knows its length as it grows', async () => {
    writeFileSync(path, 'abc');
    const image = await open({}, driver);
    expect(image.length).toBe(3);
    expect((await read(image, 1, 6)).toString()).toBe('bc\0\0\0\0');
    expect(await read(image, 100, 2)).toEqual(Buffer.alloc(2));
    await image.write(5, Buffer.from('xyz'), 0);
    expect(image.length).toBe(8);
    await image.flushToDisk();
    expect(readFileSync(path).toString()).toBe('abc\0\0xyz');
    await image.truncate(4);
    expect(image.length).toBe(4);
    await image.truncate(6);
    expect(readFileSync(path).toString()).toBe('abc\0\0\0');
    await image.close();
  });

  it('fills the part of a buffer that it is given, and no more', async () => {
    writeFileSync(path, 'abcdefgh');
    const image = await open({}, driver);
    for (const memory of [new Uint8Array(8), Buffer.alloc(100_000)]) {
      const part = memory.subarray(3, 6);
      await image.read(2, part, 0);
      expect([...memory.subarray(0, 8)]).toEqual([0, 0, 0, 99, 100, 101, 0, 0]);
      await image.write(0, part, RequestFlag.fua);
      expect(readFileSync(path).toString()).toBe('cdedefgh');
      writeFileSync(path, 'abcdefgh');
    }
    await image.close();
  });

  it('writes what is to reach the disk, however long', async () => {
    for (const direct of [false, true]) {
      const image = await open({ flags: { direct } }, driver);
      const data = randomBytes(5 << 18);
      expect((image.writeFlags ?? 0) & RequestFlag.fua).toBe(RequestFlag.fua);
      await Promise.all([0, 1, 2].map((i) => image.write(i * data.length, data, RequestFlag.fua)));
      expect(image.length).toBe(3 * data.length);
      expect(readFileSync(path).equals(Buffer.concat([data, data, data]))).toBe(true);
      await image.close();
    }
  });

  it('fails a write to what was opened read-only', async () => {
    const image = await open({ flags: { readOnly: true } }, driver);
    await expect(image.write(0, Buffer.from('x'), 0)).rejects.toMatchObject({ code: 'EBADF' });
    await image.close();
  });

  it('fails a write that no file can be long enough for', async () => {
    const image = await open({}, driver);
    await expect(image.write(2 ** 52, Buffer.from('x'), 0)).rejects.toMatchObject({ code: 'EFBIG' });
    expect(image.length).toBe(0);
    await image.close();
  });

  it('reads and writes like memory, with many requests at a time', async () => {
    const block = 512;
    const blocks = 64;
    const step = fc.record({
      kind: fc.constantFrom('write', 'zero', 'unmap', 'truncate', 'read'),
      at: fc.nat(blocks - 1),
      count: fc.integer({ min: 1, max: 16 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), fc.boolean(), async (steps, direct) => {
        writeFileSync(path, '');
        const image = await open({ flags: { direct } }, driver);
        const unit = Math.max(block, image.requestAlignment ?? 1);
        let model: Buffer = Buffer.alloc(0);
        const grown = (size: number): Buffer => Buffer.concat([model, Buffer.alloc(Math.max(0, size - model.length))]);
        try {
          for (const { kind, at, count } of steps) {
            const [offset, length] = [at * unit, count * unit];
            if (kind === 'read') {
              const parts = await Promise.all([0, 1, 2].map((i) => read(image, offset + i * unit, length)));
              parts.forEach((part, i) => {
                const from = offset + i * unit;
                expect(part.equals(grown(from + length).subarray(from, from + length))).toBe(true);
              });
            } else if (kind === 'truncate') {
              await image.truncate(offset);
              model = Buffer.from(grown(offset).subarray(0, offset));
            } else {
              const data = kind === 'write' ? randomBytes(length) : Buffer.alloc(length);
              if (kind === 'write') await image.write(offset, data, 0);
              else {
                try {
                  await image.writeZeroes?.(offset, length, kind === 'unmap' ? RequestFlag.mayUnmap : 0);
                } catch (error) {
                  // The layer writes zeroes then.
                  expect(error).toMatchObject({ code: 'ENOTSUP' });
                  await image.write(offset, data, 0);
                }
              }
              model = grown(offset + length);
              data.copy(model, offset);
            }
            expect(image.length).toBe(model.length);
          }
          expect(readFileSync(path).equals(model)).toBe(true);
        } finally {
          await image.close();
        }
      }),
      { numRuns: 100 },
    );
  });
});

it('reads large ranges and many at a time, cached or not', async () => {
  const data = randomBytes(3 << 20);
  writeFileSync(path, data);
  for (const direct of [false, true]) {
    const image = await open({ flags: { direct, readOnly: true } });
    const parts = await Promise.all(Array.from({ length: 96 }, (_, i) => read(image, i * 32 * KiB, 32 * KiB)));
    expect(Buffer.concat(parts).equals(data)).toBe(true);
    expect((await read(image, 0, data.length)).equals(data)).toBe(true);
    await image.close();
  }
});

it('gives others a turn while one client reads without a pause', async () => {
  writeFileSync(path, randomBytes(256 * KiB));
  const image = await open();
  let turns = 0;
  const counter = setInterval(() => turns++, 0);
  const buffer = Buffer.alloc(256 * KiB);
  for (let i = 0; i < 400; i++) await image.read(0, buffer, 0);
  clearInterval(counter);
  expect(turns).toBeGreaterThan(0);
  await image.close();
});

// The rest needs koffi, which is optional; .ci/run installs it.
describe.skipIf(nativeCalls() === undefined)('holes', () => {
  async function map(image: Writable): Promise<[number, boolean][]> {
    const parts: [number, boolean][] = [];
    for (let at = 0; at < image.length; ) {
      const status = await image.blockStatus(at, image.length - at);
      expect(status).toMatchObject({ allocated: true, zero: !status.data, offset: at });
      parts.push([at / KiB, status.data]);
      at += status.length;
    }
    return parts;
  }

  it('distinguishes holes from data, also after changes', async () => {
    truncateSync(path, 512 * KiB);
    const image = await open();
    await image.write(128 * KiB, Buffer.alloc(128 * KiB, 1), 0);
    const first = [
      [0, false],
      [128, true],
      [256, false],
    ];
    expect(await map(image)).toEqual(first);
    // Within an extent that is known by now.
    expect(await image.blockStatus(130 * KiB, 4 * KiB)).toMatchObject({ data: true, length: 4 * KiB });
    await image.discard?.(160 * KiB, 32 * KiB);
    expect(await map(image)).toEqual([
      [0, false],
      [128, true],
      [160, false],
      [192, true],
      [256, false],
    ]);
    await image.write(160 * KiB, Buffer.alloc(32 * KiB, 2), 0);
    await image.writeZeroes?.(0, 64 * KiB, 0);
    expect(await map(image)).toEqual(first);
    await image.writeZeroes?.(128 * KiB, 64 * KiB, RequestFlag.mayUnmap);
    expect(await map(image)).toEqual([
      [0, false],
      [192, true],
      [256, false],
    ]);
    expect(image.length).toBe(512 * KiB);
    await image.close();
  });

  it('finds holes in what another handle has written since', async () => {
    truncateSync(path, 128 * KiB);
    const image = await open();
    const other = await open();
    expect(await map(image)).toEqual([[0, false]]);
    await other.write(64 * KiB, Buffer.alloc(64 * KiB, 1), 0);
    expect(await map(image)).toEqual([
      [0, false],
      [64, true],
    ]);
    await Promise.all([image.close(), other.close()]);
  });

  it('reports a hole beyond the end as zeroes', async () => {
    writeFileSync(path, 'abc');
    const image = await open();
    expect(await image.blockStatus(512, 512)).toMatchObject({ data: false, zero: true, length: 512 });
    await image.close();
  });

  it('returns the space of discarded ranges to the file system', async () => {
    writeFileSync(path, randomBytes(1 << 20));
    const image = await open();
    const before = (await image.allocatedSize?.()) as number;
    expect(before).toBeGreaterThanOrEqual(1 << 20);
    await image.discard?.(0, 1 << 20);
    expect(await image.allocatedSize?.()).toBeLessThan(before);
    await image.writeZeroes?.(0, 1 << 20, 0);
    expect(await image.allocatedSize?.()).toBeGreaterThanOrEqual(1 << 20);
    await image.close();
  });
});

describe('reopening', () => {
  it('switches the handle when all nodes agree, even if the name is gone', async () => {
    const before = openDescriptors();
    const image = await open({ flags: { readOnly: true } });
    renameSync(path, `${path}.moved`);
    const flags = { readOnly: false, direct: false, noFlush: false, unmap: true };
    const reopening = await image.prepareReopen?.(flags);
    await expect(image.write(0, Buffer.from('x'), 0)).rejects.toThrow();
    await reopening?.commit();
    await image.write(0, Buffer.from('x'), 0);
    expect(readFileSync(`${path}.moved`).toString()).toBe('x');
    const withDirect = await image.prepareReopen?.({ ...flags, direct: true });
    expect(image.requestAlignment).toBe(1);
    await withDirect?.commit();
    expect(image.requestAlignment).toBeGreaterThanOrEqual(512);
    const back = await image.prepareReopen?.(flags);
    await back?.abort();
    expect(image.requestAlignment).toBeGreaterThanOrEqual(512);
    await (await image.prepareReopen?.({ ...flags, direct: true, noFlush: true }))?.commit();
    await image.close();
    expect(openDescriptors()).toEqual(before);
  });

  it('leaves the node as it was when the file cannot be reopened for writing', async () => {
    const filename = '/proc/sys/kernel/random/boot_id';
    const image = await open({ options: { filename }, flags: { readOnly: true } });
    const before = openDescriptors();
    const flags = { readOnly: false, direct: false, noFlush: false, unmap: true };
    await expect(image.prepareReopen?.(flags)).rejects.toMatchObject({
      code: 'EACCES',
      message: expect.stringContaining(filename),
    });
    expect(openDescriptors()).toEqual(before);
    await image.close();
  });
});

describe.each(drivers)('creating %s', (_, driver) => {
  const unlocked = driver === withoutNative ? { locking: 'off' } : {};
  const create = (name: string, size: number, options: Record<string, string> = {}): Promise<void> =>
    driver.createFile?.(
      name,
      size,
      new BlockOptions(Object.entries({ ...unlocked, ...options })),
      quietHost(),
    ) as Promise<void>;

  it.each(['off', 'falloc', 'full'])('makes a file of zeroes with preallocation=%s', async (preallocation) => {
    writeFileSync(path, 'what was there');
    await create(`file:${path}`, 2 ** 21 + 512, { preallocation });
    const { size, blocks } = statSync(path);
    expect(size).toBe(2 ** 21 + 512);
    if (preallocation === 'off') expect(blocks).toBe(0);
    else expect(blocks * 512).toBeGreaterThanOrEqual(size);
    expect(readFileSync(path).equals(Buffer.alloc(size))).toBe(true);
  });

  it('refuses what cannot become a file', async () => {
    const before = openDescriptors();
    await expect(create(folder, 0)).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(create('/dev/null', 0)).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(create(join(folder, 'no/where'), 0)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(create(path, 0, { preallocation: 'metadata' })).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(create(path, 2 ** 53 - 1)).rejects.toMatchObject({ code: 'EFBIG' });
    expect(statSync(path).size).toBe(0);
    expect(openDescriptors()).toEqual(before);
  });
});

it('reports the error of the system for a folder that cannot be searched', async () => {
  const locked = join(folder, 'locked');
  mkdirSync(locked);
  writeFileSync(join(locked, 'image'), '');
  chmodSync(locked, 0);
  try {
    const opened = open({ options: { filename: join(locked, 'image') } });
    // An administrator is not kept out.
    if (process.getuid?.() === 0) await (await opened).close();
    else await expect(opened).rejects.toMatchObject({ code: 'EACCES' });
  } finally {
    chmodSync(locked, 0o700);
  }
});

describe('a write that is to reach the disk', () => {
  /** Calls that note what is asked of them and do it by halves. */
  function halfway(asked: string[]): NativeCalls {
    const real = nativeCalls() as NativeCalls;
    return {
      ...fromClass(real),
      writeDurable: async (fd, data, offset) => {
        asked.push(`${offset}+${data.length}`);
        const half = data.subarray(0, data.length / 2);
        return new Promise((resolve) => fs.write(fd, half, 0, half.length, offset, () => resolve(half.length)));
      },
    };
  }

  const fromClass = (calls: NativeCalls): NativeCalls => ({
    readCached: (...values) => calls.readCached(...values),
    writeDurable: (...values) => calls.writeDurable(...values),
    seek: (...values) => calls.seek(...values),
    fallocate: (...values) => calls.fallocate(...values),
    ioctl: (...values) => calls.ioctl(...values),
    ioctlRange: (...values) => calls.ioctlRange(...values),
    lockByte: (...values) => calls.lockByte(...values),
    isLocked: (...values) => calls.isLocked(...values),
  });

  it.skipIf(nativeCalls() === undefined)(
    'completes a short write, and writes without sync where flushes do nothing',
    async () => {
      const asked: string[] = [];
      const driver = makeFileDriver(() => halfway(asked));
      const image = await open({}, driver);
      await image.write(0, Buffer.from('abcd'), RequestFlag.fua);
      await image.write(4, Buffer.from('efgh'), 0);
      await image.close();
      const careless = await open({ flags: { noFlush: true } }, driver);
      await careless.write(8, Buffer.from('ijkl'), RequestFlag.fua);
      await careless.close();
      expect(asked).toEqual(['0+4']);
      expect(readFileSync(path).toString()).toBe('abcdefghijkl');
    },
  );
});
