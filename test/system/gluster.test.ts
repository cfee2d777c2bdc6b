import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Child } from '../../runtime/block/driver.js';
import { createImage } from '../../runtime/block/graph/create.js';
import type { RootOwner } from '../../runtime/block/graph/node.js';
import { BlockOptions } from '../../runtime/block/options.js';
import { RequestFlag } from '../../runtime/block/request-flag.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { run } from './interop-images.js';
import { pattern } from './judged-disk.js';
import { describeWithPrograms } from './programs.js';

const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-gluster-'));
const brick = join(folder, 'brick');
const MiB = 2 ** 20;
/** The volume's parts find the server by its port only when that is the usual one. */
const configuration = `volume management
    type mgmt/glusterd
    option working-directory ${folder}/work
    option run-directory ${folder}/run
    option transport-type socket
    option transport.socket.listen-port 24007
    option transport.socket.bind-address 127.0.0.1
    option glusterd-sockfile ${folder}/socket
end-volume
`;
const owner: RootOwner = { name: '', drainBegin: async () => {}, drainEnd: () => {} };
let server: ChildProcess;

async function gluster(...args: string[]): Promise<void> {
  await run('gluster', ['--mode=script', `--glusterd-sock=${folder}/socket`, ...args]);
}

async function opened(options: object, action: (root: Child) => Promise<void>): Promise<void> {
  await using client = new LayerClient();
  const { graph } = client.layer;
  const root = await graph.attachRoot(await graph.open({ options: BlockOptions.flatten(options) }), owner);
  try {
    await action(root);
  } finally {
    await graph.detachRoot(root);
  }
}

describeWithPrograms('an image on gluster', ['glusterd', 'gluster', 'qemu-img'], () => {
  beforeAll(async () => {
    for (const name of ['work', 'run', 'brick']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'configuration'), configuration);
    const files = ['-f', join(folder, 'configuration'), '-l', join(folder, 'log'), '-p', join(folder, 'pid')];
    server = spawn('glusterd', ['-N', ...files], { stdio: 'ignore' });
    for (let tries = 0; ; tries++) {
      try {
        await gluster('volume', 'create', 'images', `${hostname()}:${brick}`, 'force');
        break;
      } catch (error) {
        if (tries === 60 || server.exitCode !== null) throw error;
        await delay(500);
      }
    }
    await gluster('volume', 'start', 'images');
  }, 90_000);

  afterAll(async () => {
    await gluster('volume', 'stop', 'images', 'force').catch(() => {});
    server.kill();
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
    rmSync(folder, { recursive: true });
  }, 60_000);

  it('holds the same on the server as here after writes, discards and a resize', async () => {
    await using client = new LayerClient();
    const filename = 'gluster://localhost/images/disk.qcow2';
    await createImage(client.layer.graph, { format: 'qcow2', filename, size: 3 * MiB });
    const expected = Buffer.alloc(4 * MiB);
    const file = {
      driver: 'gluster',
      volume: 'images',
      path: 'disk.qcow2',
      logfile: join(folder, 'client.log'),
      // The first one is not there.
      server: [
        { type: 'inet', host: '127.0.0.1', port: '1' },
        { type: 'inet', host: 'localhost', port: '24007' },
      ],
    };
    await opened({ driver: 'qcow2', discard: 'unmap', file }, async (root) => {
      for (const [at, length] of [
        [0, 1000],
        [700_000, 300_000],
        [2 * MiB, MiB],
      ] as const) {
        pattern(at, at, length, false).copy(expected, at);
        await root.write(at, expected.subarray(at, at + length));
      }
      await root.writeZeroes(800_000, 100_000, RequestFlag.mayUnmap);
      expected.fill(0, 800_000, 900_000);
      await root.discard(2 * MiB, 512 * 1024);
      expected.fill(0, 2 * MiB, 2 * MiB + 512 * 1024);
      await root.flush();
      await root.truncate(4 * MiB);
      const read = Buffer.alloc(4 * MiB, 0xee);
      await root.read(0, read);
      expect(read.equals(expected)).toBe(true);
    });
    await run('qemu-img', ['check', join(brick, 'disk.qcow2')]);
    await run('qemu-img', ['convert', '-O', 'raw', join(brick, 'disk.qcow2'), join(folder, 'raw')]);
    expect(readFileSync(join(folder, 'raw')).equals(expected)).toBe(true);
  }, 120_000);

  it('the unix socket of the server leads to its volumes, by a file name and by options', async () => {
    await using client = new LayerClient();
    const socket = join(folder, 'socket');
    const filename = `gluster+unix:///images/unix.raw?socket=${socket}`;
    await createImage(client.layer.graph, { format: 'raw', filename, size: MiB });
    const data = pattern(0, 0, 100_000, false);
    const server = [{ type: 'unix', path: socket }];
    const file = { driver: 'gluster', volume: 'images', path: 'unix.raw', server, logfile: join(folder, 'client.log') };
    await opened({ driver: 'raw', file }, async (root) => {
      await root.write(1000, data);
      await root.flush();
      const read = Buffer.alloc(100_000);
      await root.read(1000, read);
      expect(read.equals(data)).toBe(true);
    });
    expect(readFileSync(join(brick, 'unix.raw')).subarray(1000, 101_000).equals(data)).toBe(true);
  }, 120_000);

  it('reports by name that there is no such file or volume', async () => {
    const open = (filename: string) =>
      opened({ driver: 'gluster', filename, 'read-only': true, logfile: join(folder, 'client.log') }, async () => {});
    await expect(open('gluster://localhost/images/none')).rejects.toThrow(
      "Could not open 'none' in the gluster volume 'images'",
    );
    await expect(open('gluster://localhost/none/x')).rejects.toThrow(
      "Could not open the gluster volume 'none' of localhost:24007",
    );
  }, 60_000);
});
