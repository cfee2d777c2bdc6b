/** A request in flight, as far as others must know of it. */
export interface TrackedRequest {
  readonly offset: number;
  readonly end: number;
  /** No overlapping request may run at the same time. */
  readonly serialising: boolean;
  /** Called when the request is done, by those that wait for it. */
  waiting: (() => void)[] | undefined;
  /** Its neighbours in the list of all that are in flight, by the time of their beginning. */
  before: TrackedRequest | undefined;
  after: TrackedRequest | undefined;
}

/**
 * The requests in flight on one node. A serialising request (one that reads, changes and writes back, or that copies on read)
 * and those that overlap it run one after the other, in the order in which they began; since later ones wait for earlier ones
 * only, none waits for ever.
 *
 * They are a list that is linked by hand: nearly every request comes and goes without another one waiting, and a set costs three times
 * as much.
 */
export class RequestTracker {
  #last: TrackedRequest | undefined;
  #size = 0;
  #serialising = 0;
  #idle: (() => void)[] = [];

  /** How many requests are in flight. */
  get size(): number {
    return this.#size;
  }

  /** No request in flight is serialising: others need not look. */
  get quiet(): boolean {
    return this.#serialising === 0;
  }

  begin(offset: number, length: number, serialising = false): TrackedRequest {
    const before = this.#last;
    const request = { offset, end: offset + length, serialising, waiting: undefined, before, after: undefined };
    if (before) before.after = request;
    this.#last = request;
    this.#size++;
    if (serialising) this.#serialising++;
    return request;
  }

  /** Waits for the requests before this one that must not run beside it. */
  async turn(request: TrackedRequest): Promise<void> {
    for (let other = request.before; other !== undefined; ) {
      if ((other.serialising || request.serialising) && overlap(other, request)) {
        await ended(other);
        // Meanwhile others have ended, too. Requests that have come since are behind us.
        other = request.before;
      } else {
        other = other.before;
      }
    }
  }

  end(request: TrackedRequest): void {
    const { before, after } = request;
    if (before) before.after = after;
    if (after) after.before = before;
    else this.#last = before;
    this.#size--;
    if (request.serialising) this.#serialising--;
    if (request.waiting) for (const go of request.waiting) go();
    if (this.#size === 0 && this.#idle.length > 0) for (const go of this.#idle.splice(0)) go();
  }

  /** Resolves when nothing is in flight. */
  async idle(): Promise<void> {
    while (this.#size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }
}

function ended(request: TrackedRequest): Promise<void> {
  return new Promise((resolve) => {
    request.waiting ??= [];
    request.waiting.push(resolve);
  });
}

function overlap(a: TrackedRequest, b: TrackedRequest): boolean {
  return a.offset < b.end && b.offset < a.end;
}
