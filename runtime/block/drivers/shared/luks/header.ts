import { QCryptoHashAlgorithm } from '../../../../../generated/index.js';
import { BlockError } from '../../../error.js';
import { roundUp, sectorSize } from '../../../limits.js';
import { viewOf } from '../big-endian.js';
import { type CipherSpec, namesOf, specOf } from './cipher-spec.js';

/** Bytes of the header, which is at the beginning of the file. All its numbers are big-endian. */
export const headerLength = 592;

/** Number of key slots: places for passphrases. */
export const slotCount = 8;

/** Bytes of a salt. */
export const saltLength = 32;

/** Bytes of the digest that a key is recognised by, whatever the hash function. */
export const masterDigestLength = 20;

const magic = Buffer.from('LUKS\xba\xbe', 'latin1');
const slotsAt = 208;
const slotLength = 48;
const activeMark = 0x00ac71f3;
const inactiveMark = 0x0000dead;

/**
 * The most pieces that a key may be split into. All programs make 4000 of them; the limit keeps a header from having megabytes
 * read and hashed.
 */
const mostStripes = 65_536;

/** A place for a passphrase, from which the key that the volume's key is encrypted with is derived. */
export interface KeySlot {
  readonly active: boolean;
  readonly iterations: number;
  readonly salt: Uint8Array;
  /** Where the volume's key is, encrypted and split: an offset in the file, in bytes. */
  readonly offset: number;
  /** The number of pieces that it is split into. */
  readonly stripes: number;
}

/** What the beginning of a volume says of it. */
export interface LuksHeader {
  readonly cipher: CipherSpec;
  /** For deriving keys, and for splitting them. */
  readonly hash: QCryptoHashAlgorithm;
  /** Where the data begins: an offset in the file, in bytes. */
  readonly payloadOffset: number;
  /** Bytes of the volume's key. */
  readonly keyLength: number;
  /** Derived from the volume's key, to recognise it. */
  readonly digest: Uint8Array;
  readonly digestSalt: Uint8Array;
  readonly digestIterations: number;
  readonly uuid: string;
  /** Eight. */
  readonly slots: readonly KeySlot[];
}

/** Bytes of the file that a slot's key material occupies: whole sectors, as they are encrypted. */
export function materialLength({ keyLength }: LuksHeader, { stripes }: Pick<KeySlot, 'stripes'>): number {
  return roundUp(keyLength * stripes, sectorSize);
}

/** Whether data begins like a volume of version 1. */
export function isLuks(head: Uint8Array): boolean {
  return head.length >= 8 && magic.every((byte, index) => head[index] === byte) && head[6] === 0 && head[7] === 1;
}

/**
 * Reads a header, and checks all that does not take the key.
 *
 * @param fileLength bytes of the whole file
 * @throws BlockError (EINVAL) for a header that is damaged or not one of version 1
 */
export function readHeader(bytes: Uint8Array, fileLength: number): LuksHeader {
  if (!isLuks(bytes) || bytes.length < headerLength) throw invalid('it does not begin with a LUKS header of version 1');
  const view = viewOf(bytes);
  const keyLength = view.getUint32(108);
  const cipher = specOf({ name: textAt(bytes, 8, 32), mode: textAt(bytes, 40, 32), keyLength });
  const hashName = textAt(bytes, 72, 32);
  const hash = QCryptoHashAlgorithm.find((known) => known === hashName);
  if (hash === undefined) throw invalid(`its hash function '${hashName}' is unknown`);
  const header: LuksHeader = {
    cipher,
    hash,
    payloadOffset: view.getUint32(104) * sectorSize,
    keyLength,
    digest: bytes.slice(112, 112 + masterDigestLength),
    digestSalt: bytes.slice(132, 132 + saltLength),
    digestIterations: view.getUint32(164),
    uuid: textAt(bytes, 168, 40),
    slots: Array.from({ length: slotCount }, (_, index) => readSlot(bytes, view, index)),
  };
  checkPlaces(header, fileLength);
  return header;
}

