/*
 * Unix sockets of Linux whose names are no paths: the abstract ones. Node.js takes such a name as a path that begins with NUL.
 */

/** Bytes of the name in the address of a unix socket. Source: `sun_path` in linux/un.h. */
const addressBytes = 108;

/** The longest name of an abstract socket, in bytes: a NUL comes before it. */
export const LONGEST_ABSTRACT_NAME = addressBytes - 1;

/**
 * What Node.js takes as path for an abstract socket.
 *
 * @param tight the name ends where the text does; else it fills the address with NULs
 */
export function abstractPath(name: string, tight = true): string {
  const missing = tight ? 0 : Math.max(0, LONGEST_ABSTRACT_NAME - Buffer.byteLength(name));
  return `\0${name}${'\0'.repeat(missing)}`;
}

/** Whether a path is an abstract name. */
export function isAbstract(path: string): boolean {
  return path.startsWith('\0');
}

/** The name that a path of {@link abstractPath} stands for. Absent: it is no such path. */
export function abstractName(path: string): { readonly name: string; readonly tight: boolean } | undefined {
  if (!isAbstract(path)) return undefined;
  const name = path.slice(1).replace(/\0+$/, '');
  return { name, tight: path.length === name.length + 1 };
}

/** Whether there can be an abstract socket of this path. */
export function isPossibleAbstract(path: string): boolean {
  const name = abstractName(path)?.name ?? '';
  return process.platform === 'linux' && name !== '' && !name.includes('\0') && Buffer.byteLength(path) <= addressBytes;
}

/** Node.js before 22 fills every abstract name with NULs, so that it does not get to others. */
export function needsSystemCalls(path: string): boolean {
  return isAbstract(path) && Buffer.byteLength(path) < addressBytes && Number.parseInt(process.versions.node, 10) < 22;
}
