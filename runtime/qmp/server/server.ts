import { type ReplyLayout, replyWriter } from '../../json/stringify-reply.js';
import type { JsonObject, JsonValue } from '../../json/value.js';
import type { CommandTable } from '../command-table.js';
import type { EventSink, EventTable } from '../event-sink.js';
import type { StreamPair } from '../streams.js';
import { type BuiltinCommand, builtinCommands, builtins } from './builtins.js';
import { Dispatcher, isHandled } from './dispatcher.js';
import { EventLimiter } from './event-limiter.js';
import { type RateLimits, rateLimitsOf, referenceRateLimits } from './event-limits.js';
import { Executor } from './executor.js';
import { type ListenAddress, type Listener, listen } from './listen.js';
import { Monitor, type MonitorCollaborators } from './monitor.js';
import { offeredBy } from './offered.js';
import type { OlderForms } from './older-forms.js';
import { type CompatPolicy, isHidden, withoutDeprecated } from './policy.js';
import { reportProblem, type ServerProblem } from './problem.js';

/** Handlers of all commands but those that the server executes itself. */
export type ServerHandlers<Handlers> = Omit<Handlers, BuiltinCommand>;

/** The version that a server tells its clients. */
export interface ServerVersion {
  readonly major: number;
  readonly minor: number;
  readonly micro: number;
  /** Free text. Default: empty. */
  readonly package?: string;
}

/** How a QMP server works. */
export interface QmpServerOptions<Handlers> {
  /** The generated table of commands. */
  readonly dispatch: CommandTable<Handlers>;
  /** What the commands do; or a function that makes the handlers, given the sink for their events. */
  readonly handlers: ServerHandlers<Handlers> | ((events: EventSink) => ServerHandlers<Handlers>);
  /** Whether handlers may be missing: {@link PartialServerOptions}. */
  readonly partial?: false;
  /** The generated table of events. */
  readonly events?: EventTable;
  /** The generated introspection data, which `query-qmp-schema` returns. */
  readonly introspection?: readonly (object | JsonValue)[];
  /** Where to take clients. More places can be added later. */
  readonly listen?: ListenAddress | readonly ListenAddress[];
  /** What the greeting and `query-version` tell. Default: 0.0.0. */
  readonly version?: ServerVersion;
  /** By command, how arguments of releases before the schema are read. Default: they are refused. */
  readonly olderForms?: OlderForms;
  /** What to do with deprecated and unstable interfaces. */
  readonly policy?: CompatPolicy;
  /** Ends the program when a client uses what the policy crashes at. Default: by `SIGABRT`, after a line on the standard error. */
  readonly crash?: (reason: string) => void;
  /** Whether to begin in the phase in which only commands with `allow-preconfig` may run. Default: no. */
  readonly preconfig?: boolean;
  /** How replies look. Default: compact. */
  readonly layout?: ReplyLayout;
  /** How often events may be sent. Default: as the release that {@link version} names limits them; without it, as the newest does. */
  readonly rateLimits?: RateLimits;
  /** The most bytes that may wait for one client to read them; beyond, it is disconnected. Default: 64 MiB. */
  readonly maxBuffered?: number;
  /**
   * How long a client that has ended its side may wait for answers, in milliseconds; after that the `signal`
   * of commands that still run is aborted. Default: 10 s.
   */
  readonly linger?: number;
  /**
   * A client has sent `quit`: nothing is executed any more, and {@link QmpServer.close} is left to the program. What happens before is
   * still reported to clients by events. Default: the server closes at once.
   */
  readonly onQuit?: () => void;
  /** Called before `quit` is answered: events that are sent now precede the answer, as QEMU's `SHUTDOWN` does. */
  readonly beforeQuit?: () => void;
  /**
   * Called with what the operator should know: the whole story of unexpected errors, which clients do not receive. Default: such
   * errors go to the standard error.
   */
  readonly onProblem?: (problem: ServerProblem) => void;
}

/** How a server works that has handlers of some commands: the others are not there for its clients. */
export type PartialServerOptions<Handlers> = Omit<QmpServerOptions<Handlers>, 'handlers' | 'partial'> & {
  /** What some commands do; or a function that makes the handlers, given the sink for their events. */
  readonly handlers: Partial<ServerHandlers<Handlers>> | ((events: EventSink) => Partial<ServerHandlers<Handlers>>);
  /** A command without a handler is `CommandNotFound`, and neither `query-commands` nor `query-qmp-schema` has it. */
  readonly partial: true;
};

const defaultBuffer = 64 * 1024 * 1024;

const defaultLinger = 10_000;

/** A QMP server on the generated dispatch layer. Made by {@link createQmpServer}. */
export class QmpServer implements AsyncDisposable {
  /** Where the generated emitters send the server's events. */
  readonly events: EventSink;
  /** Resolves when the server has been closed, by {@link QmpServer.close} or by the command `quit`. */
  readonly closed: Promise<void>;
  readonly #listeners: Listener[] = [];
  readonly #monitors = new Set<Monitor>();
  readonly #limiter: EventLimiter;
  readonly #collaborators: MonitorCollaborators;
  #preconfig: boolean;
  #closing: Promise<void> | undefined;
  #resolveClosed: () => void = () => {};

