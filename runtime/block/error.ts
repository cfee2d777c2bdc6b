import { QmpError, type QmpErrorClass } from '../qmp/error.js';
import { type Errno, isErrno, strerror } from './errno.js';

/**
 * A failure of the block layer: an image that cannot be opened, a request that cannot be served, a command that is refused.
 * It is meant for the caller: clients receive its message.
 */
export class BlockError extends QmpError {
  override readonly name: string = 'BlockError';
  /** The system's name for the failure, which error policies, NBD clients and votes go by. */
  readonly code: Errno;

  /**
   * @param message what went wrong, for people
   * @param options `code` (default: EIO), `class` (default: `GenericError`) and `cause`
   */
  constructor(
    message: string,
    options: { readonly code?: Errno; readonly class?: QmpErrorClass | (string & {}); readonly cause?: unknown } = {},
  ) {
    super(message, options);
    this.code = options.code ?? 'EIO';
  }
}

/** A failed request, of which the system's words say all there is. */
export function ioError(code: Errno, cause?: unknown): BlockError {
  return new BlockError(strerror(code), { code, cause });
}

/** Options or arguments that make no sense. */
export function invalid(message: string): BlockError {
  return new BlockError(message, { code: 'EINVAL' });
}

/** There is no device of a name. */
export function deviceNotFound(name: string): BlockError {
  return new BlockError(`Device '${name}' not found`, { class: 'DeviceNotFound', code: 'ENODEV' });
}

/** A device is empty, and something needs its medium. */
export function noMedium(device: string): BlockError {
  return new BlockError(`Device '${device}' has no medium`, { code: 'ENOMEDIUM' });
}

/** The system's name for a failure; EIO when it has none. */
export function errnoOf(error: unknown): Errno {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return isErrno(code) ? code : 'EIO';
}

/**
 * A failure of the system's as one of the block layer's. What is one already stays as it is, and what the system did not
 * report (a mistake in our own code) is thrown on.
 *
 * @param error what was caught
 * @param context what was being done, to precede the system's words: `Could not open 'a.img'`
 */
export function blockErrorOf(error: unknown, context?: string): BlockError {
  if (error instanceof BlockError) {
    return context === undefined
      ? error
      : new BlockError(`${context}: ${error.message}`, { code: error.code, class: error.class, cause: error });
  }
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code !== 'string') throw error;
  const name = isErrno(code) ? code : 'EIO';
  const words = isErrno(code) ? strerror(code) : (error as Error).message;
  return new BlockError(context === undefined ? words : `${context}: ${words}`, { code: name, cause: error });
}
