import { isJsonObject, type JsonValue } from '../json/value.js';
import { QmpError } from './error.js';

/** The place of a call, kept for the error that it may end with. */
export interface CallSite {
  stack?: string;
}

/** Takes down where `from` was called. The text is only made when somebody asks for it. */
export function callSite(from: (...args: never[]) => unknown): CallSite {
  const site: CallSite = {};
  Error.captureStackTrace(site, from);
  return site;
}

/** Gives an error the stack of the call that it answers. */
export function atCallSite<E extends Error>(error: E, site: CallSite): E {
  const frames = site.stack?.match(/\n {4}at .*/s);
  if (frames) error.stack = `${error.name}: ${error.message}${frames}`;
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
