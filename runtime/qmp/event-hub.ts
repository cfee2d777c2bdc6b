import type { QmpEvent } from './schema.js';

/** A receiver of events. */
export interface EventConsumer {
  /** What it was made of, where it can be taken back by that. */
  readonly pattern?: string;
  readonly listener?: unknown;
  event(event: QmpEvent): void;
  /** There is a connection again; what occurred before is lost. */
  reconnected?(): void;
  /** There will be no more: `error` says why, unless the client closed the connection itself. */
  end?(error: Error | undefined): void;
}

/** Whether a name is one of those that some patterns stand for: each `*` in them for any text. */
export function eventMatcher(patterns: readonly string[]): (name: string) => boolean {
  const sources = patterns.map((pattern) => pattern.replace(/[^*\w]/g, '\\$&').replaceAll('*', '.*'));
  const names = new RegExp(`^(?:${sources.join('|')})$`, 's');
  return (name) => names.test(name);
}

/** Hands every event to the consumers that want it, in order, at once. */
export class EventHub {
  readonly #consumers = new Map<EventConsumer, (name: string) => boolean>();

  #ended: { readonly error: Error | undefined } | undefined;

  add(patterns: readonly string[], consumer: EventConsumer): void {
    if (this.#ended) consumer.end?.(this.#ended.error);
    else this.#consumers.set(consumer, eventMatcher(patterns));
  }

  delete(consumer: EventConsumer | undefined): void {
    this.#consumers.delete(consumer as EventConsumer);
  }

  find(pattern: string, listener: unknown): EventConsumer | undefined {
    return [...this.#consumers.keys()].find((entry) => entry.pattern === pattern && entry.listener === listener);
  }

  publish(event: QmpEvent): void {
    for (const [consumer, matches] of [...this.#consumers]) {
      if (matches(event.event) && this.#consumers.has(consumer)) consumer.event(event);
    }
  }

  reconnected(): void {
    for (const consumer of [...this.#consumers.keys()]) consumer.reconnected?.();
  }

  end(error: Error | undefined): void {
    this.#ended ??= { error };
    for (const consumer of [...this.#consumers.keys()]) consumer.end?.(error);
    this.#consumers.clear();
  }
}
