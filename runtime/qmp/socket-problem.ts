import type { SocketPlace } from './socket-path.js';

/** As in `abstract/name.ts`, which bundles would load at once if what is loaded on a failure needed it, too. */
const LONGEST_ABSTRACT_NAME = 107;

const isAbstract = (path: string): boolean => path.startsWith('\0');

/** What the codes of a failed connection mean for people, at a unix socket. */
const AT_A_PATH: Readonly<Record<string, string>> = {
  ENOENT: 'no such socket; does the program run, with a QMP monitor there?',
  ECONNREFUSED: 'the file is there, but no program listens at it: one that has ended left it, or it is no socket',
  EAGAIN: 'as many clients as it lets wait are waiting already; a monitor serves one client at a time',
  EACCES: 'this user may not open it',
  ENOTDIR: 'a part of its path is no folder',
  EPROTOTYPE: 'it is a socket for datagrams, or of another kind that QMP does not use',
};

/** What the codes of a failed connection mean for people, at a TCP port. */
const AT_A_PORT: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'no program listens at this port (ECONNREFUSED)',
  ENOTFOUND: 'no host has this name',
};

/**
 * Says why a socket could not be opened.
 *
 * @param longest the longest path of a socket, in bytes
 * @param error absent where the socket cannot be there at all
 */
export function explainFailure(place: SocketPlace, longest: number, error?: NodeJS.ErrnoException): string {
  if (!error)
    return 'path' in place ? complaintAboutPath(place.path, longest) : 'a TCP port is a number from 1 to 65535';
  const { code = '' } = error;
  if (!('path' in place)) return AT_A_PORT[code] ?? (error.message || code);
  if (isAbstract(place.path) && code === 'ECONNREFUSED') return 'no program listens under this name';
  return (code === 'ENOENT' ? misunderstanding(place.path) : undefined) ?? AT_A_PATH[code] ?? error.message;
}

function complaintAboutPath(path: string, longest: number): string {
  if (path === '') return 'the path is empty';
  if (isAbstract(path)) {
    return `an abstract name is one of Linux, with 1 to ${LONGEST_ABSTRACT_NAME} bytes, and no NUL among them`;
  }
  if (path.includes('\0')) return 'a path has no NUL byte';
  return `the path has ${Buffer.byteLength(path)} bytes, and that of a unix socket at most ${longest}: make a link in a shorter place, or give it relative to the working directory`;
}

/** What a path that is not there may have been meant as; undefined when it looks like one. */
function misunderstanding(path: string): string | undefined {
  const [, address = '', options] =
    /^(.*?)(,(?:server|wait|no-?wait|reconnect|telnet|websocket|to|ipv[46])\b.*)$/s.exec(path) ?? [];
  if (options !== undefined) {
    return `'${options}' belongs to the option of QEMU that makes the socket; a client is given '${address}'`;
  }
  const [, scheme = '', rest = ''] = /^(\w+):\/\/(.*)$/s.exec(path) ?? [];
  if (scheme === 'tcp')
    return `that is the path of a unix socket; a TCP port is written 'tcp:${rest.replace(/\/.*/s, '')}'`;
  if (scheme === 'ws' || scheme === 'wss') {
    return 'an address is no URL; for a websocket, connect takes a function that opens one';
  }
  if (scheme !== '') return 'an address is no URL, but the path of a unix socket, or host:port';
  if (/^\d+$/.test(path)) return `that is the path of a unix socket; a TCP port is written 'localhost:${path}'`;
  if (/^(?!unix:)[^/]+:[^/]*$/.test(path)) return 'that is the path of a unix socket; a TCP port is written host:port';
  return undefined;
}
