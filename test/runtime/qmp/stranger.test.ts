import { describe, expect, test } from 'vitest';
import { connectAgent } from '../../../runtime/qmp/agent.js';
import { connect } from '../../../runtime/qmp/client.js';
import { QmpConnectionError } from '../../../runtime/qmp/failure.js';
import { FakeServer, GREETING } from './fake-server.js';

/** A peer that sends some bytes at once. */
function peer(...chunks: string[]): FakeServer {
  const server = new FakeServer();
  for (const chunk of chunks) server.send(Buffer.from(chunk, 'latin1'));
  return server;
}

describe('a peer that is something else', () => {
  test.each([
    ['RFB 003.008\n', "a VNC server and no QMP monitor, as it sends 'RFB 003.008': give the address of a QMP monitor"],
    [
      "QEMU 7.2.22 monitor - type 'help' for more information\r\n(qemu) ",
      'a monitor for people (HMP) and no QMP monitor',
    ],
    ['\xff\xfb\x01\xff\xfb\x03\xff\xfd\0QEMU 9.1.0 monitor - type', 'a monitor for people (HMP) and no QMP monitor'],
    ['\xff\xfb\x01\xff\xfb\x03login: ', 'a telnet server and no QMP monitor'],
    ['HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n', 'an HTTP server and no QMP monitor'],
    ['HTTP/1.1 400 Bad Request\r\nSec-WebSocket-Version: 13\r\n\r\n', 'a websocket server and no QMP monitor'],
    ['\x82\x7e\0\x80{"QMP": {"version"', 'a websocket and no QMP monitor'],
    ['SSH-2.0-OpenSSH_9.2\r\n', 'an SSH server and no QMP monitor'],
    ['NBDMAGICIHAVEOPT\0\x03', 'an NBD server and no QMP monitor'],
    ['\x15\x03\x03\0\x02\x02\x46', 'a TLS server and no QMP monitor'],
  ])('the client names it as soon as it has sent %j', async (sent, what) => {
    const error = await connect(peer(sent).peer).catch((reason: Error) => reason);
    expect(error).toBeInstanceOf(QmpConnectionError);
    expect((error as Error).message).toContain(`the peer is ${what}`);
    const asAgent = await connectAgent(peer(sent).peer).catch((reason: Error) => reason);
    expect((asAgent as Error).message).toContain(what.replace(/no QMP monitor.*/, 'no guest agent'));
  });

  test('the client names it although what it sends comes in pieces', async () => {
    await expect(connect(peer('\r\n', 'RF', 'B 00', '3.008\n').peer)).rejects.toThrow('is a VNC server');
  });

  test('the client quotes it when it is not known, and the time is over', async () => {
    const server = peer(`login: \x1b[1m${'x'.repeat(100)}`);
    await expect(connect(server.peer, { connectTimeout: 20 })).rejects.toThrow(
      `the peer sent 'login: …[1m${'x'.repeat(49)}…', but did not greet within 20 ms`,
    );
  });

  test('the client quotes it when it is not known, and hangs up', async () => {
    const server = peer('no entry\n');
    server.end();
    await expect(connect(server.peer)).rejects.toThrow(
      new QmpConnectionError("the connection to the peer was closed by the peer before it greeted; it sent 'no entry'"),
    );
  });

  test('noise before the greeting is skipped', async () => {
    const server = peer('\r\n\r\n\r\n', 'Last login: yesterday\r\n');
    server.send(GREETING);
    await using client = await connect(server.peer);
    expect(await client.execute('x')).toEqual({});
  });
});

describe('a peer that is silent', () => {
  /** One that answers what it cannot read. */
  function answering(answer: (server: FakeServer) => void): FakeServer {
    const server = new FakeServer();
    const write = server.peer.write.bind(server.peer) as (chunk: Buffer | string) => boolean;
    server.peer.write = ((chunk: Buffer | string) => {
      if (Buffer.isBuffer(chunk) && chunk[0] === 0xff) answer(server);
      return write(chunk);
    }) as typeof server.peer.write;
    return server;
  }

  const complaint = { error: { class: 'GenericError', desc: 'JSON parse error' } };

  test('the client takes it for a guest agent when it complains of what cannot be read', async () => {
    const agent = answering((server) => server.send(complaint));
    await expect(connect(agent.peer, { connectTimeout: 400 })).rejects.toThrow(
      new QmpConnectionError('the peer is a guest agent and no QMP monitor: use connectAgent'),
    );
  });

  test('the client takes it for a monitor when it greets late, and its complaint for no reply to a command', async () => {
    const monitor = answering((server) => {
      server.send(GREETING);
      server.send(complaint);
    });
    await using client = await connect(monitor.peer, { connectTimeout: 400 });
    expect(await client.execute('x')).toEqual({});
    monitor.answerWith(() => undefined);
    const next = client.execute('y');
    await monitor.until(2);
    monitor.send({ error: { class: 'GenericError', desc: 'this one is its own' } });
    await expect(next).rejects.toThrow('this one is its own');
  });
});