  constructor(options: QmpServerOptions<object> | PartialServerOptions<object>) {
    const { policy = {}, layout = {}, events: table, onProblem } = options;
    this.#preconfig = options.preconfig ?? false;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    const write = replyWriter(layout);
    const limits = options.version === undefined ? referenceRateLimits : rateLimitsOf(options.version);
    this.#limiter = new EventLimiter(options.rateLimits ?? limits, (message) => {
      const text = `${write(message)}\r\n`;
      for (const monitor of this.#monitors) {
        monitor.event(monitor.write === write ? text : `${monitor.write(message)}\r\n`);
      }
    });
    const hides = policy.deprecatedOutput === 'hide' || policy.unstableOutput === 'hide';
    const hiding = { deprecated: policy.deprecatedOutput, unstable: policy.unstableOutput };
    this.events = {
      emit: (name, data, features) => {
        const entry = table?.get(name);
        if (isHidden(features ?? entry?.features, policy)) return;
        this.#limiter.send(name, hides && data !== undefined && entry?.data ? entry.data.encode(data, hiding) : data);
      },
    };
    const { introspection = [], partial = false } = options;
    const handlers = typeof options.handlers === 'function' ? options.handlers(this.events) : options.handlers;
    const names = [...options.dispatch.keys()].filter((name) => !partial || isHandled(handlers, name));
    const version = versionInfo(options.version ?? { major: 0, minor: 0, micro: 0 });
    const whole = introspection as unknown as JsonValue;
    const there = new Set<string>([...names, ...builtinCommands]);
    const data = partial ? offeredBy(whole, (name) => there.has(name)) : whole;
    const dispatcher = new Dispatcher<object>({
      commands: options.dispatch,
      handlers,
      partial,
      builtins: builtins({
        version,
        commands: [...there],
        introspection: policy.deprecatedOutput === 'hide' ? withoutDeprecated(data) : data,
        quit: () => {
          options.beforeQuit?.();
          executor.stop();
          // The reply goes out first.
          setImmediate(() => (options.onQuit === undefined ? void this.close() : options.onQuit()));
        },
      }),
      olderForms: options.olderForms,
      policy,
      crash: options.crash ?? abort,
      preconfig: () => this.#preconfig,
    });
    const executor = new Executor(dispatcher);
    this.#collaborators = {
      protocol: {
        greeting: { QMP: { version, capabilities: ['oob'] } },
        capabilities: ['oob'],
        write,
        maxBuffered: options.maxBuffered ?? defaultBuffer,
        linger: options.linger ?? defaultLinger,
      },
      executor,
      observer: {
        failed: (command, error) => reportProblem(onProblem, { kind: 'handler', command, error }),
        ended: (monitor, problem) => {
          this.#monitors.delete(monitor);
          if (problem === undefined) return;
          reportProblem(onProblem, { kind: 'client', message: `A client was disconnected: ${problem}` });
        },
      },
    };
  }

  /** Where the server takes clients, as they would name it. */
  get addresses(): readonly string[] {
    return this.#listeners.map((listener) => listener.address);
  }

  /** How many clients are connected. */
  get clients(): number {
    return this.#monitors.size;
  }

  /**
   * Takes clients at one more place.
   *
   * @throws ListenError when the address is malformed or not available
   */
  async listen(address: ListenAddress): Promise<void> {
    this.#listeners.push(await listen(address, (streams) => this.serve(streams)));
  }

  /**
   * Serves a client that is already connected.
   *
   * @param layout how its replies look. Default: as those of the others
   */
  serve(streams: StreamPair, layout?: ReplyLayout): void {
    if (this.#closing) {
      streams.readable.destroy();
      streams.writable.end();
      return;
    }
    const { protocol, ...others } = this.#collaborators;
    const own = layout === undefined ? protocol : { ...protocol, write: replyWriter(layout) };
    this.#monitors.add(new Monitor(streams, { ...others, protocol: own }));
  }

  /** The machine is complete: from now on all commands may run. */
  completePreconfig(): void {
    this.#preconfig = false;
  }

  /** Executes nothing any more. Clients stay connected, and receive events, until {@link QmpServer.close}. */
  stopExecuting(): void {
    this.#collaborators.executor.stop();
  }

  /** Takes no more clients, disconnects those that are there and removes the socket files. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#limiter.close();
    const listeners = Promise.all(this.#listeners.map((listener) => listener.close()));
    for (const monitor of this.#monitors) monitor.end();
    await listeners;
    this.#resolveClosed();
  }
}

function abort(reason: string): void {
  process.stderr.write(`${reason}\n`);
  process.abort();
}

function versionInfo({ major, minor, micro, package: text = '' }: ServerVersion): JsonObject {
  return { qemu: { micro, minor, major }, package: text };
}

/**
 * Starts a QMP server: wire protocol, negotiation, queues, events and the commands of every server are its own; all other
 * commands go through the generated dispatch table to `handlers`. A mistyped handler does not compile, nor does a missing one,
 * unless `partial` is set.
 *
 * @example
 * const server = await createQmpServer({ dispatch: commandTable, handlers, events, introspection, listen: 'unix:/run/qmp' });
 * @throws ListenError when an address is malformed or not available
 */
export async function createQmpServer<Handlers extends object>(
  options: QmpServerOptions<Handlers> | PartialServerOptions<Handlers>,
): Promise<QmpServer> {
  const server = new QmpServer(options as unknown as QmpServerOptions<object>);
  const addresses = options.listen === undefined ? [] : [options.listen].flat();
  try {
    for (const address of addresses as ListenAddress[]) await server.listen(address);
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}
