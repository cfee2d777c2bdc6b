import { onAbort } from './deadline.js';
import type { EventHub } from './event-hub.js';
import { tell } from './listener.js';
import type { QmpEvent } from './schema.js';

/** How a stream of events keeps what has not been read yet. */
export interface EventStreamOptions {
  /** Ends the stream: a pending or following read is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** How many unread events are kept. Default: 1024. */
  readonly buffer?: number | undefined;
  /**
   * What happens to an event that finds the buffer full: the stream fails (`error`, the default), or the oldest unread event
   * or the new one is dropped and counted in {@link EventStream.dropped}.
   */
  readonly overflow?: 'error' | 'drop-oldest' | 'drop-newest' | undefined;
  /** Called when the client has connected again: events that occurred in the meantime were missed. */
  readonly onReconnect?: (() => void) | undefined;
}

const DEFAULT_BUFFER = 1024;

/**
 * Events as they come, for `for await`. It holds everything from the moment it was made, read or not, within its bounds. Leaving
 * the loop ends it; so does the end of the connection, with an error unless the client closed it.
 */
export class EventStream<E extends QmpEvent> implements AsyncIterator<E, undefined>, AsyncIterable<E> {
  /** How many events were dropped because the buffer was full. */
  dropped = 0;

  readonly #hub: EventHub;
  readonly #options: EventStreamOptions;
  readonly #unread: E[] = [];
  /** Wake the callers that wait for an event. */
  readonly #waiting: (() => void)[] = [];
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  readonly #ignoreSignal: (() => void) | undefined;

  /** @internal */
  constructor(hub: EventHub, patterns: readonly string[], options: EventStreamOptions) {
    this.#hub = hub;
    this.#options = options;
    this.#ignoreSignal = onAbort(options.signal, () => this.fail(options.signal?.reason));
    if (!this.#ended) hub.add(patterns, this);
  }

  // With `end` this makes it a consumer of the hub; saying so would put both into the public type.
  /** @internal */
  event(event: QmpEvent): void {
    const { overflow = 'error', buffer = DEFAULT_BUFFER } = this.#options;
    if (this.#unread.length < buffer + this.#waiting.length) {
      this.#unread.push(event as E);
      this.#waiting.shift()?.();
    } else if (overflow === 'error') {
      this.fail(new RangeError(`${buffer} events wait unread: read faster, or set 'buffer' or 'overflow'`));
    } else {
      this.dropped++;
      if (overflow === 'drop-oldest' && this.#unread.shift()) this.#unread.push(event as E);
    }
  }

  /** @internal */
  reconnected(): void {
    tell(this.#options.onReconnect);
  }

  /** @internal */
  end(error: Error | undefined): void {
    if (error) this.fail(error);
    else this.#end();
  }

  /** @internal */
  fail(error: unknown): void {
    this.#end({ error });
  }

  async next(): Promise<IteratorResult<E, undefined>> {
    while (this.#unread.length === 0 && !this.#ended) await new Promise<void>((wake) => this.#waiting.push(wake));
    const value = this.#unread.shift();
    if (value) return { value, done: false };
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure.error;
    return { value, done: true };
  }

  async return(): Promise<IteratorResult<E, undefined>> {
    this.#unread.length = 0;
    this.#end();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #end(failure?: { readonly error: unknown }): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.#hub.delete(this);
    this.#ignoreSignal?.();
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
