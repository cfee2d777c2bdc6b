import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringifyReply } from '../../../runtime/json/stringify-reply.js';
import { connect } from '../../../runtime/qmp/client.js';
import { jsonValue } from '../json/arbitrary-json.js';
import { FakeServer, GREETING } from './fake-server.js';
import { FUZZ_RUNS, FUZZ_TIMEOUT, memoryInUse, noise } from './fuzz.js';

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
    let mutations = 0;
    let runs = 0;
    let before = 0;
    const started = performance.now();
    await fc.assert(
      fc.asyncProperty(fc.array(noise(said), { maxLength: 8 }), fc.boolean(), async (noises, waiting) => {
        const server = new FakeServer(({ execute }) => (execute === 'silent' ? undefined : { return: execute }));
        server.send(GREETING);
        const client = await connect(server.peer);
        const events = client.events('*', { overflow: 'drop-oldest', buffer: 10 });
        const silent = waiting ? client.execute('silent').catch((error: Error) => error) : undefined;
        for (const { bytes, mutations: count } of noises) {
          server.send(bytes);
          mutations += count;
        }
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
        if (++runs === 100) before = memoryInUse();
      }),
      { numRuns: FUZZ_RUNS },
    );
    const after = memoryInUse();
    if (FUZZ_RUNS > 1000) {
      const seconds = ((performance.now() - started) / 1000).toFixed(0);
      console.log(
        `client: ${mutations} mutations in ${seconds} s; ${before.toFixed(1)} MiB before, ${after.toFixed(1)} after`,
      );
    }
    expect(after - before).toBeLessThan(16);
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
