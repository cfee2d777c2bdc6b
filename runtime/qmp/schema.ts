import type { JsonObject, JsonValue } from '../json/value.js';

/**
 * What a client is typed by: the `Commands` and `Events` that the generator writes for a schema.
 *
 * @example
 * interface Schema { commands: Commands; events: Events }
 * const client = await connect<Schema>('/run/qmp.sock');
 */
export interface QmpSchema {
  /** By name, the `arguments` and `returns` of every command. */
  readonly commands: object;
  /** By name, the `data` of every event. */
  readonly events: object;
}

/** A schema for several releases: what the client of a server turns out to be typed by, release by release. */
export interface SchemaSince extends QmpSchema {
  /** By release, the schema of servers of that release or a later one. */
  readonly since: object;
}

/** The schema of a client that was given none: any command with any arguments, any event. */
export interface AnySchema {
  readonly commands: { readonly [name: string]: { arguments: JsonObject; returns: JsonValue } };
  readonly events: { readonly [name: string]: { data: JsonObject } };
}

/**
 * What a function needs of a client: some commands of a schema, and some of its events. Clients of all schemas in which these agree
 * fit.
 *
 * @typeParam C the generated `Commands`
 * @typeParam N the names of the commands
 * @typeParam E the generated `Events`
 * @typeParam M the names of the events
 * @example
 * async function halt(client: QmpClient<Needs<Commands, 'query-status' | 'stop'>>): Promise<void> {
 *   if ((await client.execute('query-status')).running) await client.execute('stop');
 * }
 */
export interface Needs<
  C extends object,
  N extends keyof C,
  E extends object = Record<never, never>,
  M extends keyof E = never,
> {
  readonly commands: Pick<C, N>;
  readonly events: Pick<E, M>;
}

/** Where the types of a schema stand; there is nothing there at run time. */
export declare const typedBy: unique symbol;

/** Names a schema and has nothing of it: two are alike, whatever their schemas are. */
export interface SchemaTag<_S extends QmpSchema> {
  readonly tag?: never;
}

/**
 * Something that a schema types. Methods find the schema in their `this`: declared so, they say nothing of the schema of their
 * class, and a client fits where another is wanted as soon as the commands and events agree by name.
 */
export interface TypedBy<S extends QmpSchema> {
  readonly [typedBy]?: SchemaTag<S>;
}

/** The names of a schema's commands. */
export type CommandName<S extends QmpSchema> = keyof S['commands'] & string;

/** The names of a schema's events. */
export type EventName<S extends QmpSchema> = keyof S['events'] & string;

/**
 * What a command takes; a type without members when it takes nothing.
 *
 * It is looked up and not inferred: an editor that completes a name asks for the arguments of all commands, and what is inferred of so
 * many takes three times as long, as the compiler compares each with each.
 */
export type ArgumentsOf<S extends QmpSchema, N extends CommandName<S>> = S['commands'][N] extends { arguments: unknown }
  ? S['commands'][N]['arguments']
  : undefined;

/** What a command returns. */
export type ReturnsOf<S extends QmpSchema, N extends CommandName<S>> = S['commands'][N] extends { returns: infer R }
  ? R
  : undefined;

/** What an event carries. */
type DataOf<S extends QmpSchema, N extends EventName<S>> = S['events'][N] extends { data: infer D } ? D : undefined;

/** Whether a type of arguments leaves nothing to say: it is absent, or an object without members. */
type IsNothing<A> = [A] extends [undefined]
  ? true
  : string extends keyof A
    ? [A[keyof A]] extends [never]
      ? true
      : false
    : [keyof A] extends [never]
      ? true
      : false;

/** The arguments of a command that takes none: leave them out, or give `undefined` where options follow. */
export interface NoArguments {
  /** There are none. */
  readonly noArguments?: never;
}

/** Part of the type of a parameter when the schema of a client lacks something that is needed. */
interface SchemaLacks<_Name extends string> {
  readonly schemaLacks: never;
}

/** What a client has to be beside itself for a function that needs some commands and events: anything, unless its schema lacks one. */
export type Having<S extends QmpSchema, C extends string, E extends string = never> = [C] extends [keyof S['commands']]
  ? [E] extends [keyof S['events']]
    ? unknown
    : SchemaLacks<E>
  : SchemaLacks<C>;

/** What stands behind a command's name in a call: its arguments, where it has some, and then options. */
export type CallParameters<A, Options> =
  IsNothing<A> extends true
    ? [arguments?: NoArguments | undefined, options?: Options]
    : Record<never, never> extends A
      ? [arguments?: A | undefined, options?: Options]
      : [arguments: A, options?: Options];

/** Two commands that nearly every schema has, and whose arguments have no name in common. */
type Unlike = 'block_resize' | 'object-del';

/**
 * What stands behind one of some commands' names in a call.
 *
 * An editor that completes a name asks for what all commands of a schema have in common. Two suffice to see that it is nothing.
 */
export type CallOf<S extends QmpSchema, N extends CommandName<S>, Options> = [
  keyof ArgumentsOf<S, Extract<N, Unlike>>,
] extends [never]
  ? CallParameters<undefined, Options>
  : CallParameters<ArgumentsOf<S, N>, Options>;

/** When an event occurred, by the server's wall clock. Both are -1 where it could not read it. */
export interface EventTimestamp {
  readonly seconds: number;
  /** 0 … 999999 */
  readonly microseconds: number;
}

/** An event as a client receives it. */
export interface QmpEvent<N extends string = string, D = unknown> {
  readonly event: N;
  /** What it carries; `undefined` where it carries nothing. */
  readonly data: D;
  /** When it occurred, as it was sent. Rate limiting delays events, so a later one may carry an earlier time. */
  readonly timestamp: EventTimestamp;
  /** The same as a `Date`, to the millisecond; an invalid one where the server had no clock. */
  readonly date: Date;
}

/** One of several events: a union that `event` tells apart. */
export type EventOf<S extends QmpSchema, N extends EventName<S>> = N extends unknown
  ? QmpEvent<N, DataOf<S, N>>
  : never;

/** The names that a pattern stands for: each `*` for any text. */
export type MatchingEvents<S extends QmpSchema, P extends string> =
  string extends EventName<S> ? string : Extract<EventName<S>, Wildcards<P>>;

type Wildcards<P extends string> = P extends `${infer Head}*${infer Tail}` ? `${Head}${string}${Wildcards<Tail>}` : P;

/** Part of the type of a parameter when no event of the schema matches what was given. */
interface NoEventMatches {
  readonly noEventMatches: never;
}

/** What a name or pattern has to be beside itself: anything, unless no event of the schema matches it. */
export type EventPattern<S extends QmpSchema, P extends string> = P extends unknown
  ? [MatchingEvents<S, P>] extends [never]
    ? P & NoEventMatches
    : P
  : never;
