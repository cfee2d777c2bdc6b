import { createHash, pbkdf2Sync, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { luks } from '../../../../../runtime/block/drivers/luks/luks.js';
import { type KeySlot, readHeader, writeHeader } from '../../../../../runtime/block/drivers/shared/luks/header.js';
import { sealSlot } from '../../../../../runtime/block/drivers/shared/luks/key-slots.js';
import { RequestFlag } from '../../../../../runtime/block/request-flag.js';
import { MemoryChild } from '../../memory-child.js';
import { create, open } from './volumes.js';

const MiB = 1 << 20;

async function contents(file: MemoryChild, offset: number, length: number): Promise<Buffer> {
  const volume = await open(file);
  const buffer = Buffer.alloc(length);
  await volume.read(offset, buffer, 0);
  return buffer;
}

describe('a LUKS volume', () => {
  it('recognises a volume by its first bytes', () => {
    const head = Buffer.from('LUKS\xba\xbe\0\x01', 'latin1');
    expect(luks.probe?.(head, 'a')).toBe(100);
    expect(luks.probe?.(Buffer.concat([head, Buffer.alloc(504)]), 'a')).toBe(100);
    expect(luks.probe?.(head.subarray(0, 7), 'a')).toBe(0);
    expect(luks.probe?.(Buffer.from('LUKS\xba\xbe\0\x02', 'latin1'), 'a')).toBe(0);
    expect(luks.probe?.(new Uint8Array(), 'a')).toBe(0);
  });

  it('reads what was written to it, by whole sectors, from wherever', async () => {
    const file = await create(2 * MiB + 4096);
    const volume = await open(file);
    const size = volume.length;
    expect(size).toBe(2 * MiB + 4096);
    const model = randomBytes(size);
    await volume.write?.(0, model, 0);
    const sector = fc.nat(size / 512 - 1);
    await fc.assert(
      fc.asyncProperty(sector, sector, fc.nat(255), fc.boolean(), async (a, b, value, reopened) => {
        const start = Math.min(a, b) * 512;
        const data = Buffer.alloc((Math.max(a, b) + 1) * 512 - start, value);
        await volume.write?.(start, data, 0);
        data.copy(model, start);
        const buffer = Buffer.alloc(size);
        await (reopened ? await open(file) : volume).read(0, buffer, 0);
        expect(buffer.equals(model)).toBe(true);
      }),
      { numRuns: 15 },
    );
  });

  it('never writes what it is given, nor the same for the same', async () => {
    const file = await create(4096);
    const volume = await open(file);
    const before = file.steps.length;
    await volume.write?.(0, Buffer.alloc(1024, 'same '), 0);
    const written = file.steps.slice(before).flatMap((step) => (step.kind === 'write' ? [Buffer.from(step.data)] : []));
    const [data = Buffer.alloc(0)] = written;
    expect(data).toHaveLength(1024);
    expect(data.includes('same')).toBe(false);
    const blocks = Array.from({ length: 64 }, (_, index) => data.toString('hex', index * 16, index * 16 + 16));
    expect(new Set(blocks).size).toBe(64);
  });

  it('leaves the data it is given alone', async () => {
    const volume = await open(await create(4096));
    const data = randomBytes(4096);
    const copy = Buffer.from(data);
    await volume.write?.(0, data, 0);
    expect(data.equals(copy)).toBe(true);
  });

  it('passes on that data is to be on the disk, and no other flag', async () => {
    const file = await create(2 * MiB);
    const volume = await open(file);
    const seen: number[] = [];
    const write = file.write.bind(file);
    file.write = (offset: number, data: Uint8Array, flags = 0) => {
      seen.push(flags);
      return write(offset, data);
    };
    expect(volume.writeFlags).toBe(RequestFlag.fua);
    await volume.write?.(0, Buffer.alloc(2 * MiB), RequestFlag.fua | RequestFlag.mayUnmap);
    expect(seen).toEqual([RequestFlag.fua, RequestFlag.fua]);
  });

  it('requires whole sectors, and reports that it is encrypted', async () => {
    const volume = await open(await create(4096));
    expect(volume.requestAlignment).toBe(512);
    expect(volume.encrypted).toBe(true);
    expect(volume.prepareReopen).toBeUndefined();
    await volume.close();
  });

  it('grows and shrinks the data behind the header', async () => {
    const file = await create(8192);
    const { payloadOffset } = readHeader(file.bytes, file.bytes.length);
    const volume = await open(file);
    const data = randomBytes(4096);
    await volume.write?.(0, data, 0);
    await volume.truncate?.(4096);
    expect([volume.length, file.bytes.length]).toEqual([4096, payloadOffset + 4096]);
    await volume.truncate?.(12_288);
    expect(volume.length).toBe(12_288);
    expect((await contents(file, 0, 4096)).equals(data)).toBe(true);
  });

  it('ignores a partial last sector, and fails when its file has lost its header', async () => {
    const file = await create(4096);
    const { payloadOffset } = readHeader(file.bytes, file.bytes.length);
    const volume = await open(file);
    await file.truncate(payloadOffset + 700);
    expect(volume.length).toBe(512);
    await file.truncate(payloadOffset - 1);
    expect(() => volume.length).toThrow('Input/output error');
  });

  it('fails with the error of its file', async () => {
    const file = await create(4096);
    const volume = await open(file);
    file.onRequest = () => {
      throw new Error('no disk');
    };
    await expect(volume.read(0, Buffer.alloc(512), 0)).rejects.toThrow('no disk');
    await expect(volume.write?.(0, Buffer.alloc(512), 0)).rejects.toThrow('no disk');
    await expect(open(file)).rejects.toThrow('no disk');
  });
});

describe('the key of a LUKS volume', () => {
  it('names the option key-secret when it is missing', async () => {
    await expect(open(await create(512), {})).rejects.toThrow("Parameter 'key-secret' is required");
  });

  it('takes the passphrase from a secret that exists and is text', async () => {
    const file = await create(512);
    await expect(open(file, { 'key-secret': 'missing' })).rejects.toThrow("No secret with id 'missing'");
    for (const id of ['binary', 'nul']) {
      await expect(open(file, { 'key-secret': id })).rejects.toThrow(`Data from secret ${id} is not valid UTF-8`);
    }
  });

  it('refuses another passphrase', async () => {
    await expect(open(await create(512), { 'key-secret': 'wrong' })).rejects.toMatchObject({
      code: 'EPERM',
      message: expect.stringContaining('Invalid password'),
    });
  });

  it('accepts an empty passphrase', async () => {
    const file = await create(512, { 'key-secret': 'empty' });
    await open(file, { 'key-secret': 'empty' });
    await expect(open(file)).rejects.toThrow('Invalid password');
  });

  it('shows the header without a key, but not the data', async () => {
    const file = await create(512);
    const volume = await open(file, {}, true);
    expect(volume.length).toBe(512);
    await expect(volume.read(0, Buffer.alloc(512), 0)).rejects.toThrow('opened without its key');
    await expect(volume.write?.(0, Buffer.alloc(512), 0)).rejects.toThrow('opened without its key');
    // The option is known all the same.
    await open(file, { 'key-secret': 'missing' }, true);
  });

  it('finds the key in any active slot', async () => {
    const file = await create(4096);
    const key = randomBytes(64);
    const header = readHeader(file.bytes, file.bytes.length);
    const budget = { rounds: 1e6 };
    const slots: KeySlot[] = header.slots.map((slot, index) => ({
      ...slot,
      active: index === 2 || index === 7,
      iterations: 1000 + index,
      salt: randomBytes(32),
    }));
    const digest = pbkdf2Sync(key, header.digestSalt, header.digestIterations, 20, 'sha256');
    const changed = { ...header, slots, digest };
    await file.write(0, writeHeader(changed));
    for (const [index, passphrase] of [
      [2, 'correct horse'],
      [7, 'battery staple'],
    ] as const) {
      const slot = slots[index] as KeySlot;
      await file.write(slot.offset, await sealSlot(changed, slot, Buffer.from(passphrase), key, budget));
    }
    const data = randomBytes(4096);
    await (await open(file)).write?.(0, data, 0);
    const buffer = Buffer.alloc(4096);
    await (await open(file, { 'key-secret': 'wrong' })).read(0, buffer, 0);
    expect(buffer.equals(data)).toBe(true);
    await expect(open(file, { 'key-secret': 'empty' })).rejects.toThrow('Invalid password');
  });

  it('refuses a cipher that is not available before it looks for the key, but shows the header', async () => {
    const file = await create(512);
    await file.write(8, Buffer.from('twofish'));
    await expect(open(file)).rejects.toMatchObject({
      code: 'ENOTSUP',
      message: expect.stringContaining("The cipher 'twofish-256' is not available"),
    });
    expect((await open(file, {}, true)).specificInfo?.()).toMatchObject({ data: { 'cipher-alg': 'twofish-256' } });
  });

  it('refuses a volume without an active slot', async () => {
    const file = await create(512);
    file.bytes.set([0, 0, 0xde, 0xad], 208);
    await expect(open(file)).rejects.toThrow('none of its key slots is active');
  });

  it('makes another key for each volume', async () => {
    const files = [await create(512), await create(512)];
    const digests = files.map(({ bytes }) => createHash('sha256').update(bytes.subarray(112, 132)).digest('hex'));
    expect(new Set(digests).size).toBe(2);
  });
});

describe('creating a LUKS volume', () => {
  it('writes the header last', async () => {
    const { steps } = await create(512);
    const last = steps.at(-1);
    expect(last?.kind === 'write' && last.offset).toBe(0);
    expect(steps.slice(0, -1).every((step) => step.kind !== 'write' || step.offset >= 4096)).toBe(true);
  });

  it('chooses the iteration count for the time in iter-time', async () => {
    const quick = readHeader((await create(512)).bytes, 1e9);
    expect(quick.slots[0]?.iterations).toBe(1000);
    expect(quick.digestIterations).toBe(1000);
    const slow = readHeader((await create(512, { 'iter-time': 300 })).bytes, 1e9);
    const [slot] = slow.slots;
    // A key of 64 bytes takes two rounds of SHA-256 per iteration, the digest one; and it may take an eighth of the time.
    expect(Math.abs((slot?.iterations ?? 0) - 4 * slow.digestIterations)).toBeLessThanOrEqual(4);
  });

  it.each([
    [{}, 'xts-plain64', 64],
    [{ 'cipher-alg': 'aes-128' }, 'xts-plain64', 32],
    [{ 'cipher-mode': 'cbc', 'ivgen-alg': 'essiv' }, 'cbc-essiv:sha256', 32],
    [{ 'cipher-mode': 'cbc', 'ivgen-alg': 'plain', 'ivgen-hash-alg': 'sha1' }, 'cbc-plain:sha1', 32],
    // Its 4000 stripes do not end with a sector.
    [{ 'cipher-mode': 'cbc', 'cipher-alg': 'aes-192' }, 'cbc-plain64', 24],
  ])('writes %o as %s with keys of %i bytes', async (options, mode, keyLength) => {
    const file = await create(4096, options);
    const bytes = Buffer.from(file.bytes);
    expect(bytes.toString('latin1', 40, 40 + mode.length + 1)).toBe(`${mode}\0`);
    expect(bytes.readUInt32BE(108)).toBe(keyLength);
    const data = randomBytes(4096);
    await (await open(file)).write?.(0, data, 0);
    expect((await contents(file, 0, 4096)).equals(data)).toBe(true);
  });

  it.each([
    [{ 'key-secret': 'missing' }, "No secret with id 'missing'"],
    [{ 'key-secret': 'binary' }, 'not valid UTF-8'],
    [{ 'cipher-alg': 'des-rfb' }, "Option 'cipher-alg' must be one of aes-128"],
    [{ 'cipher-alg': 'serpent-256' }, "The cipher 'serpent-256' is not available"],
    [{ 'cipher-mode': 'ctr' }, "Option 'cipher-mode' must be one of ecb, cbc, xts"],
    [{ 'ivgen-alg': 'null' }, "Option 'ivgen-alg'"],
    [{ 'ivgen-alg': 'essiv', 'ivgen-hash-alg': 'sha512' }, "there is no 'aes-512'"],
    [{ 'hash-alg': 'crc32' }, "Option 'hash-alg'"],
    [{ 'iter-time': -1 }, "Option 'iter-time'"],
    [{ 'iter-time': 1e9 }, "Option 'iter-time' is too large"],
  ])('refuses %o, and writes nothing', async (options, message) => {
    const file = new MemoryChild();
    await expect(create(512, options, file)).rejects.toThrow(message);
    expect(file.steps).toEqual([]);
  });
});
