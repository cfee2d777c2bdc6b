import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TelnetInput, telnet } from '../../../cli/serve/telnet.js';

/** What is left of what a client sends, in pieces that end anywhere. */
async function readOf(pieces: readonly Uint8Array[]): Promise<string> {
  const input = new TelnetInput();
  for (const piece of pieces) input.write(piece);
  input.end();
  return (await input.toArray()).map((chunk: Buffer) => chunk.toString('latin1')).join('');
}

describe('telnet', () => {
  it.each([
    ['a plain text', 'text', 'text'],
    ['answers about options', 'a\xff\xfd\x03b\xff\xfb\x1fc\xff\xfe\x01d\xff\xfc\x00e', 'abcde'],
    ['commands without an option', 'a\xff\xf1b\xff\xf4c', 'abc'],
    ['a subnegotiation, in which the end may stand as data', 'a\xff\xfa\x1f\x00\xff\xff\x00\x18\xff\xf0b', 'ab'],
    ['a byte 255, which is sent twice', 'a\xff\xffb', 'a\xffb'],
    ['a command that is cut off', 'a\xff\xfd', 'a'],
  ])('reads without the commands what a telnet client sends: %s', async (_, sent, read) => {
    expect(await readOf([Buffer.from(sent, 'latin1')])).toBe(read);
  });

  it('reads alike what arrives in any pieces', async () => {
    const byte = fc.constantFrom(0x41, 0x42, 0, 1, 0xf0, 0xf1, 0xfa, 0xfb, 0xfd, 0xff, 0xff);
    await fc.assert(
      fc.asyncProperty(fc.array(byte, { maxLength: 40 }), fc.array(fc.nat(40)), async (bytes, cuts) => {
        const whole = Uint8Array.from(bytes);
        const places = [...cuts, 0, whole.length].sort((a, b) => a - b);
        const pieces = places.map((at, index) => whole.subarray(places[index - 1] ?? 0, at));
        expect(await readOf(pieces)).toBe(await readOf([whole]));
      }),
    );
  });

  it('ends what is read where the connection ends, also when it breaks off', async () => {
    for (const end of ['end', 'resetAndDestroy'] as const) {
      const server = createServer().listen(0, '127.0.0.1');
      onTestFinished(() => void server.close());
      await once(server, 'listening');
      const client = connect((server.address() as { port: number }).port, '127.0.0.1');
      const [accepted] = (await once(server, 'connection')) as [Socket];
      accepted.on('error', () => {});
      const read = text(telnet(accepted).readable);
      const [greeting] = (await once(client, 'data')) as [Buffer];
      expect(greeting.toString('hex')).toBe('fffb01fffb03fffb00fffd00');
      client.write('x');
      await once(accepted, 'data');
      client[end]();
      expect(await read).toBe('x');
    }
  });
});
