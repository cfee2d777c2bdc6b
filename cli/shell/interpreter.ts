import type { Colours } from '../../generator/text/report/colours.js';
import { stringify } from '../../runtime/json/stringify.js';
import type { JsonObject } from '../../runtime/json/value.js';
import type { QmpClient } from '../../runtime/qmp/client.js';
import { execute, executeHmp, nothing, type Outcome, outcomeOf, problem } from './execute.js';
import { FollowedJobs, type JobProgress } from './follow/followed-jobs.js';
import { outcomeOfJobs } from './follow/outcome.js';
import { jobsToFollow, startedJobs, withoutFollow } from './follow/read-follow.js';
import { helpFor } from './help.js';
import type { Knowledge } from './knowledge.js';
import { awaitsMore, type Request, readRequest } from './request.js';
import { readAction } from './transaction.js';

/** How lines are read and executed. */
export interface InterpreterOptions {
  readonly client: QmpClient;
  readonly knowledge: Knowledge;
  readonly colours: Colours;
  /** Every line is one of the monitor for people. */
  readonly hmp: boolean;
  /** Called with every request, as the JSON that is sent. */
  readonly onRequest?: ((json: string) => void) | undefined;
  /** Called now and then with how far the jobs are that are followed. */
  readonly onJobs?: ((jobs: readonly JobProgress[]) => void) | undefined;
}

/** Where a line stands that is written now. */
export type Mode = 'qmp' | 'hmp' | 'transaction' | 'more';

/** Takes lines: executes each, or keeps it until what has begun with it is whole. */
export class Interpreter {
  readonly #options: InterpreterOptions;
  #current: { readonly command: string } | undefined;
  #jobs: FollowedJobs | undefined;
  #following = false;
  /** Lines of JSON that does not end yet. */
  #begun: string | undefined;
  /** The actions of a transaction that has begun. */
  #actions: JsonObject[] | undefined;
  /** The CPU that HMP is about, once one has been chosen. */
  #cpu: number | undefined;

  constructor(options: InterpreterOptions) {
    this.#options = options;
  }

  /** The command that is being executed. */
  get current(): string | undefined {
    return this.#current?.command;
  }

  /** The jobs that are being followed. */
  get following(): FollowedJobs | undefined {
    return this.#following ? this.#jobs : undefined;
  }

  /** The command that is being executed is not waited for: the jobs that it starts are not followed. */
  abandon(): void {
    this.#jobs?.leave();
  }

  get mode(): Mode {
    if (this.#begun !== undefined) return 'more';
    if (this.#actions) return 'transaction';
    return this.#options.hmp ? 'hmp' : 'qmp';
  }

  /** Takes the next line. */
  async take(written: string): Promise<Outcome> {
    const line = this.#begun === undefined ? written.trim() : `${this.#begun}\n${written}`.trim();
    if (line === '' || (this.#begun === undefined && line.startsWith('#'))) return nothing;
    if (this.#options.hmp) return line === 'exit' ? { kind: 'exit' } : this.#hmp(line);
    const { line: command, follow } = line.startsWith('!') ? { line, follow: false } : withoutFollow(line);
    if (!line.startsWith('!') && awaitsMore(command)) {
      this.#begun = line;
      return nothing;
    }
    this.#begun = undefined;
    return outcomeOf(() =>
      this.#actions ? this.#act(command, this.#actions, follow) : this.#execute(command, follow),
    );
  }

  /** Forgets what has begun and is not whole. Returns what that was; undefined when there is nothing. */
  drop(): string | undefined {
    const what = { more: 'the JSON text', transaction: 'the transaction', qmp: undefined, hmp: undefined }[this.mode];
    this.#begun = undefined;
    this.#actions = undefined;
    return what;
  }

  /** No line follows. */
  finish(): Outcome {
    const what = this.drop();
    return what === undefined ? nothing : problem(`${what} is not complete`);
  }

  async #execute(line: string, follow: boolean): Promise<Outcome> {
    if (line === 'exit') return { kind: 'exit' };
    if (line.startsWith('!')) return this.#hmp(line.slice(1).trim());
    const [, first] = /^transaction\s*\(\s*(.*)$/s.exec(line) ?? [];
    if (first !== undefined) return this.#begin(first, follow);
    const jobs = jobsToFollow(line);
    if (jobs) return this.#under(line, () => this.#follow(jobs));
    return this.#help(line) ?? this.#send(await readRequest(line, this.#options.knowledge), follow);
  }

  #help(line: string): Outcome | undefined {
    const { knowledge, colours } = this.#options;
    const text = helpFor(line, knowledge, colours);
    return text === undefined ? undefined : { kind: 'text', text };
  }

  /** A transaction begins; it may have an action on its first line, and end with it. */
  async #begin(first: string, follow: boolean): Promise<Outcome> {
    const [, action = '', end] = /^(.*?)\s*(\))?$/s.exec(first) ?? [];
    const actions: JsonObject[] = [];
    if (action !== '') actions.push(readAction(action, this.#options.knowledge));
    if (end) return this.#commit(actions, follow);
    this.#actions = actions;
    return nothing;
  }

  /** A line within a transaction. One that is wrong leaves it as it was. */
  async #act(line: string, actions: JsonObject[], follow: boolean): Promise<Outcome> {
    const help = this.#help(line);
    if (help) return help;
    if (line !== ')') {
      actions.push(readAction(line, this.#options.knowledge));
      return nothing;
    }
    this.#actions = undefined;
    return this.#commit(actions, follow);
  }

  #commit(actions: JsonObject[], follow: boolean): Promise<Outcome> {
    return this.#send({ command: 'transaction', arguments: { actions }, oob: false }, follow);
  }

  async #hmp(line: string): Promise<Outcome> {
    const { client } = this.#options;
    // The command chooses one for the lines that follow, but each comes to a monitor of its own.
    const [, cpu] = /^cpu\s+(\d+)$/.exec(line) ?? [];
    const chosen = cpu === undefined ? this.#cpu : Number(cpu);
    const outcome = await this.#under(`!${line}`, () => executeHmp(line, client, chosen));
    if (outcome.kind === 'text') this.#cpu = chosen;
    return outcome;
  }

  async #send(request: Request, follow: boolean): Promise<Outcome> {
    const { client, knowledge, onRequest } = this.#options;
    const { command, arguments: args, oob } = request;
    const jobs = follow ? startedJobs(request) : undefined;
    onRequest?.(stringify({ [oob ? 'exec-oob' : 'execute']: command, ...(args && { arguments: args }) }));
    const send = (): Promise<Outcome> => execute(request, client, knowledge);
    return this.#under(command, jobs ? () => this.#follow(jobs, send) : send);
  }

  /** Follows jobs until they are over. @param start what starts them; absent: they run already */
  async #follow(ids: readonly string[], start?: () => Promise<Outcome>): Promise<Outcome> {
    const { client, onJobs = () => {} } = this.#options;
    const jobs = new FollowedJobs(client, ids);
    this.#jobs = jobs;
    try {
      const started = await start?.();
      if (started?.kind === 'problem') return started;
      this.#following = this.#jobs === jobs;
      return outcomeOfJobs(await jobs.ends(onJobs));
    } finally {
      jobs.close();
      if (this.#jobs === jobs) this.#following = false;
    }
  }

  async #under(command: string, work: () => Promise<Outcome>): Promise<Outcome> {
    const mine = { command };
    this.#current = mine;
    try {
      return await work();
    } finally {
      // Another one may have begun since, when this one was not waited for.
      if (this.#current === mine) this.#current = undefined;
    }
  }
}
