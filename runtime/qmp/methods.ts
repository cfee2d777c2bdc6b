import type { JsonObject } from '../json/value.js';
import type { ExecuteOptions } from './client-options.js';
import type { WaitOptions } from './deadline.js';
import type { EventStream, EventStreamOptions } from './event-stream.js';
import type { CallParameters, EventOf, EventPattern, MatchingEvents, QmpEvent, QmpSchema, TypedBy } from './schema.js';

/** Declared as a method, so that methods of any arguments fit. */
interface Untyped {
  method(args?: object, options?: ExecuteOptions): Promise<unknown>;
}

/** A command as a method. Where there is no schema, names are just strings. */
type CommandMethod<N, T> = string extends N
  ? Untyped['method']
  : T extends { arguments: infer A; returns: infer R }
    ? (...call: CallParameters<A, ExecuteOptions>) => Promise<R>
    : never;

/**
 * The commands of a schema as methods, under their names on the wire, with the documentation that the schema has of them.
 *
 * No command is optional: `-?` makes the compiler compare two of these member by member, and not by their schemas as a whole.
 */
export type CommandMethods<C> = { readonly [N in keyof C]-?: CommandMethod<N, C[N]> };

/** An event of a schema. */
type Of<E, N extends keyof E> = E[N] extends { data: infer D } ? QmpEvent<N & string, D> : never;

/** The events that have members: where there is no schema, none. */
type Known<E> = string extends keyof E ? Record<never, never> : E;

/** A name or pattern of events, as a parameter. */
type Pattern<S extends QmpSchema, P extends string> = P & EventPattern<S, P>;

/** The events that a name or pattern stands for. */
type Matched<S extends QmpSchema, P extends string> = EventOf<S, MatchingEvents<S, P>>;

type ListenMembers<E> = {
  readonly [N in keyof E]-?: (listener: (event: Of<E, N>) => void) => void;
};

/** Calls a listener with events: by a name or a pattern, in which `*` stands for any text, or `on.NAME(…)`, with its documentation. */
export type Listening<S extends QmpSchema> = (<
  T extends QmpSchema,
  Self,
  const P extends (keyof T['events'] & string) | `${string}*${string}`,
>(
  this: Self & TypedBy<T>,
  pattern: Pattern<T, P>,
  listener: (event: Matched<T, P>) => void,
) => Self) &
  ListenMembers<Known<S['events']>>;

type StreamMembers<E> = {
  readonly [N in keyof E]-?: (options?: EventStreamOptions) => EventStream<Of<E, N>>;
};

/** Streams of events: by a name, a pattern, in which `*` stands for any text, or several of them, or `events.NAME(…)`. */
export type Streaming<S extends QmpSchema> = (<
  T extends QmpSchema,
  const P extends (keyof T['events'] & string) | `${string}*${string}`,
>(
  this: TypedBy<T>,
  pattern: Pattern<T, P> | readonly Pattern<T, P>[],
  options?: EventStreamOptions,
) => EventStream<Matched<T, P>>) &
  StreamMembers<Known<S['events']>>;

type WaitMembers<E> = {
  readonly [N in keyof E]-?: (predicate?: (event: Of<E, N>) => boolean, options?: WaitOptions) => Promise<Of<E, N>>;
};

/** Waits for events: by a name or a pattern, in which `*` stands for any text, or `waitFor.NAME(…)`, with its documentation. */
export type Waiting<S extends QmpSchema> = (<
  T extends QmpSchema,
  const P extends (keyof T['events'] & string) | `${string}*${string}`,
>(
  this: TypedBy<T>,
  pattern: Pattern<T, P>,
  predicate?: (event: Matched<T, P>) => boolean,
  options?: WaitOptions,
) => Promise<Matched<T, P>>) &
  WaitMembers<Known<S['events']>>;

/** An event that the schema need not have. */
export type UnknownEvent = QmpEvent<string, JsonObject | undefined>;
