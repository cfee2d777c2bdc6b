import { createRequire } from 'node:module';
import { constants } from 'node:os';
import type koffi from 'koffi';

/* Source: linux/socket.h, linux/net.h, and `struct sockaddr_un` in linux/un.h. */
const unixFamily = 1;
const streamType = 1;
const closeOnExec = 0o2000000;
/** As many clients as the system lets wait. */
const backlog = 128;

/** A socket that the system's calls have opened. Its number is the caller's. */
type Open = (path: string) => number;

/** Opens a socket that listens under an abstract name, for Node.js releases that cannot. @throws NodeJS.ErrnoException */
export const listenBySystem: Open = (path) => opened('listen', path);

/** Opens a socket that is connected to one with an abstract name. @throws NodeJS.ErrnoException */
export const connectBySystem: Open = (path) => opened('connect', path);

function opened(what: 'listen' | 'connect', path: string): number {
  const { library, errno } = load();
  const address = Buffer.concat([new Uint8Array(new Uint16Array([unixFamily]).buffer), Buffer.from(path)]);
  const call = (definition: string, ...values: unknown[]): number => {
    const result = library.func(definition)(...values) as number;
    if (result >= 0) return result;
    throw failure(what, errno());
  };
  const fd = call('int socket(int family, int type, int protocol)', unixFamily, streamType | closeOnExec, 0);
  try {
    if (what === 'connect') {
      call('int connect(int fd, const void *address, uint32_t length)', fd, address, address.length);
    } else {
      call('int bind(int fd, const void *address, uint32_t length)', fd, address, address.length);
      call('int listen(int fd, int backlog)', fd, backlog);
    }
    return fd;
  } catch (error) {
    call('int close(int fd)', fd);
    throw error;
  }
}

function load(): { library: ReturnType<typeof koffi.load>; errno: () => number } {
  try {
    const loaded: typeof koffi = createRequire(import.meta.url)('koffi');
    return { library: loaded.load(null), errno: () => loaded.errno() };
  } catch (cause) {
    throw new Error(
      'an abstract name that is not filled with NULs needs Node.js 22, or the package koffi (npm install koffi); or give tight=off',
      { cause },
    );
  }
}

function failure(what: string, number: number): NodeJS.ErrnoException {
  const [code] = Object.entries(constants.errno).find(([, value]) => value === number) ?? [`error ${number}`];
  return Object.assign(new Error(`${what} ${code}`), { code, errno: -number, syscall: what });
}
