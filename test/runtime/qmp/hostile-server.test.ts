import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringifyReply } from '../../../runtime/json/stringify-reply.js';
import { connect } from '../../../runtime/qmp/client.js';
import { jsonValue } from '../json/arbitrary-json.js';
import { FakeServer, GREETING } from './fake-server.js';
import { FUZZ_TIMEOUT, fuzz } from './fuzz.js';

const message = fc.oneof(
  jsonValue(),
  fc.record({ return: jsonValue(), id: jsonValue() }, { requiredKeys: [] }),
  fc.record({ error: jsonValue(), id: jsonValue() }, { requiredKeys: [] }),
  fc.record({ event: jsonValue(), data: jsonValue(), timestamp: jsonValue() }, { requiredKeys: [] }),
  fc.constant(GREETING),
  fc.constant({ event: '__proto__', data: { ['__proto__']: 1 }, timestamp: { seconds: 1e300, microseconds: -1 } }),
);

const said = message.map((value) => `${stringifyReply(value)}\r\n`);

test(
  'whatever a server sends, the client lives and its next command is answered',
  async () => {
    let waiting = false;
    await fuzz('client', said, async (noises) => {
      waiting = !waiting;
      const server = new FakeServer(({ execute }) => (execute === 'silent' ? undefined : { return: execute }));
      server.send(GREETING);
      const client = await connect(server.peer);
      const events = client.events('*', { overflow: 'drop-oldest', buffer: 10 });
      const silent = waiting ? client.execute('silent').catch((error: Error) => error) : undefined;
      for (const bytes of noises) server.send(bytes);
      // What was left open must not swallow the replies.
      const quiet = client.waitFor('QUIET');
      server.send(Buffer.from([0xff]));
      server.send('\r\n');
      server.event('QUIET');
      await quiet;
      for (const name of ['a', 'b']) expect(await client.execute(name)).toBe(name);
      await events.return();
      await client.close();
      await silent;
    });
  },
  FUZZ_TIMEOUT,
);

test('a flood of events for a reader that does not read stays within its buffer', async () => {
  const server = new FakeServer();
  server.send(GREETING);
  await using client = await connect(server.peer);
  const events = client.events('*', { overflow: 'drop-newest', buffer: 100 });
  for (let count = 0; count < 20_000; count++) server.event('FLOOD', { count });
  await client.execute('x');
  expect(events.dropped).toBe(19_900);
});
