import { expect, test } from 'vitest';
import { wireLog } from '../../../runtime/qmp/wire-log.js';
import { connected } from './fake-server.js';

test('every message is a line, and secrets are kept', async () => {
  const lines: string[] = [];
  const onWire = wireLog({ write: (line) => lines.push(line), secrets: ['password', 'data'] });
  const { client, server } = await connected({ onWire });
  const args = { protocol: 'vnc', password: 'sesame', nested: [{ data: { a: 1 }, size: 2n ** 64n - 1n }] };
  await client.execute('set_password', args);
  const id = server.received[0]?.id;
  expect(server.received[0]?.arguments).toEqual(args);
  expect(lines.slice(-2)).toEqual([
    `> {"execute":"set_password","arguments":{"protocol":"vnc","password":"***","nested":[{"data":"***","size":18446744073709551615}]},"id":"${id}"}`,
    `< {"return": {}, "id": "${id}"}`,
  ]);
});

test('nothing is hidden that is not named', () => {
  const lines: string[] = [];
  wireLog({ write: (line) => lines.push(line) })('received', { event: 'X', data: { password: 'p', ratio: Infinity } });
  expect(lines).toEqual(['< {"event": "X", "data": {"password": "p", "ratio": inf}}']);
});
