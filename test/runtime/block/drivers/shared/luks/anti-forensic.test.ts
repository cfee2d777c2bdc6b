import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeKey, splitKey } from '../../../../../../runtime/block/drivers/shared/luks/anti-forensic.js';

const hashes = fc.constantFrom('md5', 'sha1', 'sha256', 'sha512', 'ripemd160');

describe('the anti-forensic splitter', () => {
  it('merges what was split', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 70 }),
        fc.integer({ min: 1, max: 9 }),
        hashes,
        (key, n, hash) => {
          const material = splitKey(key, n, hash);
          expect(material).toHaveLength(key.length * n);
          expect(mergeKey(material, key.length, hash)).toEqual(key);
        },
      ),
    );
  });

  it('merges to other bytes when any byte is lost', () => {
    const key = randomBytes(16);
    const material = splitKey(key, 4, 'sha1');
    for (let at = 0; at < material.length; at++) {
      const damaged = new Uint8Array(material);
      damaged[at] = (material[at] as number) ^ 1;
      expect(key.equals(mergeKey(damaged, 16, 'sha1'))).toBe(false);
    }
  });

  it('hashes parts with their numbers, the last one cut', () => {
    const first = randomBytes(24);
    const part = (number: number, bytes: Buffer): Buffer =>
      createHash('sha1')
        .update(Buffer.of(0, 0, 0, number))
        .update(bytes)
        .digest();
    const diffused = Buffer.concat([part(0, first.subarray(0, 20)), part(1, first.subarray(20))]).subarray(0, 24);
    const second = randomBytes(24);
    const key = diffused.map((byte, index) => byte ^ (second[index] as number));
    expect([...mergeKey(Buffer.concat([first, second]), 24, 'sha1')]).toEqual([...key]);
  });
});
