import type { Codec } from '../json/codec.js';
import type { JsonValue } from '../json/value.js';

/** Where the generated emitters send their events. */
export interface EventSink {
  /**
   * Sends an event to all that listen.
   *
   * @param name the event's name on the wire
   * @param data its data, ready for the wire; absent when it carries none
   * @param features the names of the event's features
   */
  emit(name: string, data?: JsonValue, features?: readonly string[]): void;
}

/** All that the protocol needs to know of an event. */
export interface EventEntry<Data = unknown> {
  /** The event's name on the wire. */
  readonly name: string;
  /** What it carries; absent when it carries nothing. */
  readonly data?: Codec<Data>;
  /** The names of its features: `deprecated` and `unstable` have fixed meanings. */
  readonly features?: readonly string[];
}

/** The events of a schema by name. */
export type EventTable = ReadonlyMap<string, EventEntry>;
