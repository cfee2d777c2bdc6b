import { stringifyReply } from '../../runtime/json/stringify-reply.js';
import type { CommandContext } from '../../runtime/qmp/command-table.js';
import type { EventSink } from '../../runtime/qmp/event-sink.js';
import { type BuiltinCommand, builtinCommands } from '../../runtime/qmp/server/builtins.js';
import { QmpServer, type ServerHandlers, type ServerVersion } from '../../runtime/qmp/server/server.js';
import { Values } from '../values.js';
import { Answers } from './answers.js';
import { Door, type MockAddress } from './door.js';
import { Expectation, type ExpectationContext } from './expectation.js';
import { FaultyReplies } from './faulty-replies.js';
import type { FollowingEvent } from './rule.js';
import { type MockCall, Script } from './script.js';
import { type MockModel, type MockSource, modelOf } from './source.js';

/** The handlers of a mock whose schema is not known to the compiler: of any command. */
export interface AnyHandlers {
  // biome-ignore lint/suspicious/noExplicitAny: the schema is not known to the compiler
  [command: string]: (args: any, context: CommandContext) => any;
}

/** What a command's arguments have to be like: any of the members, at any depth. */
export type Expected<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: Expected<T[K]> }
    : T;

type ArgumentsOf<H> = H extends (args: infer A, context: CommandContext) => unknown ? A : unknown;
type ReturnsOf<H> = H extends (args: never, context: CommandContext) => infer R ? Awaited<R> : unknown;

/** How a mock works. */
export interface MockOptions<Handlers> {
  /** Where it takes clients. Default: a unix socket in a temporary folder, gone when the mock is closed. */
  readonly listen?: MockAddress;
  /** What some commands do; or a function that makes the handlers, given the sink for their events. */
  readonly handlers?: Partial<ServerHandlers<Handlers>> | ((events: EventSink) => Partial<ServerHandlers<Handlers>>);
  /** Makes random values, the same for the same seed. Default: plain ones. */
  readonly seed?: number;
  /** What becomes of a command that has neither a handler nor a rule. Default: `answer`, with a value by the schema. */
  readonly unhandled?: 'answer' | 'refuse';
  /** Called with every command that comes and that the schema allows, before it is answered. */
  readonly onCall?: (call: MockCall) => void;
  /** Whether the expected commands must come in the order in which they are expected. Default: no. */
  readonly ordered?: boolean;
  /** What the greeting and `query-version` tell. Default: 0.0.0. */
  readonly version?: ServerVersion;
  /** Takes clients, and never sends them anything. Default: no. */
  readonly silent?: boolean;
  /** Events that are sent before the greeting, with data by the schema. */
  readonly beforeGreeting?: readonly string[];
  /** Sends everything in pieces of so many bytes. */
  readonly split?: number;
  /** Milliseconds between the pieces of `split`. Default: 0. */
  readonly delay?: number;
}

/** A QMP server that answers every command of a schema. Made by {@link mockQmp}. */
export class MockQmp<Handlers extends object = AnyHandlers> implements AsyncDisposable {
  /** Where the generated emitters send events. */
  readonly events: EventSink;
  /** Resolves when the mock has been closed, by {@link MockQmp.close} or by the command `quit`. */
  readonly closed: Promise<void>;
  readonly #model: MockModel;
  readonly #values: Values;
  readonly #script: Script;
  readonly #server: QmpServer;
  #door: Door | undefined;
  #closing: Promise<void> | undefined;

