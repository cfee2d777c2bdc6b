import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { onTestFinished } from 'vitest';

/** What the server adds to the key of a client before it hashes it. Source: RFC 6455, 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** A binary message in one frame. Source: RFC 6455, 5.2. */
function frame(payload: Buffer): Buffer {
  if (payload.length < 126) return Buffer.concat([Buffer.of(0x82, payload.length), payload]);
  const header = Buffer.of(0x82, 126, 0, 0);
  header.writeUInt16BE(payload.length, 2);
  return Buffer.concat([header, payload]);
}

/** Takes the first frame of a client off some bytes; undefined when it is not all there. */
function unframe(bytes: Buffer): { opcode: number; payload: Buffer; rest: Buffer } | undefined {
  if (bytes.length < 2) return undefined;
  const short = (bytes[1] as number) & 0x7f;
  const start = short === 126 ? 8 : 6;
  if (bytes.length < start) return undefined;
  const length = short === 126 ? bytes.readUInt16BE(2) : short;
  if (bytes.length < start + length) return undefined;
  const mask = bytes.subarray(start - 4, start);
  const payload = bytes.subarray(start, start + length).map((byte, index) => byte ^ (mask[index % 4] as number));
  return { opcode: (bytes[0] as number) & 0xf, payload: Buffer.from(payload), rest: bytes.subarray(start + length) };
}

/** Serves a unix socket to websockets, as websockify does; returns the port. */
export async function websocketBridge(path: string): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  server.on('upgrade', ({ headers }, socket) => {
    const accept = createHash('sha1').update(`${headers['sec-websocket-key']}${GUID}`).digest('base64');
    const answer = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
    const protocol = `Sec-WebSocket-Protocol: ${headers['sec-websocket-protocol']}`;
    socket.write([...answer, `Sec-WebSocket-Accept: ${accept}`, protocol, '\r\n'].join('\r\n'));
    const monitor = connect(path);
    monitor.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; at += 60_000) socket.write(frame(chunk.subarray(at, at + 60_000)));
    });
    let unread: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      unread = Buffer.concat([unread, chunk]);
      for (let found = unframe(unread); found; found = unframe(unread)) {
        unread = found.rest;
        if (found.opcode === 8) socket.end();
        else monitor.write(found.payload);
      }
    });
    socket.on('close', () => monitor.destroy());
    monitor.on('close', () => socket.destroy());
    for (const end of [socket, monitor]) end.on('error', () => {});
  });
  return (server.address() as AddressInfo).port;
}
