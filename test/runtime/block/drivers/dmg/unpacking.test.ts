import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unpackAdc } from '../../../../../runtime/block/drivers/dmg/adc.js';
import { unpackBzip2 } from '../../../../../runtime/block/drivers/dmg/bzip2.js';
import { unpackLzfse } from '../../../../../runtime/block/drivers/dmg/lzfse.js';
import { packAdc } from '../format-suite/read-only-images.js';
import { lzfseBlock, lzfseEnd, lzvnBlock, plainBlock, triplesOf } from './lzfse-encoder.js';

/** What `bzip2` makes of 30 times "Disk images of macOS. ", a MiB of zeroes, and nothing. */
const text =
  'QlpoOTFBWSZTWd5cf3oAAFmXgEABBACIACuqiAAgAHBTAAAmqppGNRmm0P8Mw1DmH2GYdQ8ofodw1DEOIdwzDENQ2hqGIei7kinChIby4/vQ';
const zeroes = 'QlpoOTFBWSZTWThXHOUACAhAAMAEAAggADDMBSmmCAbEIB4u5IpwoSBwrjnK';
const nothing = 'QlpoORdyRThQkAAAAAA=';
const packedText = Buffer.from(text, 'base64');
const plainText = Buffer.from('Disk images of macOS. '.repeat(30));

/** Data that repeats itself, near and far. */
const repeating = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 120 })), { maxLength: 8 })
  .map((parts) => Buffer.concat(parts.flatMap(([piece, times]) => Array.from({ length: times }, () => piece))));

describe('unpacking of chunks', () => {
  it('data that was packed by ADC is unpacked to the same, and to no other length', () => {
    fc.assert(
      fc.property(repeating, (data) => {
        const packed = packAdc(data);
        expect(Buffer.from(unpackAdc(packed, data.length) ?? [1]).equals(data)).toBe(true);
        expect(unpackAdc(packed, data.length + 1)).toBeUndefined();
        if (data.length > 0) expect(unpackAdc(packed.subarray(0, -1), data.length)).toBeUndefined();
      }),
    );
  });

  it('ADC refers to nothing that is not there', () => {
    expect(unpackAdc(Uint8Array.of(0x80, 7, 0x00, 0x01), 4)).toBeUndefined();
    expect(unpackAdc(Uint8Array.of(0x80, 7, 0x00, 0x00), 4)).toEqual(Uint8Array.of(7, 7, 7, 7));
    expect(unpackAdc(Uint8Array.of(0x40), 4)).toBeUndefined();
    expect(unpackAdc(new Uint8Array(0), 0)).toEqual(new Uint8Array(0));
  });

  it('data that was packed by LZFSE, in blocks of all kinds, is unpacked to the same, and to no other length', () => {
    const kind = fc.constantFrom('plain', 'lzvn', 'lzfse');
    const noise = fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.oneof(repeating, noise), kind), { maxLength: 4 }), (parts) => {
        const data = Buffer.concat(parts.map(([part]) => part));
        const stream = Buffer.concat([
          ...parts.map(([part, how]) => {
            if (how === 'plain') return plainBlock(part);
            const triples = triplesOf(part);
            return how === 'lzvn' ? lzvnBlock(part, triples) : lzfseBlock(part, triples);
          }),
          lzfseEnd,
        ]);
        expect(Buffer.from(unpackLzfse(stream, data.length) ?? [1]).equals(data)).toBe(true);
        expect(unpackLzfse(stream, data.length + 1)).toBeUndefined();
        if (data.length > 0) expect(unpackLzfse(stream, data.length - 1)).toBeUndefined();
        expect(unpackLzfse(stream.subarray(0, -1), data.length)).toBeUndefined();
      }),
    );
  });

  it('LZFSE refers back to earlier blocks, and to nothing that is not there', () => {
    const piece = Buffer.from('0123456789');
    const again = [{ literals: 0, match: 10, distance: 10 }];
    for (const pack of [lzvnBlock, lzfseBlock]) {
      const block = pack(piece, again);
      const stream = Buffer.concat([plainBlock(piece), block, lzfseEnd]);
      expect(Buffer.from(unpackLzfse(stream, 20) ?? [])).toEqual(Buffer.concat([piece, piece]));
      expect(unpackLzfse(Buffer.concat([block, lzfseEnd]), 10)).toBeUndefined();
    }
  });

  it('damaged data of LZFSE is refused, or as long as it has to be, at once', () => {
    const data = Buffer.from(
      Array.from({ length: 20_000 }, (_, index) => (index % 700 < 350 ? index % 7 : (index * index) >> 5)),
    );
    const triples = triplesOf(data);
    const sound = [lzvnBlock(data, triples), lzfseBlock(data, triples)];
    const places = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...sound), places, fc.boolean(), (block, changes, early) => {
        const stream = Buffer.concat([block, lzfseEnd]);
        // Most of what can be wrong is in the first bytes.
        for (const [place, value] of changes) stream[place % (early ? 60 : stream.length)] = value;
        expect([undefined, data.length]).toContain(unpackLzfse(stream, data.length)?.length);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['text', packedText, plainText],
    ['zeroes', Buffer.from(zeroes, 'base64'), Buffer.alloc(2 ** 20)],
    ['nothing', Buffer.from(nothing, 'base64'), Buffer.alloc(0)],
  ])('data that bzip2 has packed is unpacked to the same, and to no other length: %s', async (_name, packed, plain) => {
    expect(Buffer.from((await unpackBzip2(packed, plain.length)) ?? [1]).equals(plain)).toBe(true);
    expect(await unpackBzip2(packed, plain.length + 1)).toBeUndefined();
    if (plain.length > 0) expect(await unpackBzip2(packed, plain.length - 1)).toBeUndefined();
    expect(await unpackBzip2(packed.subarray(0, -7), plain.length)).toBeUndefined();
  });

  it('data of bzip2 in which a bit was changed is never unpacked to something else', async () => {
    for (let bit = 0; bit < packedText.length * 8 - 2; bit++) {
      const changed = Buffer.from(packedText);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const data = await unpackBzip2(changed, plainText.length);
      if (data !== undefined) expect(Buffer.from(data).equals(plainText)).toBe(true);
    }
  });
});
