import type { Readable, Writable } from 'node:stream';
import { explain } from './explain.js';
import type { EndingProcess } from './process-end.js';
import type { OpenedStreams } from './streams.js';

/** A process whose standard input and output are a monitor (`-qmp stdio`), or lead to one (`ssh`, `socat`). */
export interface MonitorProcess extends EndingProcess {
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  /** Its program, for messages. */
  readonly spawnfile?: string;
}

/** So many bytes of the standard error are kept. */
const STDERR_LENGTH = 64 * 1024;

/** How long its standard error is read for after its end, in milliseconds: a program that it has left behind may hold that open for ever. */
export const TIME_FOR_STDERR = 200;

/** Keeps the last of a standard error, where there is one to read. */
export function keepText(stream: Readable | null | undefined): () => string {
  let kept = Buffer.alloc(0);
  // Its encoding is left as it is, be it bytes or text: the stream may have other readers.
  stream?.on('data', (chunk: Buffer | string) => {
    kept = Buffer.concat([kept, Buffer.from(chunk as string)]).subarray(-STDERR_LENGTH);
  });
  return () => String(kept);
}

/** The name of a process in messages. */
export const nameOf = ({ spawnfile }: MonitorProcess): string => spawnfile || 'the process';

/** The streams of a process, which tell how it ended. */
export function streamsOf(child: MonitorProcess): OpenedStreams {
  const { stdin, stdout } = child;
  if (!stdin || !stdout)
    throw new TypeError("a process that speaks QMP must be spawned with 'pipe' for stdin and stdout");
  const stderr = keepText(child.stderr);
  let failure: unknown;
  child.once?.('error', (error) => {
    failure = error;
  });
  return {
    readable: stdout,
    writable: stdin,
    explain: () =>
      explain(({ explainEnd }) =>
        explainEnd(child, nameOf(child), stderr, TIME_FOR_STDERR, () => failure as Error | undefined),
      ),
  };
}
