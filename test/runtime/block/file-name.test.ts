import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFileName, encodeFileName, systemPath } from '../../../runtime/block/file-name.js';

describe('the text of a file name', () => {
  it('any bytes stay the name that they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
        expect([...encodeFileName(decodeFileName(bytes))]).toEqual([...bytes]);
        expect([...Buffer.from(systemPath(decodeFileName(bytes)))]).toEqual([...bytes]);
      }),
      { numRuns: 500 },
    );
  });

  it('text stays the name that it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        expect(decodeFileName(Buffer.from(name))).toBe(name);
        expect(systemPath(name)).toBe(name);
      }),
    );
  });

  it('keeps what is text around bytes that are none', () => {
    expect(decodeFileName(Buffer.from('häß\xe9.img', 'latin1'))).toBe('h\udce4\udcdf\udce9.img');
    expect(decodeFileName(Buffer.concat([Buffer.from('ä😀'), Buffer.of(0xf0, 0x9f), Buffer.from('z')]))).toBe(
      'ä😀\udcf0\udc9fz',
    );
    expect([...encodeFileName('😀\udc80')]).toEqual([0xf0, 0x9f, 0x98, 0x80, 0x80]);
  });
});
