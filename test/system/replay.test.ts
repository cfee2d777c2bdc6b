import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connect, type QmpClient } from '../../runtime/qmp/client.js';
import { spawnStorageDaemon } from '../../runtime/qmp/spawn.js';
import { Recorder, replayQmp } from '../../testkit/index.js';
import { folderWith } from '../cli/command-line.js';
import { describeWithPrograms } from './programs.js';

/** Adds an image, looks at it, asks for one that is not there, and takes it away again. */
async function program(client: QmpClient, filename: string): Promise<unknown[]> {
  await client.execute('blockdev-add', { driver: 'file', 'node-name': 'd', filename });
  const nodes = (await client.execute('query-named-block-nodes')) as { file: string }[];
  const problem = await client.execute('blockdev-del', { 'node-name': 'e' }).catch((error: Error) => error.message);
  await client.execute('blockdev-del', { 'node-name': 'd' });
  return [nodes, problem];
}

describeWithPrograms('sessions with real programs', ['qemu-storage-daemon'], () => {
  test('a replay plays the part of the storage daemon that was recorded', async () => {
    const image = join(folderWith({}), 'disk.img');
    writeFileSync(image, Buffer.alloc(65_536));
    await using daemon = await spawnStorageDaemon();
    await daemon.client.close();
    const recorder = new Recorder();
    const client = await connect(daemon.socket, { onWire: recorder.onWire });
    const first = await program(client, image);
    await client.close();

    await using replay = await replayQmp(recorder.toString(), { volatile: ['filename'] });
    await using again = await connect(replay.address);
    expect(await program(again, '/elsewhere/disk.img')).toEqual(first);
    expect(first[1]).toMatch(/'e'|\be\b/);
    replay.verify();
  });
});
