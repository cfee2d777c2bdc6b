import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { spawnQemu } from '../../runtime/qmp/spawn.js';
import { folderWith } from '../cli/command-line.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { randomFrom } from '../runtime/block/random-from.js';
import { NbdClient } from './nbd-client.js';
import { describeWithPrograms, seed } from './programs.js';

/*
 * The same random script of a guest, a primary, checkpoints and a failover against the block layer and against the real emulator of release 7.2, which
 * alone has these commands.
 */

type Execute = (command: string, args?: object) => Promise<unknown>;

const size = 2 ** 21;

function makeImages(folder: string): void {
  const image = (...args: string[]) => execFileSync('qemu-img', ['create', '-q', '-f', ...args], { cwd: folder });
  image('raw', 'disk.raw', `${size}`);
  for (const name of ['hidden', 'active']) image('qcow2', `${name}.qcow2`, `${size}`);
}

/** Whether a command succeeds. What it fails with differs in words. */
async function works(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    (result) => {
      const { error, desc } = (result ?? {}) as { readonly error?: boolean; readonly desc?: string };
      return `works: ${Array.isArray(result) ? result.length : [error, desc]}`;
    },
    () => 'fails',
  );
}

/** Plays the script. @returns what each step has shown, and the images at the end */
async function played(execute: Execute, folder: string, number: number): Promise<readonly string[]> {
  const random = randomFrom(number);
  const begin = { enable: true, primary: false };
  const seen: string[] = [];
  const file = (name: string) => ({ driver: 'file', filename: join(folder, name) });
  const socket = join(folder, 'nbd');
  await execute('blockdev-add', { driver: 'raw', 'node-name': 'disk', file: file('disk.raw') });
  const hidden = { driver: 'qcow2', 'node-name': 'hidden', file: file('hidden.qcow2'), backing: 'disk' };
  const active = { driver: 'qcow2', 'node-name': 'active', file: file('active.qcow2'), backing: hidden };
  await execute('blockdev-add', {
    ...{ driver: 'replication', 'node-name': 'replica', mode: 'secondary', 'top-id': 'guest', file: active },
  });
  await execute('blockdev-add', { driver: 'quorum', 'node-name': 'guest', 'vote-threshold': 1, children: ['replica'] });
  seen.push(await works(execute('query-xen-replication-status')), await works(execute('xen-colo-do-checkpoint')));
  await execute('nbd-server-start', { addr: { type: 'unix', data: { path: socket } } });
  // The disk of the primary is not exported yet.
  seen.push(await works(execute('xen-set-replication', begin)));
  for (const device of ['disk', 'guest']) await execute('nbd-server-add', { device, writable: true });
  seen.push(await works(execute('xen-set-replication', begin)));
  const primary = await NbdClient.connect(socket, 'disk');
  const guest = await NbdClient.connect(socket, 'guest');
  try {
    seen.push(await works(guest.read(0, 512).then(() => 'read')));
    for (const primarySide of [true, false]) {
      seen.push(await works(execute('xen-set-replication', { enable: true, primary: primarySide })));
    }
    const change = async (client: NbdClient): Promise<void> => {
      const from = Math.floor((random() * size) / 512) * 512;
      const length = Math.min(size - from, 512 * (1 + Math.floor(random() ** 3 * 500)));
      await client.write(from, Buffer.alloc(length, Math.floor(random() * 256)));
    };
    const look = async (client: NbdClient): Promise<void> => {
      seen.push(
        createHash('sha256')
          .update(await client.read(0, size))
          .digest('hex'),
      );
    };
    for (let round = 0; round < 8; round++) {
      await change(primary);
      await change(guest);
      await look(guest);
      if (random() < 0.4) seen.push(await works(execute('xen-colo-do-checkpoint')));
      await look(guest);
    }
    seen.push(await works(execute('query-xen-replication-status')));
    seen.push(await works(execute('query-block-jobs')), await works(execute('query-jobs')));
    seen.push(await works(execute('xen-set-replication', { ...begin, failover: true })));
    seen.push(await works(execute('xen-set-replication', { enable: false, primary: false, failover: true })));
    for (let tries = 0; tries < 200; tries++) {
      const nodes = (await execute('query-named-block-nodes')) as { readonly 'node-name': string }[];
      if (!nodes.some(({ 'node-name': name }) => name === 'active' || name === 'hidden')) break;
      await new Promise((go) => setTimeout(go, 20));
    }
    const nodes = (await execute('query-named-block-nodes')) as { readonly 'node-name': string }[];
    seen.push(
      `${nodes
        .map((node) => node['node-name'])
        .filter((name) => !name.startsWith('#'))
        .sort()}`,
    );
    await change(guest);
    await look(guest);
    for (const end of [begin, { enable: false, primary: false }]) {
      seen.push(await works(execute('xen-set-replication', end)));
    }
    seen.push(await works(execute('xen-colo-do-checkpoint')), await works(execute('query-xen-replication-status')));
  } finally {
    for (const client of [primary, guest]) await client.close();
  }
  return seen;
}

describeWithPrograms('a secondary side', ['qemu-system-x86_64', 'qemu-img'], () => {
  it.each([0, 1])(
    'shows a guest what the real emulator shows it, checkpoints and failover included (%i)',
    async (more) => {
      const folders = [folderWith({}), folderWith({})] as const;
      for (const folder of folders) makeImages(folder);
      await using qemu = await spawnQemu();
      const real = await played(
        (name, args = {}) => qemu.client.executeUnknown(name, args as never),
        folders[0],
        seed + more,
      );
      await using client = new LayerClient();
      const ours = await played(
        (name, args = {}) => client.execute(name, name === 'blockdev-add' ? { options: args } : args),
        folders[1],
        seed + more,
      );
      expect(ours).toEqual(real);
      await client.layer.close();
      await qemu.close();
      const disks = folders.map((folder) => readFileSync(join(folder, 'disk.raw')));
      expect(disks[0]?.equals(disks[1] ?? Buffer.alloc(0))).toBe(true);
    },
    60_000,
  );
});
