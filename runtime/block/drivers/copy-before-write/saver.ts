import type { OnCbwError } from '../../../../generated/index.js';
import type { BlockHost, Child } from '../../driver.js';
import { BlockError, ioError } from '../../error.js';
import { type ClusterRun, type KeptClusters, Place } from '../shared/past/kept-clusters.js';
import type { PastDisk } from '../shared/past/past-disk.js';

/** Bytes that are copied at a time. */
const piece = 2 ** 20;
const second = 1e9;

/** What a {@link Saver} works with. */
export interface SaverParts {
  readonly kept: KeptClusters;
  readonly past: PastDisk;
  readonly source: Child;
  readonly target: Child;
  readonly policy: OnCbwError;
  /** Seconds; 0: none. */
  readonly timeout: number;
  readonly host: Pick<BlockHost, 'clock' | 'warn'>;
  readonly name: string;
}

/** Copies clusters before they change. */
export class Saver {
  readonly #parts: SaverParts;
  /** The copying that is going on, by the offset of the cluster. */
  readonly #copying = new Map<number, Promise<void>>();

  constructor(parts: SaverParts) {
    this.#parts = parts;
  }

  /**
   * To be called before a stretch changes: what is to be kept of it is in the target afterwards.
   *
   * @throws BlockError when that fails, and changes are to fail then
   */
  async save(offset: number, length: number): Promise<void> {
    const { past, policy, host, name } = this.#parts;
    if (!past.broken) {
      try {
        await this.#inTime(this.#copy(offset, length));
      } catch (error) {
        if (policy === 'break-guest-write' || !(error instanceof BlockError)) throw error;
        if (!past.broken)
          host.warn(`copy-before-write: '${name}' does not show the disk as it was any more: ${error.message}`);
        past.broken = true;
      }
    }
    await past.unread(offset, length);
  }

  /** Resolves when nothing is being copied. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#copying.values());
  }

  async #copy(offset: number, length: number): Promise<void> {
    const { kept } = this.#parts;
    const all: Promise<void>[] = [];
    for (const run of kept.wholeRuns(offset, length)) {
      if (run.place !== Place.source) continue;
      for (let at = run.offset; at < run.offset + run.length; at += kept.clusterSize) {
        const known = this.#copying.get(at);
        all.push(
          known ??
            this.#begin({ ...run, offset: at, length: Math.min(kept.clusterSize, run.offset + run.length - at) }),
        );
      }
    }
    // All have ended before a failure is reported.
    for (const result of await Promise.allSettled(all)) if (result.status === 'rejected') throw result.reason;
  }

  #begin(cluster: ClusterRun): Promise<void> {
    const copying = this.#copyCluster(cluster).finally(() => this.#copying.delete(cluster.offset));
    this.#copying.set(cluster.offset, copying);
    return copying;
  }

  async #copyCluster({ offset, length }: ClusterRun): Promise<void> {
    const { source, target, kept } = this.#parts;
    const buffer = Buffer.allocUnsafe(Math.min(piece, length));
    for (let done = 0; done < length; done += piece) {
      const part = buffer.subarray(0, Math.min(piece, length - done));
      await source.read(offset + done, part);
      await target.write(offset + done, part);
    }
    // It may have been given up meanwhile.
    if (kept.runAt(offset, 1).place === Place.source) kept.set(offset, length, Place.target);
  }

  /** @throws BlockError (ETIMEDOUT) when work takes longer than it may */
  #inTime(work: Promise<void>): Promise<void> {
    const { timeout, host } = this.#parts;
    if (timeout === 0) return work;
    return new Promise((resolve, reject) => {
      const timer = host.clock.after(timeout * second, () => reject(ioError('ETIMEDOUT')));
      work.finally(() => timer.cancel()).then(resolve, reject);
    });
  }
}
