/** The classes of errors that QMP has had since 2.9. A server may send others: receivers keep whatever comes. */
export type QmpErrorClass = 'GenericError' | 'CommandNotFound' | 'DeviceNotActive' | 'DeviceNotFound' | 'KVMMissingCap';

/**
 * An error of a command, as it stands in a reply: a class to tell errors apart, and a description for people.
 *
 * A handler throws it to give its client an error.
 *
 * @example
 * throw new QmpError(`No node is called '${name}'`, { class: 'DeviceNotFound' });
 */
export class QmpError extends Error {
  override readonly name: string = 'QmpError';
  /** What kind of error it is. */
  readonly class: QmpErrorClass | (string & {});
  /** The command that was answered with it, where a client received it. */
  declare readonly command?: string;

  /**
   * @param description what went wrong, for people
   * @param options `class` (default: `GenericError`), `command` and `cause`
   */
  constructor(
    description: string,
    options: {
      readonly class?: QmpErrorClass | (string & {}) | undefined;
      readonly command?: string;
      readonly cause?: unknown;
    } = {},
  ) {
    super(description, options);
    this.class = options.class ?? 'GenericError';
    if (options.command !== undefined) this.command = options.command;
  }

  /** What went wrong, in the words of the peer. */
  get description(): string {
    return this.message;
  }
}

/** An error that its thrower meant for the client: its class and message may be sent to the peer. */
export interface QmpFailure extends Error {
  readonly class: string;
}

/** Whether an error was meant for the client: a {@link QmpError}, or the complaint of a visitor about a value. */
export function isQmpFailure(error: unknown): error is QmpFailure {
  return error instanceof Error && 'class' in error && typeof error.class === 'string';
}
