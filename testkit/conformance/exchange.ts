import { isJsonObject, type JsonObject, type JsonValue } from '../../runtime/json/value.js';
import type { QmpClient } from '../../runtime/qmp/client.js';
import { QmpError } from '../../runtime/qmp/error.js';
import { QmpTimeoutError } from '../../runtime/qmp/failure.js';
import type { ProgramKind } from './program-kind.js';
import type { WireWatch } from './wire-watch.js';

/** What a program answered to a request. */
export interface Answer {
  /** What the command returned; absent when the answer was an error. */
  readonly value?: JsonValue;
  /** The class of the error; absent when it was none. */
  readonly errorClass?: string;
  readonly description?: string;
  /** How the message itself was wrong. */
  readonly problems: readonly string[];
}

/** A client, as the checks use it: one request at a time, and with the messages themselves where they are watched. */
export class Exchange {
  readonly client: QmpClient;
  readonly #patience: number;
  readonly #repeatsId: boolean;
  readonly #wire: WireWatch | undefined;

  /**
   * @param client the connection to the program
   * @param kind what kind of program it is
   * @param patience how long an answer may take, in milliseconds
   * @param wire what sees the client's messages; without it, only what the client hands on is checked
   */
  constructor(client: QmpClient, { repeatsId }: ProgramKind, patience: number, wire?: WireWatch) {
    this.client = client;
    this.#repeatsId = repeatsId;
    this.#patience = patience;
    this.#wire = wire;
  }

  /**
   * Sends a request and waits for the answer.
   *
   * @throws QmpConnectionError when the connection is lost
   */
  async ask(command: string, args?: JsonValue, oob = false): Promise<Answer> {
    this.#wire?.forget();
    try {
      const value = await this.client.executeUnknown(command, args as JsonObject, { oob, timeout: this.#patience });
      return { value, problems: this.#replyProblems(this.#wire?.reply, 'return') };
    } catch (error) {
      if (error instanceof QmpTimeoutError) return { problems: [`no answer within ${this.#patience / 1000} s`] };
      if (!(error instanceof QmpError)) throw error;
      const reply = this.#wire?.reply;
      const sent = reply ? reply.error : { class: error.class, desc: error.message };
      const problems = [...this.#replyProblems(reply, 'error'), ...errorProblems(sent)];
      return { errorClass: error.class, description: error.message, problems };
    }
  }

  #replyProblems(message: JsonObject | undefined, kind: 'return' | 'error'): string[] {
    if (message === undefined) return [];
    const keys = Object.keys(message);
    const others = keys.filter((key) => key !== kind && key !== 'id');
    return [
      ...(keys.includes('id') || !this.#repeatsId ? [] : ['the reply does not repeat the id']),
      ...others.map((key) => `the reply has a member '${key}' beside '${kind}'`),
    ];
  }
}

/** The classes since 1.2; the others were gone by then. */
const classes = ['GenericError', 'CommandNotFound', 'DeviceNotActive', 'DeviceNotFound', 'KVMMissingCap'];

function errorProblems(error: JsonValue | undefined): string[] {
  if (!isJsonObject(error)) return ['the error is not an object'];
  const problems: string[] = [];
  if (typeof error.class !== 'string' || !classes.includes(error.class)) {
    problems.push(`the error's class is ${JSON.stringify(error.class)}, none of ${classes.join(', ')}`);
  }
  if (typeof error.desc !== 'string' || error.desc === '') problems.push('the error has no description');
  for (const key of Object.keys(error)) {
    if (key !== 'class' && key !== 'desc') problems.push(`the error has a member '${key}'`);
  }
  return problems;
}
