import type { CommandContext, CommandTable } from '../../runtime/qmp/command-table.js';
import type { ServerProblem } from '../../runtime/qmp/server/problem.js';
import type { StreamPair } from '../../runtime/qmp/streams.js';
import { Values } from '../values.js';
import { Answers, type PlainResults } from './answers.js';
import { Door, type MockAddress } from './door.js';
import { Expectation, type ExpectationContext } from './expectation.js';
import { FaultyReplies } from './faulty-replies.js';
import type { MockJobs } from './jobs/mock-jobs.js';
import type { FollowingEvent, Rule } from './rule.js';
import { type MockCall, Script } from './script.js';
import type { MockModel } from './source.js';

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

/** How every mock works. */
export interface ScriptedOptions {
  /** Where it takes clients. Default: a unix socket in a temporary folder, gone when the mock is closed. */
  readonly listen?: MockAddress;
  /** Makes random values, the same for the same seed. Default: plain ones. */
  readonly seed?: number;
  /** What becomes of a command that has neither a handler nor a rule. Default: `answer`, with a value by the schema. */
  readonly unhandled?: 'answer' | 'refuse';
  /** Called with every command that comes and that the schema allows, before it is answered. */
  readonly onCall?: (call: MockCall) => void;
  /** Whether the expected commands must come in the order in which they are expected. Default: no. */
  readonly ordered?: boolean;
  /** Takes clients, and never sends them anything. Default: no. */
  readonly silent?: boolean;
  /** Sends everything in pieces of so many bytes. */
  readonly split?: number;
  /** Milliseconds between the pieces of `split`. Default: 0. */
  readonly delay?: number;
}

/** What a kind of server has of its own. */
export interface ServerHabits {
  /** The commands that it executes itself and that can be expected, and nothing else. */
  readonly expectable: readonly string[];
  /** Those that begin a conversation, which a mock does not count. */
  readonly opening: readonly string[];
  /** What some commands return unless values are random. */
  readonly plainResults?: PlainResults;
}

/** A server that answers every command of a schema, as a test wants it to. */
export abstract class ScriptedMock<Handlers extends object, Builtin extends string> implements AsyncDisposable {
  protected readonly model: MockModel;
  /** The commands, for a server without handlers. */
  protected readonly table: CommandTable<object>;
  /** What the test gave. */
  protected handlers: object = {};
  protected jobs: MockJobs | undefined;
  readonly #values: Values;
  readonly #habits: ServerHabits;
  readonly #script: Script;
  readonly #faulty = new FaultyReplies();
  #door: Door | undefined;
  #closing: Promise<void> | undefined;

  protected constructor(model: MockModel, options: ScriptedOptions, habits: ServerHabits) {
    const { unhandled = 'answer', ordered = false, seed, onCall } = options;
    this.model = model;
    this.#values = new Values(seed === undefined ? {} : { seed });
    this.#habits = habits;
    this.#script = new Script(ordered, onCall);
    const answers = new Answers({
      model,
      values: this.#values,
      script: this.#script,
      faulty: this.#faulty,
      plainResults: seed === undefined ? (habits.plainResults ?? {}) : {},
      jobs: () => this.jobs,
      handlers: () => this.handlers,
      refuses: unhandled === 'refuse',
      emit: (event) => this.sendEvent(event),
    });
    this.table = answers.table;
  }

  /** Serves a client. */
  protected abstract serve(streams: StreamPair): void;

  protected abstract closeServer(): Promise<void>;

  protected abstract sendEvent(event: FollowingEvent): void;

  /**
   * Begins to take clients.
   *
   * @param greeting what is sent to a client before the server sees it
   */
  protected async open({ listen, split, delay, silent = false }: ScriptedOptions, greeting: string): Promise<void> {
    const { expectable } = this.#habits;
    this.#door = await Door.open({
      listen,
      wire: { split, delay },
      silent,
      greeting,
      faultOf: (message) => this.#faulty.of(message),
      received: (command, args) => {
        if (expectable.includes(command)) this.#script.take(command, args);
      },
      serve: (streams) => this.serve(streams),
    });
  }

  protected problem(problem: ServerProblem): void {
    this.#script.problem(
      problem.kind === 'client' ? problem.message : `${problem.command}: its handler failed: ${problem.error}`,
    );
  }

  /** Where it takes clients, as `connect` understands it: `unix:PATH` or `tcp:HOST:PORT`. */
  get address(): string {
    return (this.#door as Door).address;
  }

  /** The path of its unix socket, for programs that want that; empty when it has none. */
  get path(): string {
    return this.address.startsWith('unix:') ? this.address.slice('unix:'.length) : '';
  }

  /** All commands that it was sent and that the schema allows, in their order; those that begin the conversation aside. */
  get calls(): readonly MockCall[] {
    return this.#script.calls;
  }

  /** The commands that came although there was neither a handler nor a rule for them. */
  get unhandled(): readonly string[] {
    return [...this.#script.unhandled];
  }

  /** Whether a command returns something. */
  returns(command: string): boolean {
    return this.model.commands.get(command)?.returns !== undefined;
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
    command: N | Builtin,
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

  /** Sends all clients something as it is, whether or not it is well-formed. */
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
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await Promise.all([this.closeServer(), this.#door?.close()]);
    await this.jobs?.close();
  }

  #rule<R>(command: string, args: unknown, expected: boolean): Expectation<R> {
    if (this.#habits.opening.includes(command)) {
      throw new TypeError(`${command} begins the conversation, and is not counted`);
    }
    if (!this.model.commands.has(command) && !this.#isBuiltin(command)) {
      throw new TypeError(`the schema has no command '${command}'`);
    }
    const rule: Rule = {
      command,
      args,
      expected,
      times: 1,
      called: 0,
      outcome: { kind: 'usual' },
      fault: undefined,
      events: [],
      job: undefined,
    };
    this.#script.add(rule);
    return new Expectation<R>(rule, this.#context);
  }

  get #context(): ExpectationContext {
    return {
      checkResult: (command, value) => {
        const returns = this.model.commands.get(command)?.returns;
        if (returns) returns.encode(value, { root: command });
        else if (value !== undefined) throw new TypeError(`${command} returns nothing`);
      },
      event: (name, data) => this.event(name, data),
      checkStartsJob: (command) => {
        if (!this.jobs?.starts(command)) throw new TypeError(`${command} starts no job`);
      },
      checkControlled: (command) => {
        if (this.#isBuiltin(command)) {
          throw new TypeError(`the server itself executes ${command}: it can only be expected`);
        }
      },
    };
  }

  #isBuiltin(command: string): boolean {
    return this.#habits.expectable.includes(command);
  }

  /** An event with its data ready for the wire; without data, with data by the schema. */
  protected event(name: string, data: object | undefined): FollowingEvent {
    const entry = this.model.events.get(name);
    if (!entry) throw new TypeError(`the schema has no event '${name}'`);
    if (!entry.data) {
      if (data !== undefined) throw new TypeError(`${name} carries no data`);
      return { name, data: undefined };
    }
    const definition = this.model.schema.lookup(name);
    const type = definition?.kind === 'event' ? definition.arguments : undefined;
    const carried = data ?? entry.data.decode(type && this.#values.of(type, name));
    return { name, data: entry.data.encode(carried, { root: name }) };
  }
}
