import { closeSync, constants, createReadStream, createWriteStream, existsSync, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { Readable, type Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { BlockError, blockErrorOf } from '../../runtime/block/error.js';
import type { StreamPair } from '../../runtime/qmp/streams.js';
import type { FileChardev } from './chardev.js';
import type { OpenChardev } from './open-chardev.js';

type Serve = (client: StreamPair) => void;

/**
 * Has a file take what a monitor says. What the client says comes from another file, or there is none.
 *
 * @throws BlockError when a file cannot be opened
 */
export function openMonitorFile({ path, append, inputPath }: FileChardev, serve: Serve): OpenChardev {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_APPEND } = constants;
  const output = open(path, O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC));
  const input = inputPath === undefined ? undefined : open(inputPath, constants.O_RDONLY);
  const writable = createWriteStream('', { fd: output });
  const readable = input === undefined ? new Readable({ read() {} }) : createReadStream('', { fd: input });
  serve({ readable, writable });
  return { address: `file:${path}`, close: () => written(writable) };
}

/**
 * Speaks to a client by two named pipes, `PATH.in` and `PATH.out`, or by one that both write to.
 *
 * @throws BlockError when there is none
 */
export function openMonitorPipe({ path }: { readonly path: string }, serve: Serve): OpenChardev {
  const [input, output] = openPipes(path);
  const readable = new Socket({ fd: input, readable: true, writable: false });
  const writable = new Socket({ fd: output, readable: false, writable: true });
  serve({ readable, writable });
  return {
    address: `pipe:${path}`,
    close: async () => {
      readable.destroy();
      await written(writable);
    },
  };
}

function openPipes(path: string): [input: number, output: number] {
  const input = pipeAt(`${path}.in`);
  const output = input === undefined ? undefined : pipeAt(`${path}.out`);
  if (input !== undefined && output !== undefined) return [input, output];
  if (input !== undefined) closeSync(input);
  return [open(path, bothWays), open(path, bothWays)].map((fd) => expectPipe(fd, path)) as [number, number];
}

/** Does not wait for another process to open it. */
const bothWays = constants.O_RDWR | constants.O_NONBLOCK;

function pipeAt(path: string): number | undefined {
  return existsSync(path) ? expectPipe(open(path, bothWays), path) : undefined;
}

function expectPipe(fd: number, path: string): number {
  if (fstatSync(fd).isFIFO()) return fd;
  closeSync(fd);
  throw new BlockError(`Could not open '${path}': it is no named pipe, as mkfifo makes them`);
}

function open(path: string, flags: number): number {
  try {
    return openSync(path, flags, 0o666);
  } catch (error) {
    throw blockErrorOf(error, `Could not open '${path}'`);
  }
}

/** Milliseconds that a reader may take for the last words. */
const patience = 1000;

/** Resolves when all has been written. What can no longer be written, or is not read, is lost. */
async function written(writable: Writable): Promise<void> {
  const timer = setTimeout(() => writable.destroy(), patience);
  writable.end();
  await finished(writable).catch(() => {});
  clearTimeout(timer);
}
