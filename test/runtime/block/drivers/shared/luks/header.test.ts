import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { headerLength, readHeader, writeHeader } from '../../../../../../runtime/block/drivers/shared/luks/header.js';
import { BlockError } from '../../../../../../runtime/block/error.js';
import { MemoryChild } from '../../../memory-child.js';
import { create, open } from '../../luks/volumes.js';

let image: Uint8Array;
let bytes: Buffer;

beforeAll(async () => {
  image = (await create(4096, { 'cipher-alg': 'aes-128' })).bytes;
  bytes = Buffer.from(image.subarray(0, headerLength));
});

/** The header with some of it changed. */
function changed(change: (header: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
}

describe('the header of a LUKS volume', () => {
  it('writes a header as it was read', () => {
    expect(Buffer.from(writeHeader(readHeader(bytes, image.length))).equals(bytes)).toBe(true);
  });

  it('places key material and data where QEMU does', () => {
    const header = readHeader(bytes, image.length);
    // 4000 stripes of 32 bytes, rounded up to 4 KiB: 32 * 4 KiB, behind 4 KiB for the header.
    expect(header.slots.map(({ offset }) => offset / 4096)).toEqual([1, 33, 65, 97, 129, 161, 193, 225]);
    expect(header.payloadOffset / 4096).toBe(257);
    expect(header.slots.map(({ active }) => active)).toEqual([true, ...Array<boolean>(7).fill(false)]);
    expect(header.uuid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });

  const damages: [string, (header: Buffer) => void, string][] = [
    ['another magic', (h) => h.writeUInt8(0x4d, 0), 'does not begin with a LUKS header of version 1'],
    ['version 2', (h) => h.writeUInt16BE(2, 6), 'does not begin with a LUKS header of version 1'],
    ['an unknown cipher', (h) => h.write('rot13\0', 8), "no cipher 'rot13' in mode 'xts' has keys of 32 bytes"],
    ['an unknown mode', (h) => h.write('ctr-plain\0', 40), "'ctr-plain' does not begin with ecb, cbc or xts"],
    ['no IV generator', (h) => h.write('xts\0', 40), "its cipher mode 'xts' names no IV generator"],
    ['ecb without an IV generator', (h) => h.write('ecb\0', 40), "'ecb' names no IV generator: 'ecb-plain64' would do"],
    ['an unknown IV generator', (h) => h.write('xts-benbi\0', 40), "its IV generator 'benbi' is unknown"],
    ['essiv without a hash', (h) => h.write('xts-essiv\0', 40), "needs a known hash function, not ''"],
    ['an unknown hash', (h) => h.write('whirlpool\0', 72), "its hash function 'whirlpool' is unknown"],
    ['a field without an end', (h) => h.fill('a', 72, 104), `its hash function '${'a'.repeat(32)}' is unknown`],
    ['a key of no length', (h) => h.writeUInt32BE(0, 108), 'has keys of 0 bytes'],
    ['a key of odd length', (h) => h.writeUInt32BE(33, 108), 'has keys of 33 bytes'],
    ['a huge key', (h) => h.writeUInt32BE(0xffffffff, 108), 'has keys of 4294967295 bytes'],
    ['data in the header', (h) => h.writeUInt32BE(1, 104), 'its data overlaps the header'],
    ['data beyond the end', (h) => h.writeUInt32BE(0xffffffff, 104), 'it is cut short'],
    ['no iterations', (h) => h.writeUInt32BE(0, 164), 'derived by no iterations'],
    ['a slot that is neither', (h) => h.writeUInt32BE(1, 208 + 48), 'key slot 1 is neither active nor inactive'],
    ['a slot without iterations', (h) => h.writeUInt32BE(0, 212), 'key slot 0 has no iterations'],
    ['a slot in the header', (h) => h.writeUInt32BE(1, 248), 'key slot 0 overlaps the header'],
    ['a slot in the data', (h) => h.writeUInt32BE(1999, 248), 'key slot 0 overlaps the data'],
    ['a slot anywhere', (h) => h.writeUInt32BE(0xffffffff, 248), 'key slot 0 overlaps the data'],
    ['a slot in another one', (h) => h.writeUInt32BE(9, 248 + 48), 'key slots 0 and 1 overlap'],
    ['two unused slots in one place', (h) => h.writeUInt32BE(521, 248 + 7 * 48), 'key slots 2 and 7 overlap'],
    ['no stripes', (h) => h.writeUInt32BE(0, 252), 'key slot 0 has 0 stripes'],
    ['too many stripes', (h) => h.writeUInt32BE(0xffffffff, 252), 'key slot 0 has 4294967295 stripes'],
    ['more stripes than fit', (h) => h.writeUInt32BE(65_536, 252), 'key slot 0 overlaps the data'],
  ];
  it.each(damages)('refuses a header with %s', (_title, change, message) => {
    expect(() => readHeader(changed(change), image.length)).toThrow(message);
  });

  it('refuses a header when the file ends early', () => {
    expect(() => readHeader(bytes.subarray(0, 500), image.length)).toThrow('does not begin with a LUKS header');
    expect(() => readHeader(bytes, 257 * 4096 - 1)).toThrow('it is cut short');
  });

  it('ignores the fields of slots that are not active', () => {
    const header = changed((h) => h.writeUInt32BE(0xffffffff, 208 + 48 + 40));
    expect(readHeader(header, image.length).slots[1]?.active).toBe(false);
  });

  it('refuses to unlock a volume with an excessive iteration count, before it begins', async () => {
    for (const at of [164, 212]) {
      const file = new MemoryChild(new Uint8Array(image));
      new DataView(file.bytes.buffer).setUint32(at, 0xffffffff);
      await expect(open(file)).rejects.toThrow('would take too long: it has 4294967295 iterations');
    }
  });

  it('reads any header, or refuses it', async () => {
    const bytesAt = fc.record({ at: fc.nat(headerLength - 1), value: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(bytesAt, { minLength: 1, maxLength: 6 }), async (mutations) => {
        const file = new MemoryChild(new Uint8Array(image));
        for (const { at, value } of mutations) file.bytes[at] = value;
        // Iterations that are allowed, but take minutes, are for the test above.
        const view = new DataView(file.bytes.buffer);
        for (const at of [164, ...Array.from({ length: 8 }, (_, slot) => 212 + slot * 48)]) {
          if (view.getUint32(at) > 2000) view.setUint32(at, 0xffffffff);
        }
        let read = 0;
        file.onRequest = (_kind, _offset, length) => {
          read += length;
        };
        await open(file).catch((error: unknown) => expect(error).toBeInstanceOf(BlockError));
        expect(read).toBeLessThan(2 * image.length);
        expect(file.steps).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});
