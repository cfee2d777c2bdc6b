/** A range of clusters. */
export interface ClusterRange {
  readonly from: number;
  readonly to: number;
}

const rangeLimit = 65536;
const mergedLimit = 1000;

/**
 * Clusters beyond the end of a file that are referred to all the same, as after the file was cut. Nothing must be put there:
 * it would be taken for what was lost.
 */
export class OutsideRanges {
  readonly #ranges: ClusterRange[] = [];
  #furthest = 0;

  add(from: number, to: number): void {
    this.#furthest = Math.max(this.#furthest, to);
    if (this.#ranges.length < rangeLimit) this.#ranges.push({ from, to });
  }

  /** The ranges in their order, without overlaps. When there are too many of them, one that covers all. */
  merged(): readonly ClusterRange[] {
    const merged: ClusterRange[] = [];
    for (const range of this.#ranges.toSorted((a, b) => a.from - b.from)) {
      const last = merged.at(-1);
      if (last === undefined || range.from > last.to) merged.push(range);
      else merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
    }
    const complete = this.#ranges.length < rangeLimit && merged.length <= mergedLimit;
    return complete ? merged : [{ from: 0, to: this.#furthest }];
  }
}
