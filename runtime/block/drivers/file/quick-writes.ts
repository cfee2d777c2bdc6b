import fs from 'node:fs';
import { promisify } from 'node:util';
import { blockErrorOf } from '../../error.js';
import type { TurnBudget } from './turn-budget.js';

/**
 * File systems of this machine whose buffered writes end in its memory (linux/magic.h): ext2 to ext4, XFS, Btrfs, F2FS, tmpfs, and
 * overlays, which write to one of these. A file system that asks another program or machine may never answer, and it may be this very
 * program that it asks.
 */
const localFileSystems = new Set([0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0x0102_1994, 0x794c_7630]);

/** A write of more bytes is left to a thread. */
const mostBytes = 2 ** 18;
/** Milliseconds after which a write counts as one that has waited: for a disk, or for other writes to reach it. */
const slow = 1;
/**
 * Milliseconds of waiting that are put up with: on a busy machine, others take their turn of some milliseconds in the middle of a write, and
 * a file system writes its journal every few seconds.
 */
const tolerated = 50;
/** Waiting beyond that takes up at most this part of the time. */
const part = 1 / 20;

/**
 * Decides which writes to a file are made at once, and makes them. To copy some KiB into the host's cache takes a few microseconds; having
 * a thread do it takes ten times that. But a write may have to wait, when too much in the cache is waiting for the disk, and all
 * clients would wait with it: then threads write for a while.
 */
export class QuickWrites {
  readonly #fd: number;
  readonly #budget: TurnBudget;
  readonly #now: () => number;
  /** Calls in threads that may hold up writes to the same file. */
  #obstacles = 0;
  /** Milliseconds of waiting that time has not made up for, as of some moment. */
  #waited = 0;
  #asOf = 0;

  /**
   * @param fd a file for which {@link writesQuickly} holds
   * @param budget what may be written in one turn of the event loop
   * @param now milliseconds, which never go back
   */
  constructor(fd: number, budget: TurnBudget, now: () => number = () => performance.now()) {
    this.#fd = fd;
    this.#budget = budget;
    this.#now = now;
  }

  /**
   * Writes at once, if that is likely to be quick.
   *
   * @returns how many bytes were written: none when a thread should, perhaps less than all
   * @throws BlockError
   */
  write(data: Uint8Array, offset: number): number {
    const { length } = data;
    if (length > mostBytes || this.#obstacles > 0) return 0;
    const start = this.#now();
    if (this.#waitedBy(start) > tolerated || !this.#budget.spend(length)) return 0;
    try {
      return fs.writeSync(this.#fd, data, 0, length, offset);
    } catch (error) {
      throw blockErrorOf(error);
    } finally {
      const end = this.#now();
      if (end - start > slow) {
        this.#waited = this.#waitedBy(start) + (end - start);
        this.#asOf = end;
      }
    }
  }

  #waitedBy(now: number): number {
    return Math.max(0, this.#waited - (now - this.#asOf) * part);
  }

  /** Has threads write while something is done to the file that writes would wait for. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#obstacles++;
    try {
      return await work();
    } finally {
      this.#obstacles--;
    }
  }
}

/** Whether what is open is a regular file on a file system of this machine. Where that is not known, it is not. */
export async function writesQuickly(fd: number): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  try {
    const [stats, { type }] = await Promise.all([promisify(fs.fstat)(fd), fs.promises.statfs(`/proc/self/fd/${fd}`)]);
    return stats.isFile() && localFileSystems.has(type);
  } catch {
    return false;
  }
}
