import { constants } from 'node:os';

/** What the system says of each failure that the block layer can meet (`strerror`). Events and error policies speak of these. */
const texts = {
  EPERM: 'Operation not permitted',
  ENOENT: 'No such file or directory',
  EINTR: 'Interrupted system call',
  EIO: 'Input/output error',
  ENXIO: 'No such device or address',
  E2BIG: 'Argument list too long',
  EBADF: 'Bad file descriptor',
  EAGAIN: 'Resource temporarily unavailable',
  ENOMEM: 'Cannot allocate memory',
  EACCES: 'Permission denied',
  EBUSY: 'Device or resource busy',
  EEXIST: 'File exists',
  ENODEV: 'No such device',
  ENOTDIR: 'Not a directory',
  EISDIR: 'Is a directory',
  EINVAL: 'Invalid argument',
  EMFILE: 'Too many open files',
  ENFILE: 'Too many open files in system',
  ENOTTY: 'Inappropriate ioctl for device',
  ETXTBSY: 'Text file busy',
  EFBIG: 'File too large',
  ENOSPC: 'No space left on device',
  EROFS: 'Read-only file system',
  EPIPE: 'Broken pipe',
  ERANGE: 'Numerical result out of range',
  ENAMETOOLONG: 'File name too long',
  ELOOP: 'Too many levels of symbolic links',
  EOVERFLOW: 'Value too large for defined data type',
  ENOTSUP: 'Operation not supported',
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'Connection reset by peer',
  ETIMEDOUT: 'Connection timed out',
  EDQUOT: 'Disk quota exceeded',
  ENOLCK: 'No locks available',
  ENOMEDIUM: 'No medium found',
  ESHUTDOWN: 'Cannot send after transport endpoint shutdown',
  ECANCELED: 'Operation canceled',
} as const;

/** A failure of the system by its usual name. */
export type Errno = keyof typeof texts;

/** Two names that Node.js does not number; Linux does. */
const unnumbered: { readonly [name in Errno]?: number } = { ENOMEDIUM: 123, ESHUTDOWN: 108, EDQUOT: 122 };

const numbers: { readonly [name: string]: number | undefined } = { ...constants.errno, ...unnumbered };

/** Whether a text names a failure that the block layer knows. */
export function isErrno(name: unknown): name is Errno {
  return typeof name === 'string' && Object.hasOwn(texts, name);
}

/** What the system says of a failure: `Input/output error` for EIO. */
export function strerror(code: Errno): string {
  return texts[code];
}

/** The number of a failure on this machine. */
export function errnoNumber(code: Errno): number {
  return numbers[code] ?? constants.errno.EIO;
}

/** The failure with a number on this machine; EIO for a number that no known failure has. */
export function errnoOfNumber(number: number): Errno {
  for (const name of Object.keys(texts)) if (isErrno(name) && errnoNumber(name) === number) return name;
  return 'EIO';
}
