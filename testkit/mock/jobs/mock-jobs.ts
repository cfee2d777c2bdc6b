import { jobCommands } from '../../../runtime/block/commands/jobs.js';
import { invalid } from '../../../runtime/block/error.js';
import { Turns } from '../../../runtime/block/graph/turns.js';
import { checkSpeed, isOfNode, Job } from '../../../runtime/block/jobs/job.js';
import { JobGroup } from '../../../runtime/block/jobs/job-group.js';
import { JobList } from '../../../runtime/block/jobs/job-list.js';
import { systemClock } from '../../../runtime/block/system-clock.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../runtime/json/value.js';
import type { EventSink } from '../../../runtime/qmp/event-sink.js';
import { Values } from '../../values.js';
import { fitted } from '../fitted.js';
import type { MockModel } from '../source.js';
import { becomesReady, type JobType, jobTypeOf } from './job-commands.js';
import type { MockJobPlan } from './plan.js';
import { pretendedWork } from './pretended-work.js';

type Handlers = { readonly [command: string]: (args: JsonObject) => unknown };

/** Bytes of the disk that jobs copy, unless a plan says otherwise. */
const diskLength = 1024 * 1024;

/**
 * The jobs of a mock: the server's own, with its states, verbs and events, whose work is only pretended. Of all that, clients see what
 * the mock's schema has.
 */
export class MockJobs {
  readonly #model: MockModel;
  readonly #plan: MockJobPlan;
  readonly #events: EventSink;
  readonly #list = new JobList();
  readonly #turns = new Turns();
  readonly #values = new Values();
  readonly #commands = jobCommands(this.#list) as unknown as Handlers;
  /** The ids of all jobs that were ever started. */
  readonly #known = new Set<unknown>();

  constructor(model: MockModel, plan: MockJobPlan, events: EventSink) {
    this.#model = model;
    this.#plan = plan;
    this.#events = { emit: (name, data) => this.#emit(events, name, data) };
  }

  /** Whether a command starts a job, also as an action of a transaction. */
  starts(command: string): boolean {
    return command === 'transaction' || this.#typeOf(command) !== undefined;
  }

  /**
   * What a command asks about jobs or does to one, as a function; undefined when it is about something else, or about a job that was
   * not started here.
   */
  about(command: string, args: JsonObject): (() => Promise<JsonValue | undefined>) | undefined {
    const act = Object.hasOwn(this.#commands, command) ? this.#commands[command] : undefined;
    if (act === undefined) return undefined;
    if (!command.startsWith('query-') && !this.#known.has(args.id ?? args.device)) return undefined;
    return () => this.#turns.run(async () => this.#fitted(command, await act(args)));
  }

  /**
   * Starts the jobs that a command starts, if any.
   *
   * @param plan how they go; by default as the mock's jobs do
   * @throws BlockError when an id is malformed or in use
   */
  async start(command: string, args: JsonObject, plan = this.#plan): Promise<void> {
    const grouped = isJsonObject(args.properties) && args.properties['completion-mode'] === 'grouped';
    const group = grouped ? new JobGroup() : undefined;
    const jobs: Job[] = [];
    try {
      for (const [name, data] of command === 'transaction' ? actionsIn(args) : [[command, args] as const]) {
        const type = this.#typeOf(name);
        if (type !== undefined) jobs.push(this.#create(type, data, { ...this.#plan, ...plan }, group));
      }
    } catch (error) {
      for (const job of jobs) await job.abandon();
      throw error;
    }
    for (const job of jobs) job.start();
  }

  /** Ends all jobs. */
  async close(): Promise<void> {
    await this.#turns.run(() => this.#list.endAll());
  }

  #typeOf(name: string): JobType | undefined {
    const command = this.#model.schema.lookup(name);
    return command?.kind === 'command' ? jobTypeOf(this.#model.schema, command) : undefined;
  }

  #create(type: JobType, args: JsonObject, plan: MockJobPlan, group: JobGroup | undefined): Job {
    const id = args['job-id'] ?? args.device;
    if (typeof id !== 'string') throw invalid('An explicit job ID is required for this node');
    this.#list.checkFree(id);
    const speed = Number(args.speed ?? 0);
    checkSpeed(speed);
    const ofNode = isOfNode(type);
    const job: Job = new Job({
      id,
      type,
      group,
      speed,
      autoFinalize: args['auto-finalize'] !== false,
      // What has no such argument is dismissed by hand.
      autoDismiss: args['auto-dismiss'] !== false && ofNode,
      host: { clock: systemClock, events: this.#events, warn: () => {} },
      turns: this.#turns,
      onReport: () => {},
      release: async () => {},
      rest: async () => {},
      forget: () => this.#list.forget(id),
    });
    const { length = ofNode ? diskLength : 1 } = plan;
    job.work = pretendedWork(plan, length, becomesReady(type, args));
    this.#known.add(id);
    this.#list.add(job);
    return job;
  }

  #fitted(command: string, value: unknown): JsonValue | undefined {
    const { schema, commands } = this.#model;
    const definition = schema.lookup(command);
    const entry = commands.get(command);
    if (definition?.kind !== 'command' || !definition.returns || !entry?.returns) return undefined;
    return entry.returns.decode(fitted(definition.returns, value as JsonValue, this.#values)) as JsonValue;
  }

  /** Sends an event if the schema has it. */
  #emit(sink: EventSink, name: string, data: JsonValue | undefined): void {
    const event = this.#model.schema.lookup(name);
    if (event?.kind !== 'event') return;
    sink.emit(name, event.arguments && data !== undefined ? fitted(event.arguments, data, this.#values) : undefined);
  }
}

function actionsIn({ actions }: JsonObject): (readonly [string, JsonObject])[] {
  return (Array.isArray(actions) ? actions : [])
    .filter(isJsonObject)
    .map(({ type, data }) => [String(type), isJsonObject(data) ? data : {}]);
}
