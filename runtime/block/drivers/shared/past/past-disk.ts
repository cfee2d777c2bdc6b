import type { BlockStatus, Child, PastView } from '../../../driver.js';
import { ioError } from '../../../error.js';
import { chainStatus } from '../../../io/status.js';
import { roundDown, roundUp } from '../../../limits.js';
import { type KeptClusters, Place } from './kept-clusters.js';

/** A read of what has not changed yet: a write waits for it. */
interface PastRead {
  readonly from: number;
  readonly to: number;
  readonly over: Promise<unknown>;
}

/** The disk as it was at the moment from which on all that changes is kept. */
export class PastDisk implements PastView {
  readonly #kept: KeptClusters;
  readonly #source: Child;
  readonly #target: Child;
  readonly #sourceFlags: number;
  readonly #reads = new Set<PastRead>();
  /** Something could not be kept: nothing holds any more. */
  broken = false;

  /** @param sourceFlags of the reads of what has not changed */
  constructor(kept: KeptClusters, source: Child, target: Child, sourceFlags = 0) {
    this.#kept = kept;
    this.#source = source;
    this.#target = target;
    this.#sourceFlags = sourceFlags;
  }

  async read(offset: number, buffer: Uint8Array): Promise<void> {
    for (let done = 0; done < buffer.length; ) {
      const { place, length } = this.#find(offset + done, buffer.length - done);
      const part = buffer.subarray(done, done + length);
      if (place === Place.target) await this.#target.read(offset + done, part);
      else await this.#readSource(offset + done, part);
      done += length;
    }
  }

  async blockStatus(offset: number, length: number): Promise<BlockStatus> {
    const found = this.#find(offset, length);
    const top = found.place === Place.target ? this.#target : this.#source;
    const { status } = await chainStatus(top, offset, found.length);
    const { allocated, data, zero } = status;
    return { length: status.length, allocated: true, data: allocated && data, zero: !allocated || zero };
  }

  async discard(offset: number, length: number): Promise<void> {
    const { clusterSize } = this.#kept;
    const from = roundUp(offset, clusterSize);
    const end = offset + length;
    const to = end >= this.#source.node.length ? end : roundDown(end, clusterSize);
    if (from >= to) return;
    const kept = [...this.#kept.wholeRuns(from, to - from)];
    this.#kept.set(from, to - from, Place.none);
    for (const run of kept) if (run.place === Place.target) await this.#target.discard(run.offset, run.length);
  }

  /** Resolves when no read needs the stretch as it is on the disk. */
  async unread(offset: number, length: number): Promise<void> {
    for (const { from, to, over } of [...this.#reads]) if (from < offset + length && offset < to) await over;
  }

  /** @throws BlockError (EACCES) where nothing is kept */
  #find(offset: number, length: number): { readonly place: Place; readonly length: number } {
    const run = this.#kept.runAt(offset, length);
    if (this.broken || run.place === Place.none) throw ioError('EACCES');
    return run;
  }

  /** Begins without a pause since the place was looked up. */
  async #readSource(offset: number, buffer: Uint8Array): Promise<void> {
    const reading = this.#source.read(offset, buffer, this.#sourceFlags);
    const read = { from: offset, to: offset + buffer.length, over: reading.catch(() => {}) };
    this.#reads.add(read);
    try {
      await reading;
    } finally {
      this.#reads.delete(read);
    }
  }
}
