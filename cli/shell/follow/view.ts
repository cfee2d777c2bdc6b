import type { Colours } from '../../../generator/text/report/colours.js';
import { QmpError } from '../../../runtime/qmp/error.js';
import type { Output } from '../../host.js';
import { visible } from '../pretty.js';
import type { Terminal } from '../terminal.js';
import type { FollowedJobs, JobProgress } from './followed-jobs.js';
import { JobLines } from './job-lines.js';

/** What a person at a terminal sees of jobs that are followed: a line each, and the question whether to cancel them. */
export class FollowView {
  readonly #terminal: Terminal;
  readonly #output: Output;
  readonly #colours: Colours;
  #lines = new JobLines();
  /** A question that is on the screen. */
  #question: Promise<void> | undefined;

  constructor(terminal: Terminal, output: Output, colours: Colours) {
    this.#terminal = terminal;
    this.#output = output;
    this.#colours = colours;
  }

  show(jobs: readonly JobProgress[]): void {
    // The cursor stands behind the last line.
    const columns = (this.#output.columns ?? 80) - 1;
    this.#terminal.status(this.#lines.of(jobs, columns).join('\n'));
  }

  /** Ctrl-C has come. */
  ask(jobs: FollowedJobs): Promise<void> {
    this.#question ??= this.#ask(jobs).finally(() => {
      this.#question = undefined;
    });
    return this.#question;
  }

  /** Nothing is followed any more. */
  async end(): Promise<void> {
    this.#lines = new JobLines();
    if (this.#question === undefined) return;
    this.#terminal.withdraw();
    await this.#question;
  }

  async #ask(jobs: FollowedJobs): Promise<void> {
    const names = jobs.ids.map(visible).join(', ');
    const answer = await this.#terminal.ask(
      `Cancel ${names}? y cancels, l leaves it running, Enter goes on following: `,
    );
    if (answer === 'l' || answer === 'q') jobs.leave();
    if (answer !== 'y') return;
    try {
      await jobs.cancel();
    } catch (error) {
      if (!(error instanceof QmpError)) throw error;
      this.#terminal.tell(this.#colours.error(visible(error.message)));
    }
  }
}
