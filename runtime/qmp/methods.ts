import type { JsonObject } from '../json/value.js';
import type { ExecuteOptions } from './client-options.js';
import type { WaitOptions } from './deadline.js';
import type { EventStream, EventStreamOptions } from './event-stream.js';
import type {
  AnySchema,
  CallParameters,
  EventOf,
  EventPattern,
  MatchingEvents,
  PatternText,
  QmpEvent,
  QmpSchema,
  TypedBy,
} from './schema.js';

/** The commands of a schema as methods, under their names on the wire, with the documentation that the schema has of them. */
export type CommandMethods<C> = {
  readonly [N in keyof C]: C[N] extends { arguments: infer A; returns: infer R }
    ? (...call: CallParameters<A, ExecuteOptions>) => Promise<R>
    : never;
};

/** Declared as a method, so that methods of any arguments fit. */
interface Untyped {
  method(args?: object, options?: ExecuteOptions): Promise<unknown>;
}

/** The commands of a client that was given no schema. */
export interface UntypedMethods {
  readonly [name: string]: Untyped['method'];
}

/** What `client.commands` is. */
export type CommandsOf<S extends QmpSchema> = AnySchema extends S ? UntypedMethods : CommandMethods<S['commands']>;

/** An event of a schema. */
type Of<E, N extends keyof E> = E[N] extends { data: infer D } ? QmpEvent<N & string, D> : never;

/** A name or pattern of events, as a parameter. */
type Pattern<S extends QmpSchema, P extends string> = P & EventPattern<S, P>;

/** The events that a name or pattern stands for. */
type Matched<S extends QmpSchema, P extends string> = EventOf<S, MatchingEvents<S, P>>;

/** A member for each event of a schema, if there is one. */
type MembersOf<S extends QmpSchema, Members> = AnySchema extends S ? unknown : Members;

type ListenMembers<E, Client> = { readonly [N in keyof E]: (listener: (event: Of<E, N>) => void) => Client };

/** Calls a listener with events: by a name or a pattern, in which `*` stands for any text, or `on.NAME(…)`, with its documentation. */
export type Listening<S extends QmpSchema, Client> = (<T extends QmpSchema, const P extends PatternText<T>>(
  this: TypedBy<T>,
  pattern: Pattern<T, P>,
  listener: (event: Matched<T, P>) => void,
) => Client) &
  MembersOf<S, ListenMembers<S['events'], Client>>;

type StreamMembers<E> = { readonly [N in keyof E]: (options?: EventStreamOptions) => EventStream<Of<E, N>> };

/** Streams of events: by a name, a pattern, in which `*` stands for any text, or several of them, or `events.NAME(…)`. */
export type Streaming<S extends QmpSchema> = (<T extends QmpSchema, const P extends PatternText<T>>(
  this: TypedBy<T>,
  pattern: Pattern<T, P> | readonly Pattern<T, P>[],
  options?: EventStreamOptions,
) => EventStream<Matched<T, P>>) &
  MembersOf<S, StreamMembers<S['events']>>;

type WaitMembers<E> = {
  readonly [N in keyof E]: (predicate?: (event: Of<E, N>) => boolean, options?: WaitOptions) => Promise<Of<E, N>>;
};

/** Waits for events: by a name or a pattern, in which `*` stands for any text, or `waitFor.NAME(…)`, with its documentation. */
export type Waiting<S extends QmpSchema> = (<T extends QmpSchema, const P extends PatternText<T>>(
  this: TypedBy<T>,
  pattern: Pattern<T, P>,
  predicate?: (event: Matched<T, P>) => boolean,
  options?: WaitOptions,
) => Promise<Matched<T, P>>) &
  MembersOf<S, WaitMembers<S['events']>>;

/** An event that the schema need not have. */
export type UnknownEvent = QmpEvent<string, JsonObject | undefined>;
