import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { XDbgBlockGraph } from '../../generated/index.js';
import type { JsonObject } from '../../runtime/json/value.js';
import { spawnStorageDaemon } from '../../runtime/qmp/spawn.js';
import { folderWith } from '../cli/command-line.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms } from './programs.js';

type Execute = (command: string, args?: JsonObject) => Promise<unknown>;

/** The edges with the names of their ends instead of numbers, and the nodes, in an order of their own. */
function described({ nodes, edges }: XDbgBlockGraph) {
  const names = new Map(nodes.map(({ id, type, name }) => [id, `${type} '${name}'`]));
  expect(names.size).toBe(nodes.length);
  return {
    nodes: [...names.values()].sort(),
    edges: edges
      .map(({ parent, child, name, perm, 'shared-perm': shared }) => {
        const [uses, shares] = [[...perm].sort(), [...shared].sort()];
        return `${names.get(parent)} -${name}-> ${names.get(child)}: ${uses} / ${shares}`;
      })
      .sort(),
  };
}

/** Builds a graph step by step. @returns how it looked after each of the steps */
async function built(execute: Execute, folder: string, socket: string) {
  const file = (name: string) =>
    execute('blockdev-add', { driver: 'file', 'node-name': `${name}-file`, filename: join(folder, `${name}.qcow2`) });
  const steps: (() => Promise<unknown>)[] = [
    () => file('base'),
    () => execute('blockdev-add', { driver: 'qcow2', 'node-name': 'base', file: 'base-file' }),
    () => file('top'),
    () => execute('blockdev-add', { driver: 'qcow2', 'node-name': 'top', file: 'top-file', backing: 'base' }),
    () => execute('blockdev-add', { driver: 'raw', 'node-name': 'raw', file: 'top' }),
    () => execute('nbd-server-start', { addr: { type: 'unix', data: { path: socket } } }),
    () => execute('block-export-add', { type: 'nbd', id: 'ro', 'node-name': 'raw' }),
    () => execute('block-export-add', { type: 'nbd', id: 'rw', name: 'w', 'node-name': 'top', writable: true }),
    () => file('alone'),
    () => execute('blockdev-add', { driver: 'copy-on-read', 'node-name': 'cor', file: 'alone-file' }),
    () => execute('blockdev-add', { driver: 'qcow2', 'node-name': 'alone', file: 'cor', 'read-only': true }),
  ];
  const seen: unknown[] = [];
  for (const step of steps) {
    await step();
    seen.push(described((await execute('x-debug-query-block-graph')) as XDbgBlockGraph));
  }
  return seen;
}

describeWithPrograms('x-debug-query-block-graph', ['qemu-storage-daemon', 'qemu-img'], () => {
  it('shows the nodes, edges and permissions that the storage daemon shows of the same graph', async () => {
    const folder = folderWith({});
    const image = (name: string, ...more: string[]) =>
      execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...more, `${name}.qcow2`, '1M'], { cwd: folder });
    for (const name of ['base', 'alone']) image(name);
    image('top', '-b', 'base.qcow2', '-F', 'qcow2');
    const daemon = await spawnStorageDaemon();
    onTestFinished(async () => void (await daemon.close()));
    const real = await built((command, args) => daemon.client.execute(command, args), folder, join(folder, 'real'));
    await daemon.close();
    await using ours = new LayerClient();
    const shown = await built((command, args) => ours.execute(command, args), folder, join(folder, 'ours'));
    expect(shown).toEqual(real);
  }, 60_000);
});
