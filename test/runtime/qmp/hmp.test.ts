import { expect, test } from 'vitest';
import { hmp } from '../../../runtime/qmp/hmp.js';
import { connected } from './fake-server.js';

test('hmp executes a line, for a CPU where one is named, and returns its text', async () => {
  const { client, server } = await connected({}, () => ({ return: 'a\r\nb\r\n' }));
  expect(await hmp(client, 'info block')).toBe('a\nb\n');
  expect(await hmp(client, 'info registers', { cpu: 1, timeout: 1000 })).toBe('a\nb\n');
  expect(server.received.map(({ arguments: args }) => args)).toEqual([
    { 'command-line': 'info block' },
    { 'command-line': 'info registers', 'cpu-index': 1 },
  ]);
});