  private constructor(model: MockModel, options: MockOptions<Handlers>, faulty: FaultyReplies) {
    const { handlers = {}, unhandled = 'answer', ordered = false, version, seed } = options;
    this.#model = model;
    this.#values = new Values(seed === undefined ? {} : { seed });
    this.#script = new Script(ordered, options.onCall);
    let given: object = {};
    const answers = new Answers({
      model,
      values: this.#values,
      script: this.#script,
      faulty,
      handlers: () => given,
      refuses: unhandled === 'refuse',
      emit: ({ name, data }) => this.#server.events.emit(name, data),
    });
    this.#server = new QmpServer({
      dispatch: answers.table,
      handlers: {},
      events: model.events,
      introspection: model.introspection,
      ...(version && { version }),
      // A test waits for what it has sent.
      rateLimits: {},
      onProblem: (problem) =>
        this.#script.problem(
          problem.kind === 'client' ? problem.message : `${problem.command}: its handler failed: ${problem.error}`,
        ),
    });
    this.events = this.#server.events;
    given = typeof handlers === 'function' ? handlers(this.events) : handlers;
    this.closed = this.#server.closed.then(() => this.close());
  }

  /** @internal */
  static async start<H extends object>(source: MockSource<H>, options: MockOptions<H>): Promise<MockQmp<H>> {
    const faulty = new FaultyReplies();
    const mock = new MockQmp<H>(await modelOf(source), options, faulty);
    const early = (options.beforeGreeting ?? []).map((name) => mock.#event(name, undefined));
    mock.#door = await Door.open({
      listen: options.listen,
      wire: { split: options.split, delay: options.delay },
      silent: options.silent ?? false,
      beforeGreeting: () => early.map(textOf).join(''),
      faultOf: (message) => faulty.of(message),
      received: (command, args) => {
        if (isBuiltin(command) && command !== 'qmp_capabilities') mock.#script.take(command, args);
      },
      serve: (streams) => mock.#server.serve(streams),
    });
    return mock;
  }

  /** Where it takes clients, as `connect` understands it: `unix:PATH` or `tcp:HOST:PORT`. */
  get address(): string {
    return (this.#door as Door).address;
  }

  /** The path of its unix socket, for programs that want that; empty when it has none. */
  get path(): string {
    return this.address.startsWith('unix:') ? this.address.slice('unix:'.length) : '';
  }

  /** All commands that it was sent and that the schema allows, in their order; the negotiation aside. */
  get calls(): readonly MockCall[] {
    return this.#script.calls;
  }

  /** The commands that came although there was neither a handler nor a rule for them. */
  get unhandled(): readonly string[] {
    return [...this.#script.unhandled];
  }

  /** Whether a command returns something. */
  returns(command: string): boolean {
    return this.#model.commands.get(command)?.returns !== undefined;
  }

  /**
   * Expects a command, once unless `times` says otherwise. Arguments that are not given may be anything.
   *
   * The commands that the server itself executes, such as `quit`, can be expected, and nothing else.
   *
   * @throws TypeError when the schema has no such command
   * @example
   * qemu.expect('device_del', { id: 'd0' }).replyError('DeviceNotFound');
   */
  expect<N extends keyof Handlers & string>(
    command: N | BuiltinCommand,
    args?: Expected<ArgumentsOf<Handlers[N]>>,
  ): Expectation<ReturnsOf<Handlers[N]>> {
    return this.#rule(command, args, true);
  }

  /**
   * Says what happens whenever a command comes that no expectation is waiting for. It need not come. The last such rule applies.
   *
   * @throws TypeError when the schema has no such command
   */
  when<N extends keyof Handlers & string>(
    command: N,
    args?: Expected<ArgumentsOf<Handlers[N]>>,
  ): Expectation<ReturnsOf<Handlers[N]>> {
    return this.#rule(command, args, false);
  }

  /**
   * Sends an event to all clients; without data, with data by the schema.
   *
   * @throws when the schema does not allow it
   */
  emit(event: string, data?: object): void {
    const { name, data: carried } = this.#event(event, data);
    this.events.emit(name, carried);
  }

  /** Sends all clients something as it is, whether or not it is QMP. */
  send(text: string | Uint8Array): void {
    this.#door?.send(text);
  }

  /** Ends all connections at once. New ones are taken. */
  disconnect(): void {
    this.#door?.disconnect();
  }

  /**
   * Checks that everything came that was expected, and that no handler failed.
   *
   * @throws {@link MockError} that names all that is different, and what came
   */
  verify(): void {
    this.#script.verify();
  }

  /** Disconnects all clients and takes no more. */
  close(): Promise<void> {
    this.#closing ??= Promise.all([this.#server.close(), this.#door?.close()]).then(() => {});
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #rule<R>(command: string, args: unknown, expected: boolean): Expectation<R> {
    if (!this.#model.commands.has(command) && !isBuiltin(command)) {
      throw new TypeError(`the schema has no command '${command}'`);
    }
    const rule = {
      command,
      args,
      expected,
      times: 1,
      called: 0,
      outcome: { kind: 'usual' },
      fault: undefined,
    } as const;
    const changing = { ...rule, events: [] };
    this.#script.add(changing);
    return new Expectation<R>(changing, this.#context);
  }

  get #context(): ExpectationContext {
    return {
      checkResult: (command, value) => {
        const returns = this.#model.commands.get(command)?.returns;
        if (returns) returns.encode(value, { root: command });
        else if (value !== undefined) throw new TypeError(`${command} returns nothing`);
      },
      event: (name, data) => this.#event(name, data),
      checkControlled: (command) => {
        if (isBuiltin(command)) throw new TypeError(`the server itself executes ${command}: it can only be expected`);
      },
    };
  }

  #event(name: string, data: object | undefined): FollowingEvent {
    const entry = this.#model.events.get(name);
    if (!entry) throw new TypeError(`the schema has no event '${name}'`);
    if (!entry.data) {
      if (data !== undefined) throw new TypeError(`${name} carries no data`);
      return { name, data: undefined };
    }
    const definition = this.#model.schema.lookup(name);
    const type = definition?.kind === 'event' ? definition.arguments : undefined;
    const carried = data ?? entry.data.decode(type && this.#values.of(type, name));
    return { name, data: entry.data.encode(carried, { root: name }) };
  }
}

const isBuiltin = (command: string): command is BuiltinCommand =>
  (builtinCommands as readonly string[]).includes(command);

function textOf({ name, data }: FollowingEvent): string {
  const now = Date.now();
  const timestamp = { seconds: Math.floor(now / 1000), microseconds: (now % 1000) * 1000 };
  return `${stringifyReply({ timestamp, event: name, ...(data !== undefined && { data }) })}\r\n`;
}

/**
 * Starts a QMP server for tests that answers every command of a schema with values that the schema allows, without any set-up.
 * Handlers, expectations, events and faults make of it the program that a test needs.
 *
 * @param source a schema, or what the generator wrote for it; that types handlers and expectations
 * @throws ListenError when the address is malformed or not available
 * @example
 * import * as generated from './generated/index.js';
 * await using qemu = await mockQmp(generated);
 * qemu.expect('device_del', { id: 'd0' }).replyError('DeviceNotFound');
 * await unplugEverything(await connect(qemu.address));
 * qemu.verify();
 */
export function mockQmp<Handlers extends object = AnyHandlers>(
  source: MockSource<Handlers>,
  options: MockOptions<Handlers> = {},
): Promise<MockQmp<Handlers>> {
  return MockQmp.start(source, options);
}
