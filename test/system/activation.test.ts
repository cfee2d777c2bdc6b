import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms } from './programs.js';

/* blockdev-set-active hands an image to other programs and takes it back, as a migration does. */

describeWithPrograms('an image that is handed over', ['qemu-img', 'qemu-io', 'nbdinfo'], () => {
  let folder: string;
  let image: string;
  let clients: LayerClient[];
  const run = (program: string, ...args: string[]): string =>
    execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const layer = (): LayerClient => {
    const client = new LayerClient();
    clients.push(client);
    return client;
  };
  /** Adds the image as `disk` over `file`. */
  const open = async (client: LayerClient, options: object = {}): Promise<void> => {
    const file = { driver: 'file', filename: image };
    await client.execute('blockdev-add', { driver: 'qcow2', 'node-name': 'disk', file, ...options });
  };
  const io = (client: LayerClient, line: string): Promise<unknown> =>
    client.execute('human-monitor-command', { 'command-line': `qemu-io disk "${line}"` });
  const setActive = (client: LayerClient, active: boolean, name?: string): Promise<unknown> =>
    client.execute('blockdev-set-active', { active, ...(name === undefined ? {} : { 'node-name': name }) });
  const info = async (client: LayerClient, name = 'disk') => {
    const nodes = (await client.execute('query-named-block-nodes')) as {
      readonly 'node-name': string;
      readonly active: boolean;
      readonly ro: boolean;
      readonly image: { readonly 'virtual-size': number };
      readonly 'dirty-bitmaps'?: readonly { readonly name: string; readonly count: number }[];
    }[];
    const found = nodes.find((node) => node['node-name'] === name);
    if (found === undefined) throw new Error(`no node ${name}`);
    return found;
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'activation-'));
    image = join(folder, 'disk.qcow2');
    clients = [];
    run('qemu-img', 'create', '-q', '-f', 'qcow2', image, '4M');
  });
  afterEach(async () => {
    for (const client of clients) await client.layer.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('lets qemu-io write and qemu-img resize while it is inactive, and shows that when it is active again', async () => {
    const client = layer();
    await open(client);
    await client.execute('block-dirty-bitmap-add', { node: 'disk', name: 'kept', persistent: true });
    await client.execute('block-dirty-bitmap-add', { node: 'disk', name: 'own' });
    await io(client, 'write -P 1 0 64k');
    await setActive(client, false, 'disk');
    expect(await info(client)).toMatchObject({ active: false, ro: false, 'dirty-bitmaps': [{ name: 'own' }] });
    expect(await io(client, 'read 0 64k')).toContain("Permission 'write' unavailable on inactive node 'disk'");
    await expect(setActive(client, true, 'nope')).rejects.toThrow("node-name='nope'");
    run('qemu-io', '-c', 'read -P 1 0 64k', '-c', 'write -P 2 1M 128k', image);
    run('qemu-img', 'resize', '-q', image, '8M');
    await setActive(client, true);
    const now = await info(client);
    expect(now).toMatchObject({ active: true, ro: false });
    expect(now.image['virtual-size']).toBe(8 << 20);
    expect(now['dirty-bitmaps']).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: 'kept', count: 3 * 65_536 })]),
    );
    expect(await io(client, 'read -P 2 1M 128k')).not.toContain('verification failed');
    expect(await io(client, 'write -P 3 7M 64k')).not.toContain('failed');
    expect(() => run('qemu-io', '-c', 'write 0 64k', image)).toThrow('Failed to get');
  });

  it('opens an image inactive beside the program that has it, and activates it when that one lets go', async () => {
    const source = layer();
    const destination = layer();
    await open(source);
    await io(source, 'write -P 1 0 64k');
    await open(destination, { active: false });
    await expect(setActive(destination, true, 'disk')).rejects.toThrow('Could not activate');
    expect(await info(destination)).toMatchObject({ active: false });
    await setActive(source, false);
    await setActive(destination, true, 'disk');
    expect(await io(destination, 'read -P 1 0 64k')).not.toContain('verification failed');
    await io(destination, 'write -P 2 0 64k');
    await expect(setActive(source, true)).rejects.toThrow('Could not activate');
    await setActive(destination, false);
    await setActive(source, true);
    expect(await io(source, 'read -P 2 0 64k')).not.toContain('verification failed');
  });

  it('keeps a node active for an export without allow-inactive, and answers EPERM to clients of one with it', async () => {
    const client = layer();
    const socket = join(folder, 'nbd.sock');
    await client.execute('nbd-server-start', { addr: { type: 'unix', data: { path: socket } } });
    await open(client, { active: false });
    const exported = { type: 'nbd', 'node-name': 'disk', writable: true };
    await client.execute('block-export-add', { ...exported, id: 'waits', 'allow-inactive': true });
    const url = (name: string): string => `nbd+unix:///${name}?socket=${socket}`;
    expect(await info(client)).toMatchObject({ active: false });
    await expect(ioOf(url('disk'), 'read 0 64k')).resolves.toContain('Operation not permitted');
    await setActive(client, true, 'disk');
    await expect(ioOf(url('disk'), 'write -P 7 0 64k')).resolves.toContain('wrote 65536');
    await setActive(client, false, 'disk');
    await client.execute('block-export-add', { ...exported, id: 'needs', name: 'needs' });
    expect(await info(client)).toMatchObject({ active: true });
    await expect(ioOf(url('needs'), 'read -P 7 0 64k')).resolves.toContain('read 65536');
    await expect(setActive(client, false, 'disk')).rejects.toThrow(
      'Failed to inactivate node: Operation not permitted',
    );
    expect(await info(client)).toMatchObject({ active: true });
  });

  it('leaves a file active that an active node stands on, and refuses an active node on an inactive one', async () => {
    const client = layer();
    await client.execute('blockdev-add', { driver: 'file', 'node-name': 'file', filename: image });
    await open(client, { file: 'file' });
    await expect(setActive(client, false, 'file')).rejects.toThrow('Node has active parent node');
    await setActive(client, false, 'disk');
    expect(await info(client, 'file')).toMatchObject({ active: false });
    const other = { driver: 'raw', 'node-name': 'other', file: 'file' };
    await expect(client.execute('blockdev-add', other)).rejects.toThrow(
      "Inactive 'file' can't be a file child of active 'other'",
    );
    await expect(client.execute('block_resize', { 'node-name': 'disk', size: 1 << 20 })).rejects.toThrow(
      "Permission 'resize' unavailable on inactive node",
    );
    const target = join(folder, 'to.raw');
    run('qemu-img', 'create', '-q', '-f', 'raw', target, '4M');
    await client.execute('blockdev-add', { driver: 'file', 'node-name': 'to', filename: target });
    await expect(
      client.execute('blockdev-backup', { 'job-id': 'b', device: 'disk', target: 'to', sync: 'full' }),
    ).rejects.toThrow(/inactive/i);
    await setActive(client, true, 'disk');
    expect(await info(client, 'file')).toMatchObject({ active: true });
    await expect(
      client.execute('blockdev-reopen', {
        options: [{ driver: 'qcow2', 'node-name': 'disk', file: 'file', active: false }],
      }),
    ).rejects.toThrow("Cannot change the option 'active'");
  });
});

/** What qemu-io says of a command on an NBD export, while this process goes on serving. */
function ioOf(url: string, line: string): Promise<string> {
  return new Promise((resolve) => {
    execFile('qemu-io', ['-f', 'raw', '-c', line, url], (_error, stdout, stderr) => resolve(stdout + stderr));
  });
}
