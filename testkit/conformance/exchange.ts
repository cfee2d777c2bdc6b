import { isJsonObject, type JsonObject, type JsonValue } from '../../runtime/json/value.js';
import type { QmpClient } from '../../runtime/qmp/client.js';
import type { ConnectOptions } from '../../runtime/qmp/client-options.js';
import { QmpError } from '../../runtime/qmp/error.js';
import { QmpTimeoutError } from '../../runtime/qmp/failure.js';
import type { ProgramKind } from './program-kind.js';

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

/** An event as it went over the wire. */
export type EventMessage = JsonObject & { readonly event: string };

/** A connection that sends one request at a time and sees the messages themselves. */
export class Exchange {
  readonly client: QmpClient;
  /** All events so far. */
  readonly events: EventMessage[];
  readonly #received: { last?: JsonObject };
  readonly #patience: number;
  readonly #repeatsId: boolean;

  private constructor(
    client: QmpClient,
    { repeatsId }: ProgramKind,
    patience: number,
    events: EventMessage[],
    received: { last?: JsonObject },
  ) {
    this.client = client;
    this.#repeatsId = repeatsId;
    this.#patience = patience;
    this.events = events;
    this.#received = received;
  }

  /**
   * Connects to a program.
   *
   * @param connect makes the connection, with the options given
   * @param kind what kind of program it is
   * @param patience how long an answer may take, in milliseconds
   * @throws what `connect` throws
   */
  static async open(
    connect: (options: ConnectOptions) => Promise<QmpClient>,
    kind: ProgramKind,
    patience: number,
  ): Promise<Exchange> {
    const events: EventMessage[] = [];
    const received: { last?: JsonObject } = {};
    const marks = new Set<JsonValue | undefined>();
    const client = await connect({
      onWire(direction, message) {
        if (!isJsonObject(message)) return;
        if (direction === 'sent') {
          if (message.execute === 'guest-sync-delimited' && isJsonObject(message.arguments))
            marks.add(message.arguments.id);
          return;
        }
        // The client of an agent asks for marks by itself, between and behind the requests.
        if (message.return !== undefined && marks.has(message.return)) return;
        if (typeof message.event === 'string') events.push(message as EventMessage);
        else received.last = message;
      },
    });
    return new Exchange(client, kind, patience, events, received);
  }

  /**
   * Sends a request and waits for the answer.
   *
   * @throws QmpConnectionError when the connection is lost
   */
  async ask(command: string, args?: JsonValue, oob = false): Promise<Answer> {
    delete this.#received.last;
    try {
      const value = await this.client.executeUnknown(command, args as JsonObject, { oob, timeout: this.#patience });
      return { value, problems: this.#replyProblems(this.#last(), 'return') };
    } catch (error) {
      if (error instanceof QmpTimeoutError) return { problems: [`no answer within ${this.#patience / 1000} s`] };
      if (!(error instanceof QmpError)) throw error;
      const last = this.#last();
      const problems = [...this.#replyProblems(last, 'error'), ...errorProblems(last?.error)];
      return { errorClass: error.class, description: error.message, problems };
    }
  }

  #last(): JsonObject | undefined {
    return this.#received.last;
  }

  #replyProblems(message: JsonObject | undefined, kind: 'return' | 'error'): string[] {
    const keys = Object.keys(message ?? {});
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
