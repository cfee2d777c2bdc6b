import type { BlockLatencyHistogramInfo } from '../../../generated/index.js';
import type { Int64 } from '../../json/value.js';

/** How many requests took how long: a bin for each interval between boundaries, the last of them open. */
export class LatencyHistogram {
  readonly #boundaries: readonly Int64[];
  readonly #bins: number[];

  /** @param boundaries nanoseconds, valid as {@link areBoundaries} says */
  constructor(boundaries: readonly Int64[]) {
    this.#boundaries = boundaries;
    this.#bins = new Array<number>(boundaries.length + 1).fill(0);
  }

  /** Counts a request that took `latency` nanoseconds. A boundary belongs to the interval above it. */
  add(latency: number): void {
    let bin = 0;
    for (const boundary of this.#boundaries) {
      if (latency < boundary) break;
      bin++;
    }
    this.#bins[bin] = (this.#bins[bin] ?? 0) + 1;
  }

  /** What queries show. */
  get info(): BlockLatencyHistogramInfo {
    return { boundaries: [...this.#boundaries], bins: [...this.#bins] };
  }
}

/** Whether a histogram can have these boundaries: at least one, all above 0, and rising. */
export function areBoundaries(boundaries: readonly Int64[]): boolean {
  if (boundaries.length === 0) return false;
  let last: Int64 = 0;
  for (const boundary of boundaries) {
    if (boundary <= last) return false;
    last = boundary;
  }
  return true;
}
