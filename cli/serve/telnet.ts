import type { Socket } from 'node:net';
import { Transform } from 'node:stream';

/* Source: RFC 854 (commands), RFC 855 (options), RFC 856, 857 and 858 (binary, echo, no go-ahead). */
const command = 0xff;
const will = 0xfb;
const act = 0xfd;
const dont = 0xfe;
const subnegotiation = 0xfa;
const endOfSubnegotiation = 0xf0;
const option = { binary: 0, echo: 1, noGoAhead: 3 } as const;

/** What is offered and asked for when a client comes: each character as it is typed, none echoed by the client, all 8 bits both ways. */
const greeting = Buffer.from([
  ...[command, will, option.echo],
  ...[command, will, option.noGoAhead],
  ...[command, will, option.binary],
  ...[command, act, option.binary],
]);

/** Takes the commands of telnet out of what a client sends. What the client agrees to, or not, changes nothing. */
export class TelnetInput extends Transform {
  #state: 'text' | 'command' | 'option' | 'subnegotiation' | 'command inside' = 'text';

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: (error: null, data: Buffer) => void): void {
    const text = Buffer.allocUnsafe(chunk.length);
    let length = 0;
    for (const byte of chunk) if (this.#isText(byte)) text[length++] = byte;
    done(null, text.subarray(0, length));
  }

  /** Whether the next byte that has arrived belongs to the text. */
  #isText(byte: number): boolean {
    switch (this.#state) {
      case 'text':
        if (byte !== command) return true;
        this.#state = 'command';
        return false;
      case 'command':
        this.#state = byte === subnegotiation ? 'subnegotiation' : byte >= will && byte <= dont ? 'option' : 'text';
        // Twice, it stands for itself.
        return byte === command;
      case 'option':
        this.#state = 'text';
        return false;
      case 'subnegotiation':
        if (byte === command) this.#state = 'command inside';
        return false;
      case 'command inside':
        this.#state = byte === endOfSubnegotiation ? 'text' : 'subnegotiation';
        return false;
    }
  }
}

/** A client's connection without what belongs to telnet. The client is greeted. */
export function telnet(socket: Socket): { readonly readable: Transform; readonly writable: Socket } {
  socket.write(greeting);
  const readable = new TelnetInput();
  socket.pipe(readable);
  // What breaks off ends here, too.
  socket.once('close', () => readable.end());
  return { readable, writable: socket };
}
