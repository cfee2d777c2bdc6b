import type { Readable, Writable } from 'node:stream';

/** A pair of streams: a socket or other duplex is one, and so are the `stdout` and `stdin` of a process. */
export interface StreamPair {
  readonly readable: Readable;
  readonly writable: Writable;
}

/** Streams that are open, and perhaps more than their end says of it. */
export interface OpenedStreams extends StreamPair {
  /** Finds out, when they have ended, why that is: a sentence without its full stop. */
  explain?(): Promise<string | undefined>;
}

/** How streams ended. */
export interface StreamEnd {
  /** Worded to stand behind "the connection was". */
  readonly how: string;
  readonly cause: Error | undefined;
  /** Why they ended, where that is known: a sentence to follow another behind "; ". Else empty. */
  readonly why: string;
}

/**
 * Calls `receive` with everything that streams bring, and `ended` once when they do not go on. That waits for what `receive` has begun.
 */
export function follow(
  streams: OpenedStreams,
  receive: (chunk: Buffer) => Promise<void> | undefined,
  ended: (end: StreamEnd) => void,
): void {
  const { readable, writable } = streams;
  let over = false;
  let busy: Promise<void> | undefined;
  const end = (cause?: Error): void => {
    if (over) return;
    over = true;
    const how = cause ? `lost: ${cause.message}` : 'closed by the peer';
    Promise.resolve(busy)
      .then(() => streams.explain?.())
      .then((why) => ended({ how, cause, why: why === undefined ? '' : `; ${why}` }));
  };
  readable.on('data', (chunk: Buffer) => {
    busy = receive(chunk);
  });
  readable.once('end', () => end());
  for (const stream of [readable, writable]) {
    stream.on('error', end);
    stream.once('close', () => end());
  }
}