function readSlot(bytes: Uint8Array, view: DataView, index: number): KeySlot {
  const at = slotsAt + index * slotLength;
  const mark = view.getUint32(at);
  if (mark !== activeMark && mark !== inactiveMark) throw invalid(`key slot ${index} is neither active nor inactive`);
  return {
    active: mark === activeMark,
    iterations: view.getUint32(at + 4),
    salt: bytes.slice(at + 8, at + 8 + saltLength),
    offset: view.getUint32(at + 40) * sectorSize,
    stripes: view.getUint32(at + 44),
  };
}

function checkPlaces(header: LuksHeader, fileLength: number): void {
  const { payloadOffset, digestIterations, slots } = header;
  if (payloadOffset < headerLength) throw invalid('its data overlaps the header');
  if (payloadOffset > fileLength) throw invalid('it is cut short before its data begins');
  if (digestIterations === 0) throw invalid('its key has been derived by no iterations');
  for (const [index, slot] of slots.entries()) {
    if (slot.active) checkSlot(header, slot, index);
  }
  refuseOverlaps(header);
}

/** @throws BlockError (EINVAL) when a slot that is in use, or about to be, cannot be */
export function checkSlot(header: LuksHeader, slot: KeySlot, index: number): void {
  if (slot.iterations === 0) throw invalid(`key slot ${index} has no iterations`);
  if (slot.stripes < 1 || slot.stripes > mostStripes) {
    throw invalid(`key slot ${index} has ${slot.stripes} stripes, which are not between 1 and ${mostStripes}`);
  }
  if (slot.offset < headerLength) throw invalid(`key slot ${index} overlaps the header`);
  if (slot.offset + materialLength(header, slot) > header.payloadOffset) {
    throw invalid(`key slot ${index} overlaps the data`);
  }
}

/** A slot that is not in use yet will be, by a program that does not look at the others. */
function refuseOverlaps(header: LuksHeader): void {
  const places = header.slots.map((slot, index) => ({
    index,
    offset: slot.offset,
    length: materialLength(header, slot),
  }));
  const inOrder = places.filter(({ length }) => length > 0).sort((a, b) => a.offset - b.offset);
  for (const [at, slot] of inOrder.entries()) {
    const next = inOrder[at + 1];
    if (next !== undefined && slot.offset + slot.length > next.offset) {
      const [first, second] = [slot.index, next.index].sort();
      throw invalid(`key slots ${first} and ${second} overlap`);
    }
  }
}

/** The header as it stands in the file. */
export function writeHeader(header: LuksHeader): Uint8Array {
  const { name, mode, keyLength } = namesOf(header.cipher);
  const bytes = Buffer.alloc(headerLength);
  bytes.set(magic);
  bytes.writeUInt16BE(1, 6);
  bytes.write(name, 8);
  bytes.write(mode, 40);
  bytes.write(header.hash, 72);
  bytes.writeUInt32BE(header.payloadOffset / sectorSize, 104);
  bytes.writeUInt32BE(keyLength, 108);
  bytes.set(header.digest, 112);
  bytes.set(header.digestSalt, 132);
  bytes.writeUInt32BE(header.digestIterations, 164);
  bytes.write(header.uuid, 168);
  for (const [index, slot] of header.slots.entries()) {
    const written = writeSlot(slot, index);
    bytes.set(written.bytes, written.offset);
  }
  return bytes;
}

/** A slot as it stands in the header, and where. */
export function writeSlot(slot: KeySlot, index: number): { readonly offset: number; readonly bytes: Uint8Array } {
  const bytes = Buffer.alloc(slotLength);
  bytes.writeUInt32BE(slot.active ? activeMark : inactiveMark, 0);
  bytes.writeUInt32BE(slot.iterations, 4);
  bytes.set(slot.salt, 8);
  bytes.writeUInt32BE(slot.offset / sectorSize, 40);
  bytes.writeUInt32BE(slot.stripes, 44);
  return { offset: slotsAt + index * slotLength, bytes };
}

/** A text that ends with its field or at the first NUL. */
function textAt(bytes: Uint8Array, at: number, length: number): string {
  const field = bytes.subarray(at, at + length);
  const end = field.indexOf(0);
  return Buffer.from(end < 0 ? field : field.subarray(0, end)).toString('latin1');
}

function invalid(problem: string): BlockError {
  return new BlockError(`The LUKS volume cannot be used: ${problem}`, { code: 'EINVAL' });
}
