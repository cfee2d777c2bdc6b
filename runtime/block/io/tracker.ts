/** A request in flight, as far as others must know of it. */
export interface TrackedRequest {
  readonly offset: number;
  readonly end: number;
  /** No overlapping request may run at the same time. */
  readonly serialising: boolean;
  /** Called when the request is done, by those who wait for it. */
  waiting: (() => void)[] | undefined;
}

/**
 * The requests in flight on one node. A serialising request (one that reads, changes and writes back, or that copies on read)
 * and those that overlap it run one after the other, in the order in which they began; since later ones wait for earlier ones
 * only, nobody waits for ever.
 */
export class RequestTracker {
  readonly #requests = new Set<TrackedRequest>();
  #serialising = 0;
  #idle: (() => void)[] = [];

  /** How many requests are in flight. */
  get size(): number {
    return this.#requests.size;
  }

  /** No request in flight is serialising: others need not look. */
  get quiet(): boolean {
    return this.#serialising === 0;
  }

  begin(offset: number, length: number, serialising = false): TrackedRequest {
    const request: TrackedRequest = { offset, end: offset + length, serialising, waiting: undefined };
    this.#requests.add(request);
    if (serialising) this.#serialising++;
    return request;
  }

  /** Waits for the requests before this one that must not run beside it. */
  async turn(request: TrackedRequest): Promise<void> {
    // A set keeps the order of insertion. What begins while we wait is behind us.
    for (const other of [...this.#requests]) {
      if (other === request) return;
      const conflict = (other.serialising || request.serialising) && overlap(other, request);
      if (conflict && this.#requests.has(other)) {
        await new Promise<void>((resolve) => {
          other.waiting ??= [];
          other.waiting.push(resolve);
        });
      }
    }
  }

  end(request: TrackedRequest): void {
    this.#requests.delete(request);
    if (request.serialising) this.#serialising--;
    if (request.waiting) for (const go of request.waiting) go();
    if (this.#requests.size === 0 && this.#idle.length > 0) for (const go of this.#idle.splice(0)) go();
  }

  /** Resolves when nothing is in flight. */
  async idle(): Promise<void> {
    while (this.#requests.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }
}

function overlap(a: TrackedRequest, b: TrackedRequest): boolean {
  return a.offset < b.end && b.offset < a.end;
}
