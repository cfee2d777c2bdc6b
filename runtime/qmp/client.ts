import type { JsonObject, JsonValue } from '../json/value.js';
import { byName, withNames } from './by-name.js';
import type { ConnectOptions, ExecuteOptions } from './client-options.js';
import { type WaitOptions, watch } from './deadline.js';
import { endpointOf, type QmpAddress } from './endpoint.js';
import { EventStream, type EventStreamOptions } from './event-stream.js';
import { QmpConnectionError } from './failure.js';
import { isOfRelease, type QmpGreeting } from './greeting.js';
import type { Request } from './link.js';
import { tell } from './listener.js';
import type { CommandMethods, Listening, Streaming, UnknownEvent, Waiting } from './methods.js';
import { qmpProtocol } from './negotiation.js';
import type {
  AnySchema,
  CallOf,
  QmpEvent,
  QmpSchema,
  ReturnsOf,
  SchemaSince,
  SchemaTag,
  TypedBy,
  typedBy,
} from './schema.js';
import { Session } from './session.js';

type EventListener = (event: QmpEvent) => void;

/**
 * Connects to a QMP server and agrees with it on how to talk: out-of-band execution is enabled where it is offered.
 *
 * @typeParam S the generated types of the server's schema
 * @throws {@link QmpConnectionError} when there is no server
 * @throws {@link QmpTimeoutError} when it does not greet in time, for example because it is busy with another client
 * @example
 * await using client = await connect<{ commands: Commands; events: Events }>('/run/qmp.sock');
 * const nodes = await client.execute('query-named-block-nodes');
 */
export async function connect<S extends QmpSchema = AnySchema>(
  address: QmpAddress,
  options: ConnectOptions = {},
): Promise<QmpClient<S>> {
  const session = new Session(endpointOf(address), qmpProtocol, options);
  await session.start();
  return new QmpClient<S>(session, options.timeout);
}

/**
 * A connection to a QMP server; {@link connect} makes it.
 *
 * The schema types what is sent and what is received. Servers of other releases may send more than it knows: unknown members,
 * values and events are passed on as they are, unless `validate` says otherwise.
 */
export class QmpClient<S extends QmpSchema = AnySchema> implements TypedBy<S>, AsyncDisposable {
  /**
   * The commands of the schema as methods, each under its name on the wire and with its documentation: arguments, where it has
   * some, and then options, as for {@link QmpClient.execute}.
   *
   * @example
   * await client.commands.block_resize({ 'node-name': 'disk0', size: 2 ** 30 }, { timeout: 5000 });
   */
  readonly commands: CommandMethods<S['commands']>;

  /**
   * Calls a listener with every event that bears a name or matches a pattern.
   *
   * @example
   * client.on('BLOCK_JOB_*', ({ event, data }) => console.log(event, data.device));
   * client.on.BLOCK_JOB_READY(({ data }) => console.log(data.device));
   */
  readonly on: Listening<S>;

  /** Calls a listener with the next event that bears a name or matches a pattern. */
  readonly once: Listening<S>;

  /**
   * The events that bear a name or match a pattern, for `for await`. Everything from now on is in it, read or not, within
   * the bounds that `options` set.
   *
   * @example
   * for await (const event of client.events('BLOCK_JOB_*', { signal })) console.log(event.event, event.data);
   * for await (const { date } of client.events.STOP()) console.log(date);
   */
  readonly events: Streaming<S>;

  /**
   * Waits for an event. It counts from the call on: call it before the command that causes the event, and await it after. A
   * predicate says which of the events it is to be; without, it is the first.
   *
   * Rejected with a {@link QmpTimeoutError} when it does not come within `timeout`, with a {@link QmpConnectionError} when the
   * connection ends before.
   *
   * @example
   * const stopped = client.waitFor.STOP(undefined, { timeout: 5000 });
   * await client.commands.stop();
   * await stopped;
   */
  readonly waitFor: Waiting<S>;

  declare readonly [typedBy]?: SchemaTag<S>;

  readonly #session: Session;
  readonly #timeout: number | undefined;

