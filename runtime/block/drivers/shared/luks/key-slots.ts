import { timingSafeEqual } from 'node:crypto';
import { BlockError } from '../../../error.js';
import { mergeKey, splitKey } from './anti-forensic.js';
import { requireHash } from './hash.js';
import { type KeySlot, type LuksHeader, masterDigestLength, materialLength } from './header.js';
import { type Budget, deriveKey, mostRounds } from './key-derivation.js';
import type { HeaderPlace } from './place.js';
import { requireSectorCipher, sectorCipher } from './sector-cipher.js';

/**
 * Finds the volume's key: the passphrase is tried on each active slot, in order.
 *
 * @throws BlockError (EPERM) when it fits none of them, ENOTSUP when the volume cannot be decrypted here
 */
export async function unlock(place: HeaderPlace, header: LuksHeader, passphrase: Uint8Array): Promise<Uint8Array> {
  requireHash(header.hash);
  requireSectorCipher(header.cipher, header.keyLength);
  const active = header.slots.filter((slot) => slot.active);
  if (active.length === 0) {
    throw new BlockError('The LUKS volume cannot be unlocked: none of its key slots is active', { code: 'EPERM' });
  }
  const budget: Budget = { rounds: mostRounds };
  for (const slot of active) {
    const key = await keyIn(place, header, slot, passphrase, budget);
    if (key !== undefined) return key;
  }
  throw new BlockError('Invalid password, cannot unlock any keyslot of the LUKS volume', { code: 'EPERM' });
}

/**
 * Which active slots a passphrase opens.
 *
 * @param only the one to look at. Default: all
 * @throws BlockError (EINVAL) when trying them would take too long
 */
export async function slotsOpenedBy(
  place: HeaderPlace,
  header: LuksHeader,
  passphrase: Uint8Array,
  only?: number,
): Promise<readonly number[]> {
  const budget: Budget = { rounds: mostRounds };
  const opened: number[] = [];
  for (const [index, slot] of header.slots.entries()) {
    if (!slot.active || (only !== undefined && index !== only)) continue;
    const key = await keyIn(place, header, slot, passphrase, budget);
    if (key === undefined) continue;
    key.fill(0);
    opened.push(index);
  }
  return opened;
}

/** The volume's key, if the passphrase is that of the slot. */
async function keyIn(
  place: HeaderPlace,
  header: LuksHeader,
  slot: KeySlot,
  passphrase: Uint8Array,
  budget: Budget,
): Promise<Uint8Array | undefined> {
  const key = await openSlot(place, header, slot, passphrase, budget);
  const digest = await masterDigest(header, key, budget);
  if (timingSafeEqual(digest, header.digest)) return key;
  key.fill(0);
  return undefined;
}

/** What is in a slot: the volume's key, if the passphrase is that of the slot. */
async function openSlot(
  place: HeaderPlace,
  header: LuksHeader,
  slot: KeySlot,
  passphrase: Uint8Array,
  budget: Budget,
): Promise<Uint8Array> {
  const { cipher, hash, keyLength } = header;
  const material = new Uint8Array(materialLength(header, slot));
  const slotKey = await deriveKey(passphrase, { ...slot, hash, length: keyLength }, budget);
  await place.read(slot.offset, material);
  sectorCipher(cipher, slotKey).decrypt(0, material, material);
  return mergeKey(material.subarray(0, keyLength * slot.stripes), keyLength, hash);
}

/** What a slot's place in the file contains, for the volume's key to be found by a passphrase. */
export async function sealSlot(
  header: LuksHeader,
  slot: KeySlot,
  passphrase: Uint8Array,
  key: Uint8Array,
  budget: Budget,
): Promise<Uint8Array> {
  const { cipher, hash, keyLength } = header;
  const material = new Uint8Array(materialLength(header, slot));
  material.set(splitKey(key, slot.stripes, hash));
  const slotKey = await deriveKey(passphrase, { ...slot, hash, length: keyLength }, budget);
  sectorCipher(cipher, slotKey).encrypt(0, material, material);
  return material;
}

/** What the volume's key is recognised by. */
export function masterDigest(
  header: Pick<LuksHeader, 'hash' | 'digestSalt' | 'digestIterations'>,
  key: Uint8Array,
  budget: Budget,
): Promise<Uint8Array> {
  const { hash, digestSalt: salt, digestIterations: iterations } = header;
  return deriveKey(key, { hash, salt, iterations, length: masterDigestLength }, budget);
}
