/*
 * The log of Linux's dm-log-writes: a superblock in the first sector, then entries, each a sector that says what was done, with the
 * sectors that were written behind it. All numbers are little-endian.
 */

import type { Child } from '../../driver.js';
import { BlockError, invalid } from '../../error.js';
import { isPowerOfTwo, largestSize } from '../../limits.js';
import { viewOf } from '../shared/big-endian.js';

const magic = 0x006a_7366_7773_6872n;
const version = 1n;
const entryLength = 32;

const leastSector = 512;
const mostSector = 2 ** 22;

/** What an entry is about. None of them: data was written. */
export const LogFlag = { flush: 1, fua: 2, discard: 4, mark: 8 } as const;

const knownFlags = LogFlag.flush | LogFlag.fua | LogFlag.discard | LogFlag.mark;

/** Where a log begins, or goes on. */
export interface LogState {
  readonly sectorSize: number;
  /** Entries that there are. */
  readonly entries: number;
  /** The sector of the next one. */
  readonly end: number;
}

/** A log without entries. @throws BlockError (EINVAL) for sectors that cannot be */
export function newLog(sectorSize: number): LogState {
  if (sectorSize < leastSector || sectorSize > mostSector || !isPowerOfTwo(sectorSize)) {
    throw invalid(`Invalid log sector size ${sectorSize}`);
  }
  return { sectorSize, entries: 0, end: 1 };
}

/** Finds the end of a log that is there. @throws BlockError (EINVAL) when it is none, or damaged */
export async function findEnd(log: Child): Promise<LogState> {
  const head = new Uint8Array(leastSector);
  await log.read(0, head);
  const view = viewOf(head);
  if (view.getBigUint64(0, true) !== magic) throw invalid('Invalid log superblock magic');
  const found = view.getBigUint64(8, true);
  if (found !== version) throw invalid(`Unsupported log version ${found}`);
  const { sectorSize } = newLog(view.getUint32(24, true));
  const entries = view.getBigUint64(16, true);
  const bytes = new Uint8Array(entryLength);
  const entry = viewOf(bytes);
  let end = 1;
  for (let index = 0; index < entries; index++) {
    // Each entry takes a sector: a number of entries that cannot be is not counted to.
    if (end * sectorSize >= log.node.length) throw invalid(`The log ends before its entry ${index} of ${entries}`);
    await log.read(end * sectorSize, bytes);
    const flags = entry.getBigUint64(16, true);
    if ((flags & ~BigInt(knownFlags)) !== 0n)
      throw invalid(`Invalid flag 0x${flags.toString(16)} in log entry ${index}`);
    end++;
    if ((flags & BigInt(LogFlag.discard)) === 0n) end += Number(entry.getBigUint64(8, true));
    if (end * sectorSize > largestSize) throw invalid(`The log's entry ${index} is impossibly long`);
  }
  return { sectorSize, entries: Number(entries), end };
}

/** A log that is being written. */
export class WriteLog {
  readonly #log: Child;
  readonly #sectorSize: number;
  /** Entries after which the superblock is written, at the latest. */
  readonly #interval: number;
  #entries: number;
  #end: number;
  /** The last write of the superblock. */
  #updating: Promise<void> = Promise.resolve();

  constructor(log: Child, { sectorSize, entries, end }: LogState, interval: number) {
    this.#log = log;
    this.#sectorSize = sectorSize;
    this.#interval = interval;
    this.#entries = entries;
    this.#end = end;
  }

  get sectorSize(): number {
    return this.#sectorSize;
  }

  /**
   * Adds an entry, and what it is about.
   *
   * @param length bytes, whole sectors of the log; 0 for a flush
   * @param data absent: zeroes, or, for a discard, nothing
   * @throws BlockError when the log cannot be written
   */
  async add(flags: number, offset: number, length: number, data?: Uint8Array): Promise<void> {
    const sectorSize = this.#sectorSize;
    const at = this.#end * sectorSize;
    const stored = flags & LogFlag.discard ? 0 : length;
    if (at + sectorSize + stored > largestSize) throw new BlockError('The log is full', { code: 'ENOSPC' });
    this.#entries++;
    this.#end += 1 + stored / sectorSize;
    const due = (flags & LogFlag.flush) !== 0 || this.#entries % this.#interval === 0;
    const entry = new Uint8Array(sectorSize);
    const view = viewOf(entry);
    view.setBigUint64(0, BigInt(offset / sectorSize), true);
    view.setBigUint64(8, BigInt(length / sectorSize), true);
    view.setBigUint64(16, BigInt(flags), true);
    await Promise.all([
      this.#log.write(at, entry),
      stored === 0
        ? undefined
        : data === undefined
          ? this.#log.writeZeroes(at + sectorSize, stored)
          : this.#log.write(at + sectorSize, data),
    ]);
    if (due) await this.#update();
  }

  /** Writes how many entries there are by then. One at a time, so that the last one is the newest. */
  #update(): Promise<void> {
    this.#updating = this.#updating
      .catch(() => {})
      .then(async () => {
        const sector = new Uint8Array(this.#sectorSize);
        const view = viewOf(sector);
        view.setBigUint64(0, magic, true);
        view.setBigUint64(8, version, true);
        view.setBigUint64(16, BigInt(this.#entries), true);
        view.setUint32(24, this.#sectorSize, true);
        await this.#log.write(0, sector);
        await this.#log.flush();
      });
    return this.#updating;
  }
}
