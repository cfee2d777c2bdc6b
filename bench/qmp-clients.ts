/**
 * A server with 1,000 idle and 100 busy clients at once: what an idle client costs it in memory, how many round trips of
 * `query-version` it makes, and how long one of them waits at worst.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../runtime/index.js';

const IDLE = 1000;
const BUSY = 100;
const TIME_MS = 5000;

const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-bench-'));
const path = join(folder, 'qmp');
const server = fork(join(import.meta.dirname, '../build/run.mjs'), [
  join(import.meta.dirname, 'qmp-peer.ts'),
  'server',
  path,
]);

/** What the server's process uses, in KiB. */
async function memory(): Promise<number> {
  server.send('memory');
  const [bytes] = (await once(server, 'message')) as [number];
  return bytes / 1024;
}

const clients = (count: number) => Promise.all(Array.from({ length: count }, () => connect(path)));

try {
  await once(server, 'message');
  // What only the first clients cost is not counted.
  for (const client of await clients(BUSY)) await client.close();
  const before = await memory();
  const idle = await clients(IDLE);
  const perClient = ((await memory()) - before) / IDLE;
  console.log(`${IDLE} idle clients: ${perClient.toFixed(1)} KiB of the server's memory each`);

  const busy = await clients(BUSY);
  const times: number[] = [];
  const end = performance.now() + TIME_MS;
  await Promise.all(
    busy.map(async (client) => {
      while (performance.now() < end) {
        const start = performance.now();
        await client.execute('query-version');
        times.push(performance.now() - start);
      }
    }),
  );
  times.sort((a, b) => a - b);
  const at = (share: number): string => (times[Math.floor((times.length - 1) * share)] as number).toFixed(1);
  const rate = Math.round((times.length * 1000) / TIME_MS);
  console.log(`${BUSY} busy clients beside them: ${rate} round trips/s; ${at(0.5)} ms, at worst ${at(1)} ms each`);
  await Promise.all(idle.map((client) => client.execute('query-version')));
  console.log(`the idle ones are answered, too; the server uses ${((await memory()) / 1024).toFixed(0)} MiB`);
} finally {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}
process.exit();