  /** @internal */
  constructor(session: Session, timeout: number | undefined) {
    this.#session = session;
    this.#timeout = timeout;
    this.commands = byName(this.#request) as unknown as CommandMethods<S['commands']>;
    this.on = withNames(this.#listener()) as unknown as Listening<S>;
    this.once = withNames(this.#listener(true)) as unknown as Listening<S>;
    this.events = withNames(this.#stream) as unknown as Streaming<S>;
    this.waitFor = withNames(this.#wait) as unknown as Waiting<S>;
  }

  /** Settles when the client has come to its end: with the error that ended it, or without when it was closed from this side. */
  get closed(): Promise<Error | undefined> {
    return this.#session.closed;
  }

  /** Whether there is a connection: `false` while the client connects again, and after its end. */
  get connected(): boolean {
    return this.#session.connected;
  }

  /** Lets the process end although the client is connected, or waits to be again, until {@link QmpClient.ref} is called. */
  unref(): this {
    this.#session.referenced = false;
    return this;
  }

  /** Takes back what {@link QmpClient.unref} did: the client keeps the process running, as it does at first. */
  ref(): this {
    this.#session.referenced = true;
    return this;
  }

  /** What the server said of itself. */
  get greeting(): QmpGreeting {
    return this.#session.greeting as QmpGreeting;
  }

  /**
   * This client as that of a release or later ones, when its server is one of them by what it said in its greeting; undefined when it
   * is older. Types as `qapi-ts generate --releases` writes them say which releases there are; there is no such method without them.
   * A development version counts as what it calls itself: `8.2.90` is older than 9.0.
   *
   * A server may have got a command of a later release, or may lack one that was left out when it was built: `supports` asks for that.
   *
   * @example
   * const client = await connect<Schema<'7.2..10.1'>>('/run/qmp.sock');
   * const newer = client.since('9.0');
   * if (newer) await newer.commands['dump-skeys']({ filename: 'keys' });
   */
  // What it is called on types it, and not the class's parameter: clients of different schemas would not fit each other any more.
  since<C extends SchemaSince, N extends keyof C['since'] & string>(
    this: QmpClient<C>,
    release: N,
  ): QmpClient<Extract<C['since'][N], QmpSchema>> | undefined {
    return isOfRelease(this.greeting, release)
      ? (this as unknown as QmpClient<Extract<C['since'][N], QmpSchema>>)
      : undefined;
  }

  /** Whether commands can be executed out of band. */
  get oob(): boolean {
    return this.#session.oob;
  }

  /**
   * Executes a command.
   *
   * @returns what the command returns
   * @throws {@link QmpError} when the server answers with an error
   * @throws {@link QmpConnectionError} when there is no connection, or it is lost before the answer
   * @throws {@link QmpTimeoutError} when the answer takes longer than `timeout`
   * @example
   * await client.execute('block_resize', { 'node-name': 'disk0', size: 2 ** 30 }, { timeout: 5000 });
   */
  execute<T extends QmpSchema, N extends keyof T['commands'] & string>(
    this: TypedBy<T>,
    command: N,
    ...call: CallOf<T, N, ExecuteOptions>
  ): Promise<ReturnsOf<T, N>>;
  execute(command: string, args?: JsonObject, options?: ExecuteOptions): Promise<unknown> {
    return this.#request(command, args, options);
  }

  /**
   * Executes a command that the schema does not know.
   *
   * @throws as {@link QmpClient.execute}
   */
  executeUnknown(command: string, args?: JsonObject, options?: ExecuteOptions): Promise<JsonValue> {
    return this.#request(command, args, options) as Promise<JsonValue>;
  }

  /** Calls a listener with every event that bears a name or matches a pattern, whether or not the schema knows such events. */
  onUnknown(pattern: string, listener: (event: UnknownEvent) => void): this {
    return this.#listener()(pattern, listener as EventListener);
  }

  /** Takes back what `on`, `once` or `onUnknown` with the same pattern and listener did. */
  off(pattern: string, listener: (event: never) => void): this {
    const { events } = this.#session;
    events.delete(events.find(pattern, listener));
    return this;
  }

  /** Ends the connection. Commands that wait are rejected, streams of events end. */
  async close(): Promise<void> {
    this.#session.close();
    await this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  readonly #request = async (
    command: string,
    args?: JsonObject,
    { signal, timeout = this.#timeout, oob = false }: ExecuteOptions = {},
  ): Promise<unknown> => {
    let unwatch: (() => void) | undefined;
    try {
      if (oob && !this.oob) throw new TypeError('out-of-band execution is not enabled on this connection');
      const { validation } = this.#session;
      const checked = validation ? validation.arguments(command, args) : args;
      const result = await new Promise<JsonValue>((resolve, reject) => {
        const request: Request = { command, arguments: checked, oob, resolve, reject };
        unwatch = watch(
          { signal, timeout },
          () => `${command} was not answered`,
          (error) => {
            this.#session.abandon(request);
            reject(error);
          },
        );
        if (!request.abandoned) this.#session.send(request);
      });
      return validation ? validation.returns(command, result) : result;
    } catch (error) {
      // Made here, the stack has the functions that wait for the reply, and costs nothing as long as all goes well.
      if (error !== signal?.reason) Error.captureStackTrace(error as Error);
      throw error;
    } finally {
      unwatch?.();
    }
  };

  readonly #stream = (pattern: string | readonly string[], options: EventStreamOptions = {}): EventStream<QmpEvent> =>
    new EventStream(this.#session.events, [pattern].flat(), options);

  readonly #wait = (
    pattern: string,
    predicate = (_: QmpEvent): boolean => true,
    options: WaitOptions = {},
  ): Promise<QmpEvent> => {
    const events = this.#stream(pattern, { buffer: Infinity });
    const unwatch = watch(
      options,
      () => `${pattern} did not come`,
      (error) => events.fail(error),
    );
    const found = (async () => {
      try {
        for await (const event of events) if (predicate(event)) return event;
        throw new QmpConnectionError(`the client was closed before ${pattern} came`);
      } finally {
        unwatch();
      }
    })();
    // It is awaited later, after the command; if that fails, it may never be awaited.
    found.catch(() => {});
    return found;
  };

  readonly #listener =
    (once?: boolean) =>
    (pattern: string, listener: EventListener): this => {
      this.#session.events.add([pattern], {
        pattern,
        listener,
        event: (event) => {
          if (once) this.off(pattern, listener);
          tell(listener, event);
        },
      });
      return this;
    };
}
