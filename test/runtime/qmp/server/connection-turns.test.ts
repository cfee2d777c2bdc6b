import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { ConnectionTurns } from '../../../../runtime/qmp/server/connection-turns.js';

/** A server that greets the clients which have their turn, with the number that they are of those. */
async function served(most: number, fails = false) {
  let count = 0;
  const turns = new ConnectionTurns(most, async (socket) => {
    if (fails) throw new Error('no');
    socket.resume().write(`${++count}`);
  });
  const accepted: Socket[] = [];
  const server = createServer((socket) => {
    accepted.push(socket);
    turns.take(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  onTestFinished(() => {
    for (const socket of accepted) socket.destroy();
    server.close();
  });
  /** Connects, and waits until the server has accepted. */
  const client = async () => {
    const seen = { greeting: '', closed: false, socket: createConnection(port, '127.0.0.1') };
    seen.socket.on('data', (text: Buffer) => {
      seen.greeting += text;
    });
    seen.socket.on('close', () => {
      seen.closed = true;
    });
    const before = accepted.length;
    await vi.waitFor(() => expect(accepted).toHaveLength(before + 1));
    return seen;
  };
  return { turns, client };
}

it('serves so many connections at a time, and the others in their order when one is closed', async () => {
  const { turns, client } = await served(2);
  const [first, second, third, gone, fifth, last] = [
    await client(),
    await client(),
    await client(),
    await client(),
    await client(),
    await client(),
  ];
  await vi.waitFor(() => expect([first.greeting, second.greeting]).toEqual(['1', '2']));
  expect(third.greeting).toBe('');
  gone.socket.resetAndDestroy();
  second.socket.destroy();
  await vi.waitFor(() => expect(third.greeting).toBe('3'));
  first.socket.destroy();
  await vi.waitFor(() => expect(fifth.greeting).toBe('4'));
  turns.close();
  await vi.waitFor(() => expect(last.closed).toBe(true));
  expect([last.greeting, gone.greeting, third.closed]).toEqual(['', '', false]);
});

it('closes a connection that cannot be served, and goes on', async () => {
  const { client } = await served(1, true);
  for (const one of [await client(), await client()]) await vi.waitFor(() => expect(one.closed).toBe(true));
});
