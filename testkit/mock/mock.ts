import { stringifyReply } from '../../runtime/json/stringify-reply.js';
import type { EventSink } from '../../runtime/qmp/event-sink.js';
import { type BuiltinCommand, builtinCommands } from '../../runtime/qmp/server/builtins.js';
import { QmpServer, type ServerHandlers, type ServerVersion } from '../../runtime/qmp/server/server.js';
import type { StreamPair } from '../../runtime/qmp/streams.js';
import { MockJobs } from './jobs/mock-jobs.js';
import { checkPlan, type MockJobPlan } from './jobs/plan.js';
import type { FollowingEvent } from './rule.js';
import { type AnyHandlers, ScriptedMock, type ScriptedOptions } from './scripted.js';
import { type MockModel, type MockSource, modelOf } from './source.js';

/** How a mock works. */
export interface MockOptions<Handlers> extends ScriptedOptions {
  /** What some commands do; or a function that makes the handlers, given the sink for their events. */
  readonly handlers?: Partial<ServerHandlers<Handlers>> | ((events: EventSink) => Partial<ServerHandlers<Handlers>>);
  /** How jobs go; with `false`, no command starts one, and all that is about jobs is answered like the rest. */
  readonly jobs?: MockJobPlan | false;
  /** What the greeting and `query-version` tell. Default: 0.0.0. */
  readonly version?: ServerVersion;
  /** Events that are sent before the greeting, with data by the schema. */
  readonly beforeGreeting?: readonly string[];
}

/** A QMP server that answers every command of a schema. Made by {@link mockQmp}. */
export class MockQmp<Handlers extends object = AnyHandlers> extends ScriptedMock<Handlers, BuiltinCommand> {
  /** Where the generated emitters send events. */
  readonly events: EventSink;
  /** Resolves when the mock has been closed, by {@link MockQmp.close} or by the command `quit`. */
  readonly closed: Promise<void>;
  readonly #server: QmpServer;

  private constructor(model: MockModel, options: MockOptions<Handlers>) {
    const opening = ['qmp_capabilities'];
    super(model, options, { opening, expectable: builtinCommands.filter((name) => !opening.includes(name)) });
    const { handlers = {}, jobs = {}, version } = options;
    this.#server = new QmpServer({
      dispatch: this.table,
      handlers: {},
      events: model.events,
      introspection: model.introspection,
      ...(version && { version }),
      // A test waits for what it has sent.
      rateLimits: {},
      onProblem: (problem) => this.problem(problem),
    });
    this.events = this.#server.events;
    if (jobs !== false) this.jobs = new MockJobs(model, checkPlan(jobs), this.events);
    this.handlers = typeof handlers === 'function' ? handlers(this.events) : handlers;
    this.closed = this.#server.closed.then(() => this.close());
  }

  /** @internal */
  static async start<H extends object>(source: MockSource<H>, options: MockOptions<H>): Promise<MockQmp<H>> {
    const mock = new MockQmp<H>(await modelOf(source), options);
    const early = (options.beforeGreeting ?? []).map((name) => textOf(mock.event(name, undefined)));
    await mock.open(options, early.join(''));
    return mock;
  }

  /**
   * Sends an event to all clients; without data, with data by the schema.
   *
   * @throws when the schema does not allow it
   */
  emit(event: string, data?: object): void {
    this.sendEvent(this.event(event, data));
  }

  protected sendEvent({ name, data }: FollowingEvent): void {
    this.events.emit(name, data);
  }

  protected serve(streams: StreamPair): void {
    this.#server.serve(streams);
  }

  protected closeServer(): Promise<void> {
    return this.#server.close();
  }
}

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
