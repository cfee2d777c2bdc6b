import { isJsonObject, type JsonValue } from '../json/value.js';
import { QmpError } from './error.js';

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
    super(message, options?.cause === undefined ? undefined : options);
    if (options?.command) this.command = options.command;
  }
}

/** Something did not happen within the time that the caller gave it. */
export class QmpTimeoutError extends Error {
  override readonly name: string = 'QmpTimeoutError';
}
