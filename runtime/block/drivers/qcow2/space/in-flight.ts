/** Clusters of the disk that are being given a place in the file. */
export interface Allocation {
  /** Guest clusters, by number: from `first` up to and without `end`. */
  readonly first: number;
  readonly end: number;
  /** Resolves when it is over, whether it went well or not. */
  readonly over: Promise<void>;
}

/**
 * The clusters that have been promised a place, but whose table entries do not tell so yet, since their data is being
 * written. No other request may give them a place, or change their entries, meanwhile.
 */
export class AllocationsInFlight {
  readonly #allocations = new Map<Allocation, () => void>();

  begin(first: number, end: number): Allocation {
    let finish: () => void = () => {};
    const over = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const allocation = { first, end, over };
    this.#allocations.set(allocation, finish);
    return allocation;
  }

  end(allocation: Allocation): void {
    this.#allocations.get(allocation)?.();
    this.#allocations.delete(allocation);
  }

  /** The allocation that has the lowest of the clusters from `first` up to and without `end`, if any has one. */
  lowestIn(first: number, end: number): Allocation | undefined {
    let lowest: Allocation | undefined;
    for (const allocation of this.#allocations.keys()) {
      if (allocation.first >= end || allocation.end <= first) continue;
      if (lowest === undefined || allocation.first < lowest.first) lowest = allocation;
    }
    return lowest;
  }
}
