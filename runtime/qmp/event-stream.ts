import type { EventConsumer, EventHub } from './event-hub.js';
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
}

const DEFAULT_BUFFER = 1024;

/** A reader that waits. */
interface Waiting<E> {
  resolve(result: IteratorResult<E, undefined>): void;
  reject(error: unknown): void;
}

/**
 * Events as they come, for `for await`. It holds everything from the moment it was made, read or not, within its bounds. Leaving
 * the loop ends it; so does the end of the connection, with an error unless the client closed it.
 */
export class EventStream<E extends QmpEvent> implements AsyncIterableIterator<E, undefined>, EventConsumer {
  /** How many events were dropped because the buffer was full. */
  dropped = 0;

  readonly #hub: EventHub;
  readonly #options: EventStreamOptions;
  readonly #unread: E[] = [];
  readonly #waiting: Waiting<E>[] = [];
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  readonly #abort = (): void => this.#end({ error: this.#options.signal?.reason });

  constructor(hub: EventHub, patterns: readonly string[], options: EventStreamOptions) {
    this.#hub = hub;
    this.#options = options;
    hub.add(patterns, this);
    if (options.signal?.aborted) this.#abort();
    else options.signal?.addEventListener('abort', this.#abort);
  }

  event(event: QmpEvent): void {
    const waiting = this.#waiting.shift();
    if (waiting) {
      waiting.resolve({ value: event as E, done: false });
    } else if (this.#unread.length < (this.#options.buffer ?? DEFAULT_BUFFER)) {
      this.#unread.push(event as E);
    } else {
      this.#overflow(event as E);
    }
  }

  end(error: Error | undefined): void {
    this.#end(error && { error });
  }

  next(): Promise<IteratorResult<E, undefined>> {
    const value = this.#unread.shift();
    if (value) return Promise.resolve({ value, done: false });
    const failure = this.#failure;
    if (failure) {
      this.#failure = undefined;
      return Promise.reject(failure.error);
    }
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<E, undefined>> {
    this.#unread.length = 0;
    this.#end(undefined);
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #overflow(event: E): void {
    const { overflow = 'error', buffer = DEFAULT_BUFFER } = this.#options;
    if (overflow === 'error') {
      const message = `${buffer} events wait unread; read faster, raise 'buffer' or choose what to drop by 'overflow'`;
      this.#end({ error: new RangeError(message) });
      return;
    }
    this.dropped++;
    if (overflow === 'drop-oldest' && this.#unread.shift()) this.#unread.push(event);
  }

  #end(failure: { readonly error: unknown } | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#hub.delete(this);
    this.#options.signal?.removeEventListener('abort', this.#abort);
    const [first, ...others] = this.#waiting.splice(0);
    if (first && failure) first.reject(failure.error);
    else first?.resolve({ value: undefined, done: true });
    if (!first) this.#failure = failure;
    for (const waiting of others) waiting.resolve({ value: undefined, done: true });
  }
}
