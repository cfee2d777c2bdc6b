import { randomBytes, randomUUID } from 'node:crypto';
import { QCryptoHashAlgorithm, QCryptoIVGenAlgorithm } from '../../../../../generated/index.js';
import type { BlockHost } from '../../../driver.js';
import { roundUp, sectorSize } from '../../../limits.js';
import type { BlockOptions } from '../../../options.js';
import { type CipherSpec, luksCiphers, luksModes, namesOf } from './cipher-spec.js';
import { requireHash } from './hash.js';
import { type KeySlot, type LuksHeader, masterDigestLength, saltLength, slotCount, writeHeader } from './header.js';
import { type Budget, digestShare, iterationsFor, mostRounds, roundsWithin } from './key-derivation.js';
import { masterDigest, sealSlot } from './key-slots.js';
import { passphraseOf } from './passphrase.js';
import type { HeaderPlace } from './place.js';
import { requireSectorCipher } from './sector-cipher.js';

/** Pieces that a key is split into. */
const stripes = 4000;
/** The key material of the slots and the data begin at multiples of it, the first slot at the first one. */
const alignment = 4096;

interface CreateOptions {
  readonly keySecret: string | undefined;
  readonly cipher: CipherSpec;
  readonly hash: QCryptoHashAlgorithm;
  /** Milliseconds that it shall take to derive a key on this machine. */
  readonly iterTime: number;
}

function takeOptions(options: BlockOptions): CreateOptions {
  const ivGenerator = options.takeEnum('ivgen-alg', QCryptoIVGenAlgorithm) ?? 'plain64';
  return {
    keySecret: options.takeString('key-secret'),
    cipher: {
      algorithm: options.takeEnum('cipher-alg', luksCiphers) ?? 'aes-256',
      mode: options.takeEnum('cipher-mode', luksModes) ?? 'xts',
      ivGenerator,
      ivHash:
        options.takeEnum('ivgen-hash-alg', QCryptoHashAlgorithm) ?? (ivGenerator === 'essiv' ? 'sha256' : undefined),
    },
    hash: options.takeEnum('hash-alg', QCryptoHashAlgorithm) ?? 'sha256',
    iterTime: options.takeInteger('iter-time', { least: 0 }) ?? 2000,
  };
}

/** A volume that is to be made. */
export interface NewVolume {
  readonly header: LuksHeader;
  /** Writes the header and what belongs to it. To be called once: the key is gone afterwards. */
  write(place: HeaderPlace): Promise<void>;
}

/**
 * A new volume with a key of its own, which one passphrase in the first slot unlocks. What is in the volume is undefined.
 *
 * @param secretOption what the option `key-secret` is called where the options come from
 * @throws BlockError when an option is wrong or what it asks for is not available
 */
export async function newVolume(
  options: BlockOptions,
  host: BlockHost,
  secretOption = 'key-secret',
): Promise<NewVolume> {
  const { keySecret, cipher, hash, iterTime } = takeOptions(options);
  const { keyLength } = namesOf(cipher);
  const passphrase = await passphraseOf(host, keySecret, secretOption);
  requireHash(hash);
  requireSectorCipher(cipher, keyLength);
  const rounds = await roundsWithin(iterTime, hash);
  const key = randomBytes(keyLength);
  const budget: Budget = { rounds: mostRounds };
  const slotSpace = roundUp(keyLength * stripes, alignment);
  const plan = {
    cipher,
    hash,
    payloadOffset: alignment + slotCount * slotSpace,
    keyLength,
    digestSalt: randomBytes(saltLength),
    digestIterations: iterationsFor(rounds / digestShare, hash, masterDigestLength),
    uuid: randomUUID(),
    slots: Array.from(
      { length: slotCount },
      (_, index): KeySlot => ({
        active: index === 0,
        iterations: index === 0 ? iterationsFor(rounds, hash, keyLength) : 0,
        salt: index === 0 ? randomBytes(saltLength) : new Uint8Array(saltLength),
        offset: alignment + index * slotSpace,
        stripes,
      }),
    ),
  };
  const header: LuksHeader = { ...plan, digest: await masterDigest(plan, key, budget) };
  return {
    header,
    async write(place) {
      for (const slot of header.slots) {
        if (slot.active) await place.write(slot.offset, await sealSlot(header, slot, passphrase, key, budget));
      }
      key.fill(0);
      // Last, for a volume that is not complete not to look like one.
      const front = new Uint8Array(sectorSize * 2);
      front.set(writeHeader(header));
      await place.write(0, front);
    },
  };
}
