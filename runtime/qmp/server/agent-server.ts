import { stringifyReply } from '../../json/stringify-reply.js';
import type { JsonObject, JsonValue } from '../../json/value.js';
import type { CommandTable } from '../command-table.js';
import { QmpError } from '../error.js';
import type { StreamPair } from '../streams.js';
import { serveAgent } from './agent-monitor.js';
import type { Builtin } from './builtins.js';
import { Dispatcher, isHandled } from './dispatcher.js';
import { type ListenAddress, type Listener, listen } from './listen.js';
import { reportProblem, type ServerProblem } from './problem.js';
import { ServerSession } from './session.js';

/** The commands that every agent has, whatever its schema. */
export type AgentBuiltin = 'guest-sync' | 'guest-sync-delimited' | 'guest-ping' | 'guest-info';

/** How a server that plays a guest agent works. */
export interface AgentServerOptions<Handlers> {
  /** The generated table of the commands of the agent's schema. */
  readonly dispatch: CommandTable<Handlers>;
  /** What the commands do. Those without a handler are disabled, as an administrator disables commands of the real agent. */
  readonly handlers: Partial<Omit<Handlers, AgentBuiltin>>;
  /** Where to take clients. */
  readonly listen?: ListenAddress | readonly ListenAddress[];
  /** What `guest-info` tells. Default: 0.0.0. */
  readonly version?: string;
  /** Receives the whole of unexpected errors, of which a client learns only that there was one. Default: the standard error. */
  readonly onProblem?: (problem: ServerProblem) => void;
}

/** A server that plays a guest agent. Made by {@link createAgentServer}. */
export class AgentServer implements AsyncDisposable {
  readonly #listeners: Listener[] = [];
  readonly #clients = new Set<StreamPair>();
  readonly #execute: Parameters<typeof serveAgent>[1]['execute'];
  readonly #onProblem: ((problem: ServerProblem) => void) | undefined;

  constructor({ dispatch, handlers, version = '0.0.0', onProblem }: AgentServerOptions<object>) {
    const dispatcher = new Dispatcher<object>({
      commands: dispatch,
      handlers,
      partial: true,
      builtins: builtins(version, () => supported(dispatch, handlers)),
      policy: {},
      preconfig: () => false,
    });
    const session = new ServerSession([]);
    session.negotiated([]);
    this.#execute = (request, signal) => dispatcher.execute(request, session, signal);
    this.#onProblem = onProblem;
  }

  /** Where the server takes clients, as they would name it. */
  get addresses(): readonly string[] {
    return this.#listeners.map((listener) => listener.address);
  }

  /**
   * Takes clients at one more place.
   *
   * @throws ListenError when the address is malformed or not available
   */
  async listen(address: ListenAddress): Promise<void> {
    this.#listeners.push(await listen(address, (streams) => this.serve(streams)));
  }

  /** Serves a client that is already connected. */
  serve(streams: StreamPair): void {
    this.#clients.add(streams);
    const failed = (command: string, error: unknown): void =>
      reportProblem(this.#onProblem, { kind: 'handler', command, error });
    void serveAgent(streams, { write: stringifyReply, execute: this.#execute, failed }).then(() =>
      this.#clients.delete(streams),
    );
  }

  /** Takes no more clients, disconnects those that are there and removes the socket files. */
  async close(): Promise<void> {
    const listeners = this.#listeners.map((listener) => listener.close());
    for (const { readable, writable } of this.#clients) {
      writable.end();
      readable.destroy();
    }
    await Promise.all(listeners);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function builtins(version: string, commands: () => JsonValue): Record<AgentBuiltin, Builtin> {
  return {
    'guest-sync': synchronize,
    'guest-sync-delimited': synchronize,
    'guest-ping': (args) => {
      refuseOthers(args, []);
      return {};
    },
    'guest-info': (args) => {
      refuseOthers(args, []);
      return { version, supported_commands: commands() };
    },
  };
}

function synchronize(args: JsonObject): JsonValue {
  const { id } = args;
  const isInteger = typeof id === 'bigint' ? BigInt.asIntN(64, id) === id : Number.isSafeInteger(id);
  if (!isInteger) throw new QmpError('id: expected an integer of 64 bits');
  refuseOthers(args, ['id']);
  return id as JsonValue;
}

function refuseOthers(args: JsonObject, known: readonly string[]): void {
  for (const name of Object.keys(args)) if (!known.includes(name)) throw new QmpError(`${name}: unexpected argument`);
}

function supported(dispatch: CommandTable<object>, handlers: object): JsonValue {
  const own = ['guest-sync', 'guest-sync-delimited', 'guest-ping', 'guest-info'];
  const others = [...dispatch.values()].filter(({ name }) => !own.includes(name));
  return [
    ...own.map((name) => ({ name, enabled: true, 'success-response': true })),
    ...others.map(({ name, successResponse = true }) => ({
      name,
      enabled: isHandled(handlers, name),
      'success-response': successResponse,
    })),
  ];
}

/**
 * Starts a server that plays a guest agent: the real one's conversation, and the commands of a schema by handlers. It is for tests
 * of programs that talk to agents, and for guests of one's own.
 *
 * @example
 * await createAgentServer({ dispatch: commands, handlers: { 'guest-get-host-name': () => ({ 'host-name': 'vm' }) }, listen: 'unix:qga' });
 * @throws ListenError when an address is malformed or not available
 */
export async function createAgentServer<Handlers extends object>(
  options: AgentServerOptions<Handlers>,
): Promise<AgentServer> {
  const server = new AgentServer(options as unknown as AgentServerOptions<object>);
  try {
    for (const address of [options.listen ?? []].flat() as ListenAddress[]) await server.listen(address);
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}
