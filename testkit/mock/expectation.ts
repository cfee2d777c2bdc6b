import type { QmpErrorClass } from '../../runtime/qmp/error.js';
import { checkPlan, type MockJobPlan } from './jobs/plan.js';
import type { FollowingEvent, ReplyFault, Rule } from './rule.js';

/** What an expectation asks of its mock. */
export interface ExpectationContext {
  /** Refuses what is none of the command's results. */
  checkResult(command: string, value: unknown): void;
  /** An event with its data ready for the wire. */
  event(name: string, data: object | undefined): FollowingEvent;
  /** Refuses a plan for a job where the command starts none. */
  checkStartsJob(command: string): void;
  /** Refuses a change where the mock only looks on. */
  checkControlled(command: string): void;
}

/** What happens when a command comes. All methods return the same object, so that calls form a chain. */
export class Expectation<Returns = unknown> {
  readonly #rule: Rule;
  readonly #context: ExpectationContext;

  /** @internal */
  constructor(rule: Rule, context: ExpectationContext) {
    this.#rule = rule;
    this.#context = context;
  }

  /**
   * Answers with a result; without one, with a result by the schema.
   *
   * @throws when the schema does not allow it
   */
  reply(...result: [value?: Returns]): this {
    this.#context.checkControlled(this.#rule.command);
    if (result.length > 0) this.#context.checkResult(this.#rule.command, result[0]);
    this.#rule.outcome = result.length > 0 ? { kind: 'value', value: result[0] } : { kind: 'usual' };
    return this;
  }

  /** Answers with an error. */
  replyError(errorClass: QmpErrorClass | (string & {}), description = `The mock answers with ${errorClass}`): this {
    this.#context.checkControlled(this.#rule.command);
    this.#rule.outcome = { kind: 'error', class: errorClass, description };
    return this;
  }

  /**
   * Says how the job goes that the command starts.
   *
   * @throws TypeError when it starts none, or the plan is wrong
   * @example
   * qemu.when('blockdev-backup').job({ fails: 'No space left on device' });
   */
  job(plan: MockJobPlan): this {
    this.#context.checkStartsJob(this.#rule.command);
    this.#rule.job = checkPlan(plan);
    return this;
  }

  /** How often the command must come. Default: once. */
  times(number: number): this {
    this.#rule.times = number;
    return this;
  }

  /**
   * Sends an event after the reply; without data, with data by the schema.
   *
   * @throws when the schema does not allow it
   */
  thenEmit(event: string, data?: object): this {
    this.#rule.events.push(this.#context.event(event, data));
    return this;
  }

  /** Sends no reply. */
  stall(): this {
    return this.#fault({ kind: 'stall' });
  }

  /** Ends the connection instead of replying. */
  close(): this {
    return this.#fault({ kind: 'close' });
  }

  /** Sends the reply twice. */
  duplicate(): this {
    return this.#fault({ kind: 'duplicate' });
  }

  /** Sends the reply so many milliseconds later; what comes meanwhile is answered before it. */
  late(delay: number): this {
    return this.#fault({ kind: 'late', delay });
  }

  /** Sends something that is no reply instead of it. */
  garbage(bytes: string | Uint8Array = '}{ "not": json\r\n'): this {
    return this.#fault({ kind: 'garbage', bytes: typeof bytes === 'string' ? Buffer.from(bytes) : bytes });
  }

  /** Sends the reply in pieces of so many bytes, with so many milliseconds between them. */
  split(size: number, delay = 0): this {
    return this.#fault({ kind: 'split', size, delay });
  }

  #fault(fault: ReplyFault): this {
    this.#context.checkControlled(this.#rule.command);
    this.#rule.fault = fault;
    return this;
  }
}
