/** Where a cluster of the disk as it was can be read. */
export const Place = {
  /** It has not changed: on the disk itself. */
  source: 0,
  /** It was copied before it changed. */
  target: 1,
  /** Nowhere. */
  none: 2,
} as const;

export type Place = (typeof Place)[keyof typeof Place];

/** Clusters in a row that are in the same place. */
export interface ClusterRun {
  readonly place: Place;
  readonly offset: number;
  readonly length: number;
}

/** Where the clusters of a disk are kept as they were. Takes a byte for each. */
export class KeptClusters {
  readonly clusterSize: number;
  readonly #size: number;
  readonly #places: Uint8Array;

  /**
   * @param size bytes of the disk
   * @param wanted the stretches that are kept; absent: all
   */
  constructor(
    size: number,
    clusterSize: number,
    wanted?: Iterable<{ readonly offset: number; readonly length: number }>,
  ) {
    this.clusterSize = clusterSize;
    this.#size = size;
    this.#places = new Uint8Array(Math.ceil(size / clusterSize));
    if (wanted === undefined) return;
    this.#places.fill(Place.none);
    for (const { offset, length } of wanted) this.set(offset, length, Place.source);
  }

  /** Sets the place of all clusters that a stretch touches. */
  set(offset: number, length: number, place: Place): void {
    const { clusterSize } = this;
    this.#places.fill(place, Math.floor(offset / clusterSize), Math.ceil((offset + length) / clusterSize));
  }

  /** The first run in a stretch, which is cut at both ends. Beyond the end of the disk nothing is kept. */
  runAt(offset: number, length: number): ClusterRun {
    const { clusterSize } = this;
    const first = Math.floor(offset / clusterSize);
    const last = Math.ceil((offset + length) / clusterSize);
    const place = this.#placeOf(first);
    let end = first + 1;
    while (end < last && this.#placeOf(end) === place) end++;
    return { place, offset, length: Math.min(offset + length, end * clusterSize) - offset };
  }

  /** The runs in a stretch, each in whole clusters as far as the disk reaches. */
  *wholeRuns(offset: number, length: number): Iterable<ClusterRun> {
    const { clusterSize } = this;
    const start = Math.floor(offset / clusterSize) * clusterSize;
    const end = Math.min(Math.ceil((offset + length) / clusterSize) * clusterSize, this.#size);
    for (let at = start; at < end; ) {
      const run = this.runAt(at, end - at);
      yield run;
      at += run.length;
    }
  }

  #placeOf(cluster: number): Place {
    return (this.#places[cluster] ?? Place.none) as Place;
  }
}
