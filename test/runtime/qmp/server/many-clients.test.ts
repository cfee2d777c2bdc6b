import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connect } from '../../../../runtime/qmp/client.js';
import { createQmpServer } from '../../../../runtime/qmp/server/server.js';
import { echoCommands, echoHandlers } from './echo.js';

const IDLE = 200;
const BUSY = 25;

test(`${IDLE} idle and ${BUSY} busy clients at once: each gets its own replies, all get the events`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'qmp-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'qmp');
  await using server = await createQmpServer({ dispatch: echoCommands, handlers: echoHandlers, listen: { path } });
  const clients = (count: number) => Promise.all(Array.from({ length: count }, () => connect(path)));
  const [idle, busy] = [await clients(IDLE), await clients(BUSY)];
  expect(server.clients).toBe(IDLE + BUSY);

  await Promise.all(
    busy.map(async (client, who) => {
      for (let round = 0; round < 10; round++) {
        const asked = Array.from({ length: 20 }, (_, index) => ({ who, round, index }));
        expect(
          await Promise.all(asked.map((value) => client.execute(value.index % 2 ? 'echo' : 'slow', value))),
        ).toEqual(asked);
      }
    }),
  );

  const heard = [...idle, ...busy].map((client) => client.waitFor('TICK'));
  server.events.emit('TICK', { count: 1 });
  for (const event of await Promise.all(heard)) expect(event.data).toEqual({ count: 1 });

  await Promise.all([...idle, ...busy].map((client) => client.close()));
  await expect.poll(() => server.clients).toBe(0);
});
