import { type AgentBuiltin, AgentServer } from '../../runtime/qmp/server/agent-server.js';
import type { StreamPair } from '../../runtime/qmp/streams.js';
import type { PlainResults } from './answers.js';
import { type AnyHandlers, ScriptedMock, type ScriptedOptions } from './scripted.js';
import { type MockModel, type MockSource, modelOf } from './source.js';

/** How a mock of a guest agent works. */
export interface MockAgentOptions<Handlers> extends ScriptedOptions {
  /** What some commands do. */
  readonly handlers?: Partial<Omit<Handlers, AgentBuiltin>>;
  /** The commands that the guest's administrator has disabled. Default: none. */
  readonly disabled?: readonly string[];
  /** What `guest-info` tells. Default: 0.0.0. */
  readonly version?: string;
  /** What an earlier client has left in the channel: each that connects is sent it first. */
  readonly stale?: string;
}

/** Plain results that let a client come to an end that asks until there is no more: what runs has ended, what is read is empty. */
const plainResults: PlainResults = {
  'guest-exec-status': { exited: true, exitcode: 0 },
  'guest-file-read': { count: 0, 'buf-b64': '', eof: true },
};

/** The commands that an agent's server executes itself and that a test can expect. */
type Expectable = 'guest-ping' | 'guest-info';

/** A server that plays a guest agent and answers every command of its schema. Made by {@link mockAgent}. */
export class MockAgent<Handlers extends object = AnyHandlers> extends ScriptedMock<Handlers, Expectable> {
  readonly #server: AgentServer;

  private constructor(
    model: MockModel,
    { handlers = {}, disabled = [], version, ...options }: MockAgentOptions<Handlers>,
  ) {
    const expectable: Expectable[] = ['guest-ping', 'guest-info'];
    super(model, options, { opening: ['guest-sync', 'guest-sync-delimited'], expectable, plainResults });
    const unknown = disabled.find((name) => !model.commands.has(name));
    if (unknown !== undefined) throw new TypeError(`the schema has no command '${unknown}'`);
    this.handlers = handlers;
    const enabled = [...model.commands.keys()].filter((name) => !disabled.includes(name));
    this.#server = new AgentServer({
      dispatch: this.table,
      handlers: Object.fromEntries(enabled.map((name) => [name, () => {}])),
      ...(version !== undefined && { version }),
      onProblem: (problem) => this.problem(problem),
    });
  }

  /** @internal */
  static async start<H extends object>(source: MockSource<H>, options: MockAgentOptions<H>): Promise<MockAgent<H>> {
    const mock = new MockAgent<H>(await modelOf(source), options);
    await mock.open(options, options.stale ?? '');
    return mock;
  }

  protected serve(streams: StreamPair): void {
    this.#server.serve(streams);
  }

  protected closeServer(): Promise<void> {
    return this.#server.close();
  }

  /** An agent has no events. */
  protected sendEvent(): void {}
}

/**
 * Starts a guest agent for tests that answers every command of a schema, as {@link mockQmp} does for QMP: without a greeting and events,
 * one command at a time, with `guest-sync-delimited` and its mark, and without a reply where the schema says so.
 *
 * @param source the agent's schema, or what the generator wrote for it
 * @throws ListenError when the address is malformed or not available
 * @example
 * await using guest = await mockAgent(generated, { disabled: ['guest-exec'] });
 * guest.expect('guest-fsfreeze-freeze').reply(2);
 * await backUp(await connectAgent(guest.address));
 * guest.verify();
 */
export function mockAgent<Handlers extends object = AnyHandlers>(
  source: MockSource<Handlers>,
  options: MockAgentOptions<Handlers> = {},
): Promise<MockAgent<Handlers>> {
  return MockAgent.start(source, options);
}
