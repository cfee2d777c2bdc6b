import { randomBytes } from 'node:crypto';
import type { QCryptoBlockAmendOptionsLUKS } from '../../../../../generated/index.js';
import type { Int64 } from '../../../../json/value.js';
import type { BlockHost } from '../../../driver.js';
import { BlockError, invalid } from '../../../error.js';
import {
  checkSlot,
  type KeySlot,
  type LuksHeader,
  materialLength,
  saltLength,
  slotCount,
  writeSlot,
} from './header.js';
import { type Budget, iterationsFor, mostRounds, roundsWithin } from './key-derivation.js';
import { sealSlot, slotsOpenedBy, unlock } from './key-slots.js';
import { passphraseOf } from './passphrase.js';
import type { LuksVolume } from './volume.js';

/**
 * Adds a passphrase in a key slot, or erases slots.
 *
 * @param force overwrite a slot that is in use, and erase the last of them
 * @throws BlockError when the options contradict each other, or would lose data and that is not forced
 */
export async function amendSlots(
  volume: LuksVolume,
  options: QCryptoBlockAmendOptionsLUKS,
  force: boolean,
  host: BlockHost,
): Promise<void> {
  if (options.state === 'active') await addSlot(volume, options, force, host);
  else await eraseSlots(volume, options, force, host);
}

async function addSlot(
  volume: LuksVolume,
  options: QCryptoBlockAmendOptionsLUKS,
  force: boolean,
  host: BlockHost,
): Promise<void> {
  const { place, header, keySecret } = volume;
  const { 'new-secret': newSecret, 'iter-time': iterTime = 2000 } = options;
  if (newSecret === undefined) throw invalid("'new-secret' is required to activate a keyslot");
  if (options['old-secret'] !== undefined) {
    throw invalid("'old-secret' must not be given when activating keyslots");
  }
  if (iterTime < 0) throw invalid("'iter-time' must not be negative");
  const index = slotToFill(header, options.keyslot, force);
  const passphrase = await passphraseOf(host, newSecret);
  const key = await unlock(place, header, await passphraseOf(host, options.secret ?? keySecret));
  try {
    const { hash, keyLength } = header;
    const iterations = iterationsFor(await roundsWithin(Number(iterTime), hash), hash, keyLength);
    const slot = { ...slotAt(header, index), active: true, iterations, salt: randomBytes(saltLength) };
    checkSlot(header, slot, index);
    // A slot that is overwritten is not in use meanwhile: half of its material would be found by no passphrase.
    if (slotAt(header, index).active) await storeSlot(volume, index, erased(slot));
    const budget: Budget = { rounds: mostRounds };
    await place.write(slot.offset, await sealSlot(header, slot, passphrase, key, budget));
    await place.flush();
    await storeSlot(volume, index, slot);
  } finally {
    key.fill(0);
  }
}

function slotToFill({ slots }: LuksHeader, wanted: Int64 | undefined, force: boolean): number {
  if (wanted === undefined) {
    const free = slots.findIndex((slot) => !slot.active);
    if (free < 0) throw invalid("Can't add a keyslot: all keyslots are in use");
    return free;
  }
  const index = checkedIndex(wanted);
  if (slots[index]?.active && !force) {
    throw invalid(`Refusing to overwrite active keyslot ${index}: erase it first, or use 'force'`);
  }
  return index;
}

async function eraseSlots(
  volume: LuksVolume,
  options: QCryptoBlockAmendOptionsLUKS,
  force: boolean,
  host: BlockHost,
): Promise<void> {
  for (const name of ['new-secret', 'iter-time'] as const) {
    if (options[name] !== undefined) throw invalid(`'${name}' must not be given when erasing keyslots`);
  }
  const doomed = await slotsToErase(volume, options, host);
  const left = volume.header.slots.filter(({ active }, index) => active && !doomed.includes(index));
  if (left.length === 0 && !force) {
    throw invalid('Refusing to erase all active keyslots, which would lose all data of the volume; use force to do so');
  }
  for (const index of doomed) {
    const slot = slotAt(volume.header, index);
    // Without its salt the material is worthless: no passphrase leads to it even if the second step fails.
    await storeSlot(volume, index, erased(slot));
    await volume.place.write(slot.offset, randomBytes(materialLength(volume.header, slot)));
    await volume.place.flush();
  }
}

async function slotsToErase(
  { place, header }: LuksVolume,
  { keyslot, 'old-secret': oldSecret }: QCryptoBlockAmendOptionsLUKS,
  host: BlockHost,
): Promise<readonly number[]> {
  if (keyslot === undefined && oldSecret === undefined) {
    throw invalid("To erase keyslots, either 'keyslot' or 'old-secret' must be given");
  }
  const index = keyslot === undefined ? undefined : checkedIndex(keyslot);
  if (index !== undefined && !header.slots[index]?.active) throw invalid(`Keyslot ${index} is already erased`);
  if (oldSecret === undefined) return index === undefined ? [] : [index];
  const opened = await slotsOpenedBy(place, header, await passphraseOf(host, oldSecret), index);
  if (opened.length > 0) return opened;
  throw invalid(
    index === undefined
      ? "No keyslots match the password of 'old-secret'"
      : `Keyslot ${index} does not match the password of 'old-secret'`,
  );
}

function checkedIndex(keyslot: Int64): number {
  if (keyslot >= 0 && keyslot < slotCount) return Number(keyslot);
  throw invalid(`Invalid keyslot ${keyslot} specified, must be between 0 and ${slotCount - 1}`);
}

function slotAt({ slots }: LuksHeader, index: number): KeySlot {
  const slot = slots[index];
  if (slot === undefined) throw new BlockError(`The LUKS volume has no keyslot ${index}`);
  return slot;
}

function erased(slot: KeySlot): KeySlot {
  return { ...slot, active: false, iterations: 0, salt: new Uint8Array(saltLength) };
}

/** Replaces one slot of the header, on the disk. */
async function storeSlot(volume: LuksVolume, index: number, slot: KeySlot): Promise<void> {
  const { place, header } = volume;
  const { offset, bytes } = writeSlot(slot, index);
  await place.write(offset, bytes);
  volume.header = { ...header, slots: header.slots.with(index, slot) };
  await place.flush();
}
