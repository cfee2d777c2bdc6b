import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { QCryptoIVGenAlgorithm } from '../../../../../../generated/index.js';
import type { CipherSpec } from '../../../../../../runtime/block/drivers/shared/luks/cipher-spec.js';
import { sectorCipher } from '../../../../../../runtime/block/drivers/shared/luks/sector-cipher.js';

/** The number of a sector, in as many bytes as it takes, little-endian. */
function numbered(sector: number, bytes: 4 | 8): Buffer {
  const iv = Buffer.alloc(16);
  iv.writeBigUInt64LE(BigInt(sector));
  return iv.fill(0, bytes);
}

/** The sectors' initialization vectors, one by one, from the definition of the generators. */
const vectors: { readonly [name in QCryptoIVGenAlgorithm]: (sector: number, key: Buffer) => Buffer } = {
  plain: (sector) => numbered(sector, 4),
  plain64: (sector) => numbered(sector, 8),
  essiv: (sector, key) => {
    const cipher = createCipheriv('aes-256-ecb', createHash('sha256').update(key).digest(), null);
    return cipher.update(numbered(sector, 8));
  },
};

/** Encrypts sector by sector, by the modes that the library has. */
function reference(spec: CipherSpec, key: Buffer, first: number, data: Uint8Array): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < data.length; at += 512) {
    const iv = spec.mode === 'ecb' ? null : vectors[spec.ivGenerator](first + at / 512, key);
    const cipher = createCipheriv(`${spec.algorithm}-${spec.mode}`, key, iv).setAutoPadding(false);
    parts.push(cipher.update(data.subarray(at, at + 512)));
  }
  return Buffer.concat(parts);
}

const specs: readonly (readonly [CipherSpec, keyLength: number])[] = [
  [{ algorithm: 'aes-256', mode: 'xts', ivGenerator: 'plain64' }, 64],
  [{ algorithm: 'aes-128', mode: 'xts', ivGenerator: 'plain' }, 32],
  [{ algorithm: 'aes-256', mode: 'xts', ivGenerator: 'essiv', ivHash: 'sha256' }, 64],
  [{ algorithm: 'aes-256', mode: 'cbc', ivGenerator: 'essiv', ivHash: 'sha256' }, 32],
  [{ algorithm: 'aes-192', mode: 'cbc', ivGenerator: 'plain64' }, 24],
  [{ algorithm: 'aes-128', mode: 'cbc', ivGenerator: 'plain' }, 16],
  [{ algorithm: 'aes-256', mode: 'ecb', ivGenerator: 'plain64' }, 32],
];

/** Sector numbers around the places where they outgrow a word, up to what a file can have. */
const sectors = fc.oneof(
  fc.nat(1000),
  fc.integer({ min: 2 ** 32 - 70, max: 2 ** 32 + 70 }),
  fc.integer({ min: 2 ** 44 - 1000, max: 2 ** 44 - 200 }),
);

describe.each(specs)('%o', (spec, keyLength) => {
  it('encrypts and decrypts like the library, at any place, of any length, in place or not', () => {
    fc.assert(
      fc.property(
        sectors,
        fc.integer({ min: 1, max: 140 }),
        fc.nat(7),
        fc.boolean(),
        (first, count, shift, inPlace) => {
          const key = randomBytes(keyLength);
          const data = randomBytes(count * 512);
          const expected = reference(spec, key, first, data);
          const cipher = sectorCipher(spec, key);
          // What comes from a socket begins anywhere in memory.
          const source = new Uint8Array(data.length + shift).subarray(shift);
          source.set(data);
          const target = inPlace ? source : new Uint8Array(data.length + 7 - shift).subarray(7 - shift);
          cipher.encrypt(first, source, target);
          expect(expected.equals(target)).toBe(true);
          if (!inPlace) expect(data.equals(source)).toBe(true);
          cipher.decrypt(first, target, target);
          expect(data.equals(target)).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('encrypts independently of earlier calls', () => {
    const key = randomBytes(keyLength);
    const cipher = sectorCipher(spec, key);
    const target = new Uint8Array(1024);
    for (const first of [7, 3, 3, 2 ** 33]) {
      const data = randomBytes(1024);
      cipher.encrypt(first, data, target);
      expect(reference(spec, key, first, data).equals(target)).toBe(true);
    }
  });
});

describe('a cipher that is not available', () => {
  const essiv: CipherSpec = { algorithm: 'aes-256', mode: 'cbc', ivGenerator: 'essiv', ivHash: 'sha256' };

  it.each(['serpent-256', 'twofish-128', 'cast5-128'] as const)(
    'refuses a cipher that is not available, and names it: %s',
    (algorithm) => {
      const spec: CipherSpec = { algorithm, mode: 'cbc', ivGenerator: 'plain64' };
      expect(() => sectorCipher(spec, new Uint8Array(32))).toThrow(`The cipher '${algorithm}' is not available here`);
    },
  );

  it('refuses essiv with a hash whose length is no key length of the cipher', () => {
    const key = new Uint8Array(32);
    expect(() => sectorCipher({ ...essiv, ivHash: 'sha1' }, key)).toThrow("there is no 'aes-160'");
    expect(() => sectorCipher({ ...essiv, ivHash: 'sha512' }, key)).toThrow("there is no 'aes-512'");
    expect(() => sectorCipher({ ...essiv, ivHash: undefined }, key)).toThrow('needs a hash function');
    sectorCipher({ ...essiv, ivHash: 'md5' }, key);
  });
});
