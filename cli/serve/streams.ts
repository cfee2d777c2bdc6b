import { PassThrough, Writable } from 'node:stream';
import type { StreamPair } from '../../runtime/qmp/streams.js';
import type { Host } from '../host.js';

/**
 * Standard input and output as the connection of one client. Ending it leaves standard output as it is.
 *
 * @param onEnd the client has gone, and has been answered
 */
export function standardStreams({ stdin, stdout }: Host, onEnd: () => void): StreamPair {
  const writable = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (stdout instanceof Writable) {
        stdout.write(chunk, done);
        return;
      }
      stdout.write(chunk.toString());
      done();
    },
  });
  // Standard input closes when it has ended, and its client is to be answered all the same.
  const readable = stdin.pipe(new PassThrough({ autoDestroy: false }));
  writable.once('close', () => {
    stdin.destroy();
    onEnd();
  });
  // The reader may be gone before the last event.
  if (stdout instanceof Writable) stdout.once('error', (error) => writable.destroy(error));
  return { readable, writable };
}
