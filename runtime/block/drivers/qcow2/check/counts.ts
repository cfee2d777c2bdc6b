import type { CheckReport } from './report.js';

const chunkLength = 4096;

type Counters = Uint8Array | Uint16Array | Uint32Array;

/**
 * How often each cluster of a file is referred to. Takes memory only where clusters are in use.
 */
export class ReferenceCounts {
  /** Clusters of the file, the last of which may be cut. Grows when a cut one is referred to. */
  clusters: number;
  readonly #most: number;
  readonly #largestCounter: number;
  readonly #chunks = new Map<number, Counters>();
  #last: Counters | undefined;
  #lastIndex = -1;

  /** @param most the largest refcount of the image */
  constructor(clusters: number, most: number) {
    this.clusters = clusters;
    this.#most = Math.min(most, 0xffff_ffff);
    this.#largestCounter = Math.max(this.#most, 0xff);
  }

  /** The count, as far as the image's refcounts can tell it. */
  get(cluster: number): number {
    return Math.min(this.users(cluster), this.#most);
  }

  /** The count, which is beyond what refcounts of few bits can tell: whether it is 0, 1 or more is always right. */
  users(cluster: number): number {
    return this.#chunk(Math.floor(cluster / chunkLength))?.[cluster % chunkLength] ?? 0;
  }

  /** Counts references. Tells those that are too many to be counted. */
  add(cluster: number, times: number, report: CheckReport): void {
    const index = Math.floor(cluster / chunkLength);
    const chunk = this.#chunk(index) ?? this.#newChunk(index);
    const count = (chunk[cluster % chunkLength] ?? 0) + times;
    chunk[cluster % chunkLength] = Math.min(count, this.#largestCounter);
    if (cluster >= this.clusters) this.clusters = cluster + 1;
    if (count > this.#most) {
      const tooMany = Math.min(times, count - this.#most);
      report.corruption(`Cluster ${cluster} is referred to more often than a refcount can say`, tooMany);
    }
  }

  /** The first cluster from `from` on, and before `end`, that may be in use; `end` when there is none. */
  skipUnused(from: number, end: number): number {
    let cluster = from;
    while (cluster < end && this.#chunk(Math.floor(cluster / chunkLength)) === undefined) {
      cluster += chunkLength - (cluster % chunkLength);
    }
    return Math.min(cluster, end);
  }

  /** The clusters behind the last one that is in use. */
  end(): number {
    let last = -1;
    for (const index of this.#chunks.keys()) last = Math.max(last, index);
    const chunk = this.#chunks.get(last);
    return chunk === undefined ? 0 : last * chunkLength + chunk.findLastIndex((count) => count > 0) + 1;
  }

  #chunk(index: number): Counters | undefined {
    if (index !== this.#lastIndex) {
      this.#last = this.#chunks.get(index);
      this.#lastIndex = index;
    }
    return this.#last;
  }

  #newChunk(index: number): Counters {
    const chunk =
      this.#most <= 0xff
        ? new Uint8Array(chunkLength)
        : this.#most <= 0xffff
          ? new Uint16Array(chunkLength)
          : new Uint32Array(chunkLength);
    this.#chunks.set(index, chunk);
    this.#last = chunk;
    this.#lastIndex = index;
    return chunk;
  }
}
