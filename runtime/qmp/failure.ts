import { isJsonObject, type JsonValue } from '../json/value.js';
import { QmpError } from './error.js';

/**
 * Gives an error the stack of the call that it answers.
 *
 * @param site an error that was made in that call; its text is only made now
 */
export function atCallSite<E extends Error>(error: E, site: Error): E {
  error.stack = `${error.name}: ${error.message}${site.stack?.match(/\n {4}at .*/s) ?? ''}`;
  return error;
}

/** The error that a reply holds, whatever it looks like. */
export function errorOfReply(command: string, error: JsonValue | undefined): QmpError {
  const { class: kind, desc } = isJsonObject(error) ? error : {};
  const description = typeof desc === 'string' ? desc : 'the server did not say why';
  return new QmpError(description, { class: typeof kind === 'string' ? kind : undefined, command });
}

/** There is no connection (any more). */
export class QmpConnectionError extends Error {
  override readonly name: string = 'QmpConnectionError';
  /** The command that was waiting for its reply. Whether it was carried out is unknown. */
  declare readonly command?: string;

  constructor(message: string, options?: { readonly cause?: unknown; readonly command?: string }) {
    super(message, options);
    if (options?.command) this.command = options.command;
  }
}

/** Something did not happen within the time that the caller gave it. */
export class QmpTimeoutError extends Error {
  override readonly name: string = 'QmpTimeoutError';
}
