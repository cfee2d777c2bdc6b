import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { spawnStorageDaemon } from '../../runtime/qmp/spawn.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms } from './programs.js';

const folder = mkdtempSync(join(tmpdir(), 'nbd-contexts-'));
const at = (name: string): string => join(folder, name);
const run = (program: string, ...args: string[]): void => void execFileSync(program, args, { cwd: folder });

type Execute = (name: string, args?: object) => Promise<unknown>;

const contexts = ['base:allocation', 'qemu:allocation-depth', 'qemu:dirty-bitmap:top', 'qemu:dirty-bitmap:base'];

/** Exports a chain of images with its bitmaps, and returns what nbdinfo shows of them. */
async function maps(execute: Execute, socket: string): Promise<{ [context: string]: unknown }> {
  const file = (name: string): object => ({ driver: 'file', filename: at(name) });
  const backing = { driver: 'qcow2', 'node-name': 'base', 'read-only': true, file: file('base.qcow2') };
  await execute('blockdev-add', { driver: 'qcow2', 'node-name': 'top', file: file('top.qcow2'), backing });
  await execute('nbd-server-start', { addr: { type: 'unix', data: { path: socket } } });
  const options = {
    name: 'e',
    description: 'two layers',
    writable: true,
    'allocation-depth': true,
    bitmaps: ['top', { node: 'base', name: 'base' }],
  };
  await execute('block-export-add', { type: 'nbd', id: 'e', 'node-name': 'top', ...options });
  const uri = `nbd+unix:///e?socket=${socket}`;
  const found: { [context: string]: unknown } = {};
  for (const context of contexts) {
    const { stdout } = await promisify(execFile)('nbdinfo', [`--map=${context}`, '--json', uri]);
    found[context] = JSON.parse(stdout);
  }
  const { stdout } = await promisify(execFile)('nbdinfo', ['--json', '--list', `nbd+unix:///?socket=${socket}`]);
  const [listed] = JSON.parse(stdout).exports;
  found.contexts = [listed.description, ...listed.contexts];
  return found;
}

describeWithPrograms(
  'what NBD clients see of bitmaps and layers',
  ['qemu-storage-daemon', 'qemu-img', 'qemu-io', 'nbdinfo'],
  () => {
    beforeAll(() => {
      run('qemu-img', 'create', '-q', '-f', 'qcow2', 'base.qcow2', '64M');
      run('qemu-img', 'bitmap', '--add', '-g', '64k', 'base.qcow2', 'base');
      run('qemu-io', '-c', 'write -P 1 0 3M', '-c', 'write -z 8M 1M', '-c', 'write -P 2 40M 64k', 'base.qcow2');
      run('qemu-img', 'create', '-q', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'top.qcow2', '80M');
      run('qemu-img', 'bitmap', '--add', '-g', '1M', 'top.qcow2', 'top');
      run('qemu-io', '-c', 'write -P 3 1M 64k', '-c', 'write -z 20M 2M', '-c', 'write -P 4 79M 4k', 'top.qcow2');
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it('shows the same maps as the storage daemon', async () => {
      const real = await (async () => {
        await using daemon = await spawnStorageDaemon();
        return await maps(daemon.client.execute.bind(daemon.client) as Execute, at('real'));
      })();
      await using client = new LayerClient();
      const ours = await maps((name, args) => client.execute(name, args), at('ours'));
      expect(ours).toEqual(real);
      expect(Object.values(real).flat().length).toBeGreaterThan(20);
    });

    it('lets a client wait until another one leaves, and ends one that chooses no export in time', async () => {
      await using client = new LayerClient();
      await client.execute('nbd-server-start', {
        addr: { type: 'unix', data: { path: at('few') } },
        'max-connections': 1,
        'handshake-max-seconds': 1,
      });
      const first = createConnection(at('few'));
      const greeted = new Promise<void>((resolve) => first.once('data', () => resolve()));
      await greeted;
      const second = createConnection(at('few'));
      let firstLeft = false;
      first.once('close', () => {
        firstLeft = true;
      });
      // The first one says nothing, and is ended; only then the second one has its turn.
      await new Promise<void>((resolve) => second.once('data', () => resolve()));
      expect(firstLeft).toBe(true);
      second.destroy();
    });
  },
);
