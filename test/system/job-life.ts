/** Where a job rests: `gone` is after it was dismissed. */
export type Rest = 'running' | 'paused' | 'ready' | 'standby' | 'waiting' | 'pending' | 'concluded' | 'gone';

/** A verb for a job: a command, and the member that names the job. */
export interface Verb {
  readonly command: string;
  readonly args: { readonly [member: string]: unknown };
}

/** Every verb for a job, in both families. */
export const verbs = (id: string): Verb[] => [
  ...['pause', 'resume', 'cancel', 'complete', 'finalize', 'dismiss'].map((verb) => ({
    command: `job-${verb}`,
    args: { id },
  })),
  ...['pause', 'resume', 'cancel', 'complete'].map((verb) => ({ command: `block-job-${verb}`, args: { device: id } })),
  ...['finalize', 'dismiss'].map((verb) => ({ command: `block-job-${verb}`, args: { id } })),
  { command: 'block-job-cancel', args: { device: id, force: true } },
  { command: 'block-job-set-speed', args: { device: id, speed: 0 } },
];

/** What is asked of a job when it is started. */
export interface Plan {
  /** It copies slowly, so that it is found running. */
  readonly slow: boolean;
  /** It gets ready and waits for its completion. */
  readonly readies: boolean;
  readonly finalize: boolean;
  readonly dismiss: boolean;
}

/** The life of a job by the table of verbs and statuses in the reference, for scripts that have to know where it rests. */
export class JobLife {
  rest: Rest = 'running';
  /** It was asked to complete, and not cancelled after. */
  completed = false;
  /** Where it ended is a matter of time: what it left in its target is not compared. */
  cut = false;
  readonly #plan: Plan;
  #slow: boolean;
  #ends = false;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#slow = plan.slow;
    if (!plan.slow) this.#goOn();
  }

  /** A verb comes, which may be refused. */
  take({ command, args }: Verb): void {
    const was = this.rest;
    const resting = was === 'paused' || was === 'standby';
    const working = was === 'running' || was === 'ready';
    switch (command.replace(/^(block-)?job-/, '')) {
      case 'pause':
        if (working) this.rest = was === 'running' ? 'paused' : 'standby';
        break;
      case 'resume':
        if (was === 'paused') {
          this.rest = 'running';
          if (!this.#slow) this.#goOn();
        } else if (was === 'standby') {
          if (this.#ends) this.#finish();
          else this.rest = 'ready';
        }
        break;
      case 'set-speed':
        if (working || resting) this.#slow = false;
        if (was === 'running') this.#goOn();
        break;
      case 'complete':
        if (was === 'ready' || was === 'standby') this.completed = this.#ends = true;
        if (was === 'ready') this.#finish();
        break;
      case 'cancel':
        this.#cancel(command === 'block-job-cancel' && args.force !== true);
        break;
      case 'finalize':
        if (was === 'pending') this.#conclude();
        break;
      default:
        if (was === 'concluded') this.rest = 'gone';
    }
  }

  #cancel(soft: boolean): void {
    const was = this.rest;
    if (was === 'gone' || was === 'concluded') return;
    if (soft && (was === 'paused' || was === 'standby')) return;
    if (soft && was === 'ready') {
      this.#finish();
      return;
    }
    this.cut ||= was !== 'pending';
    this.completed = false;
    this.#conclude();
  }

  #goOn(): void {
    if (this.#plan.readies) this.rest = 'ready';
    else this.#finish();
  }

  #finish(): void {
    if (this.#plan.finalize) this.#conclude();
    else this.rest = 'pending';
  }

  #conclude(): void {
    this.rest = this.#plan.dismiss ? 'gone' : 'concluded';
  }

  /** Each time that it is resumed, a slow job may copy one more stretch at once: where it is then is a matter of time. */
  slips({ command }: Verb): boolean {
    return this.#slow && command.endsWith('-resume') && this.rest === 'paused';
  }

  /** A verb that brings the job nearer to its end. */
  onward(id: string): Verb | undefined {
    switch (this.rest) {
      case 'running':
        return { command: 'block-job-set-speed', args: { device: id, speed: 0 } };
      case 'paused':
        if (this.#slow) return { command: 'block-job-set-speed', args: { device: id, speed: 0 } };
        return { command: 'job-resume', args: { id } };
      case 'standby':
        return { command: 'job-resume', args: { id } };
      case 'ready':
        return { command: 'job-complete', args: { id } };
      case 'pending':
        return { command: 'job-finalize', args: { id } };
      case 'concluded':
        return { command: 'job-dismiss', args: { id } };
      default:
        return undefined;
    }
  }
}
