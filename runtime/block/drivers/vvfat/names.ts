/* Names of FAT: a short one of 8 + 3 characters, and the long one in entries of their own before it. */

const longPiece = 13;
/** Where the characters of a piece are in its entry. */
const characterPlaces = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
const entryLength = 32;
const longAttribute = 0x0f;
const lastPiece = 0x40;

/** Gives the files of one folder short names, no two the same. */
export class ShortNames {
  readonly #taken = new Set<string>();
  /** The number that is tried next, by what it is behind. */
  readonly #next = new Map<string, number>();

  /** @returns 11 characters: of the name, and of what is behind its last dot, filled up with spaces */
  take(name: string): string {
    const { base, extension, lossy } = shortened(name);
    let short = join(base, extension);
    if (lossy || this.#taken.has(short)) {
      for (let number = this.#next.get(short) ?? 1; ; number++) {
        const tail = `~${number}`;
        const numbered = join(base.slice(0, 8 - tail.length) + tail, extension);
        this.#next.set(short, number + 1);
        if (this.#taken.has(numbered)) continue;
        short = numbered;
        break;
      }
    }
    this.#taken.add(short);
    return short;
  }
}

function join(base: string, extension: string): string {
  return base.padEnd(8) + extension.padEnd(3);
}

/** What is left of a name: capitals, digits and some marks. */
function shortened(name: string): { base: string; extension: string; lossy: boolean } {
  let [base, extension, lossy] = ['', undefined as string | undefined, false];
  for (const character of name) {
    if (character === '.') {
      // A dot at the beginning is not one before an extension, and of several the last one is.
      if (base === '' || extension !== undefined) lossy = true;
      if (base !== '') extension = '';
      continue;
    }
    const capital = character.toUpperCase();
    const room = extension === undefined ? base.length < 8 : extension.length < 3;
    if (!room || !/^[A-Z0-9$%'\-_@~`!(){}^#&]$/.test(capital)) lossy = true;
    else if (extension === undefined) base += capital;
    else extension += capital;
  }
  return { base, extension: extension ?? '', lossy: lossy || base === '' };
}

/** The entries that a long name takes, in the order of the disk. @param short the name that they belong to */
export function longNameEntries(name: string, short: string): Buffer {
  // A byte that is no UTF-8 has no character of its own.
  const text = name.replace(/[\ud800-\udfff]/gu, '\ufffd');
  const pieces = Math.ceil(text.length / longPiece);
  const entries = Buffer.alloc(pieces * entryLength);
  const sum = checksumOf(short);
  for (let piece = 0; piece < pieces; piece++) {
    const entry = entries.subarray((pieces - 1 - piece) * entryLength, (pieces - piece) * entryLength);
    entry[0] = piece + 1 + (piece === pieces - 1 ? lastPiece : 0);
    entry[11] = longAttribute;
    entry[13] = sum;
    for (const [index, place] of characterPlaces.entries()) {
      const at = piece * longPiece + index;
      entry.writeUInt16LE(at < text.length ? text.charCodeAt(at) : at === text.length ? 0 : 0xffff, place);
    }
  }
  return entries;
}

function checksumOf(short: string): number {
  let sum = 0;
  for (const byte of Buffer.from(short, 'latin1')) sum = (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff;
  return sum;
}
