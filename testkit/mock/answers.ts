import type { JsonObject } from '../../runtime/json/value.js';
import type { CommandContext, CommandEntry, CommandTable } from '../../runtime/qmp/command-table.js';
import { isQmpFailure, QmpError } from '../../runtime/qmp/error.js';
import { isHandled } from '../../runtime/qmp/server/dispatcher.js';
import type { Values } from '../values.js';
import type { FaultyReplies, ReplyContent } from './faulty-replies.js';
import { fitted } from './fitted.js';
import type { MockJobs } from './jobs/mock-jobs.js';
import type { FollowingEvent, Outcome, ReplyFault, Rule } from './rule.js';
import type { Script } from './script.js';
import type { MockModel } from './source.js';

/** By command, members of what it returns. */
export type PlainResults = { readonly [command: string]: JsonObject };

/** What a mock answers with. */
export interface AnswerSources {
  readonly model: MockModel;
  readonly values: Values;
  readonly script: Script;
  readonly faulty: FaultyReplies;
  /** What is made by the schema, but for these members. */
  readonly plainResults: PlainResults;
  /** Its jobs; undefined when it has none. */
  jobs(): MockJobs | undefined;
  /** The handlers that the test gave. */
  handlers(): object;
  /** Whether a command without rule and handler is refused, instead of answered with a value by the schema. */
  readonly refuses: boolean;
  emit(event: FollowingEvent): void;
}

/** The commands of a mock: its rules first, then its handlers, then its jobs, then values by the schema. */
export class Answers {
  /** The commands, for a server without handlers. */
  readonly table: CommandTable<object>;
  readonly #sources: AnswerSources;

  constructor(sources: AnswerSources) {
    this.#sources = sources;
    this.table = new Map(
      [...sources.model.commands].map(([name, entry]) => [
        name,
        { ...entry, call: (_, args, context) => this.#answer(entry, args, context) },
      ]),
    );
  }

  async #answer(entry: CommandEntry<object>, args: unknown, context: CommandContext): Promise<unknown> {
    const rule = this.#sources.script.take(entry.name, args);
    try {
      const { fault } = rule ?? {};
      if (!fault) return await this.#result(entry, args, context, rule);
      const content = await this.#content(entry, () => this.#result(entry, args, context, rule));
      throw this.#sources.faulty.standIn(content, fault satisfies ReplyFault);
    } finally {
      // The reply goes out first.
      setImmediate(() => {
        for (const event of rule?.events ?? []) this.#sources.emit(event);
      });
    }
  }

  /** What the server would send. */
  async #content(entry: CommandEntry<object>, execute: () => Promise<unknown>): Promise<ReplyContent> {
    try {
      const result = await execute();
      return { return: entry.returns ? entry.returns.encode(result) : {} };
    } catch (error) {
      if (!isQmpFailure(error)) throw error;
      return { error: { class: error.class, desc: error.message } };
    }
  }

  async #result(
    entry: CommandEntry<object>,
    args: unknown,
    context: CommandContext,
    rule: Rule | undefined,
  ): Promise<unknown> {
    const outcome: Outcome = rule?.outcome ?? { kind: 'usual' };
    switch (outcome.kind) {
      case 'value':
        return outcome.value;
      case 'error':
        throw new QmpError(outcome.description, { class: outcome.class });
      case 'usual': {
        const handlers = this.#sources.handlers();
        if (isHandled(handlers, entry.name)) return entry.call(handlers, args, context);
        const jobs = this.#sources.jobs();
        const aboutJobs = jobs?.about(entry.name, args as JsonObject);
        if (aboutJobs) return aboutJobs();
        if (!rule) this.#unhandled(entry.name);
        await jobs?.start(entry.name, args as JsonObject, rule?.job);
        return this.#value(entry);
      }
    }
  }

  #unhandled(name: string): void {
    const { script, refuses } = this.#sources;
    script.unhandled.add(name);
    if (!refuses) return;
    script.problem(`${name}: not expected, and without a handler`);
    throw new QmpError(`The mock does not expect '${name}', and has no handler of it`);
  }

  /** A result by the schema. */
  #value({ name, returns }: CommandEntry<object>): unknown {
    const { model, values, plainResults } = this.#sources;
    const command = model.schema.lookup(name);
    if (!returns || command?.kind !== 'command' || !command.returns) return undefined;
    const plain = Object.hasOwn(plainResults, name) ? plainResults[name] : undefined;
    return returns.decode(plain ? fitted(command.returns, plain, values) : values.of(command.returns, name));
  }
}
