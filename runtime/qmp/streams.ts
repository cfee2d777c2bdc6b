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
  readonly cause?: Error;
  /** Why they ended, where that is known. */
  readonly why?: string;
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
    const report = (why?: string): void => ended({ how, ...(cause && { cause }), ...(why !== undefined && { why }) });
    if (busy || streams.explain)
      Promise.resolve(busy)
        .then(() => streams.explain?.())
        .then(report);
    else report();
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

/** The cause of an end, as an option of an error. */
export const causeOf = ({ cause }: StreamEnd): { readonly cause?: Error } | undefined => cause && { cause };
