import { spawn } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { JsonObject } from '../../runtime/json/value.js';
import { spawnStorageDaemon } from '../../runtime/qmp/spawn.js';
import { folderWith } from '../cli/command-line.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms } from './programs.js';

type Execute = (command: string, args?: JsonObject) => Promise<unknown>;

/** How a file is open, in whichever process: `0` for reading, `2` for writing as well. */
function accessOf(path: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => accessIn(pid, path));
}

function accessIn(pid: string, path: string): string[] {
  const folder = `/proc/${pid}/fd`;
  let fds: string[];
  try {
    fds = readdirSync(folder);
  } catch {
    // The process has ended.
    return [];
  }
  return fds.flatMap((fd) => {
    try {
      if (readlinkSync(join(folder, fd)) !== path) return [];
      const [, flags = ''] = /flags:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8')) ?? [];
      return [flags.slice(-1)];
    } catch {
      // The descriptor of the listing itself.
      return [];
    }
  });
}

/** Opens and exports two files, of which one cannot be written. @returns what came of each step */
async function script(execute: Execute, side: string, folder: string): Promise<unknown[]> {
  const results: unknown[] = [];
  const done = async (command: string, args: JsonObject): Promise<void> => {
    const result = await execute(command, args).then(
      () => 'done',
      (error: Error) => error.message.replace(/^.*'(?=\/)/, "'"),
    );
    const nodes = (await execute('query-named-block-nodes', { flat: true })) as { 'node-name': string; ro: boolean }[];
    const shown = nodes
      .map((node) => `${node['node-name']}: ${node.ro}`)
      .filter((text) => !text.startsWith('#'))
      .sort();
    results.push([command, args.id ?? args['node-name'] ?? '', result, shown, accessOf(join(folder, 'plain'))]);
  };
  const file = (name: string, more: JsonObject = {}) => ({ driver: 'file', filename: join(folder, name), ...more });
  const cautious = { 'auto-read-only': true };
  await done('blockdev-add', { ...file('busy'), 'node-name': 'refused' });
  await done('blockdev-add', { ...file('busy', cautious), 'node-name': 'busy' });
  await done('blockdev-add', { driver: 'raw', 'node-name': 'over-busy', file: 'busy' });
  await done('blockdev-add', { driver: 'raw', 'node-name': 'handed-down', ...cautious, file: file('busy') });
  await done('nbd-server-start', { addr: { type: 'unix', data: { path: join(folder, `nbd-${side}`) } } });
  const add = (id: string, node: string, writable: boolean) =>
    done('block-export-add', { type: 'nbd', id, 'node-name': node, name: id, writable });
  await add('w', 'over-busy', true);
  await add('w', 'handed-down', true);
  await add('r', 'over-busy', false);
  await done('blockdev-add', { ...file('plain', cautious), 'node-name': 'plain' });
  await add('p', 'plain', true);
  await done('block-export-del', { id: 'p' });
  await done('blockdev-reopen', { options: [{ ...file('plain'), 'node-name': 'plain' }] });
  await done('blockdev-reopen', { options: [{ ...file('plain', cautious), 'node-name': 'plain' }] });
  await add('p', 'plain', true);
  await done('blockdev-reopen', { options: [{ ...file('plain'), 'node-name': 'plain' }] });
  await done('nbd-server-stop', {});
  return results;
}

describeWithPrograms('auto-read-only', ['qemu-storage-daemon'], () => {
  it('opens what cannot be written, and opens it for writing when something writes, as the storage daemon does', async () => {
    const folder = folderWith({ plain: '\0'.repeat(65536) });
    // A program that runs cannot be written, not even by root.
    copyFileSync('/bin/sleep', join(folder, 'busy'));
    const running = spawn(join(folder, 'busy'), ['120']);
    onTestFinished(() => void running.kill());
    await new Promise((resolve) => running.once('spawn', resolve));
    const daemon = await spawnStorageDaemon();
    onTestFinished(async () => void (await daemon.close()));
    const real = await script((command, args) => daemon.client.execute(command, args), 'real', folder);
    await daemon.close();
    await using client = new LayerClient();
    expect(await script((command, args) => client.execute(command, args), 'ours', folder)).toEqual(real);
    expect(real).toContainEqual(expect.arrayContaining(['p', 'done', ['2']]));
  });
});
