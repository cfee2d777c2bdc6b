import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isQmpFailure } from '../../runtime/qmp/error.js';
import { describeWithPrograms } from './programs.js';
import { ours, real, type Side } from './script-sides.js';

/*
 * `block-commit` of a device that is a filter on the active image, against the block layer and against the real storage daemon of release 7.2.
 */

interface Graph {
  readonly nodes: readonly { readonly id: number; readonly name: string }[];
  readonly edges: readonly { readonly parent: number; readonly child: number; readonly name: string }[];
}

function makeImages(folder: string): void {
  mkdirSync(folder);
  let below: string | undefined;
  for (const [index, name] of ['base', 'mid', 'top'].entries()) {
    const place = below === undefined ? [name, '4M'] : ['-F', 'qcow2', '-b', join(folder, below), name];
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...place], { cwd: folder });
    execFileSync('qemu-io', ['-c', `write -q -P ${index + 1} ${index}M 1M`, name], { cwd: folder });
    below = name;
  }
}

/** Opens the images, the filters above. */
async function open(side: Side, filters: readonly string[]): Promise<void> {
  await side.execute('object-add', { 'qom-type': 'throttle-group', id: 'g' });
  let below: string | undefined;
  for (const name of ['base', 'mid', 'top']) {
    const file = { driver: 'file', filename: `@${name}` };
    await side.execute('blockdev-add', { driver: 'qcow2', 'node-name': name, file, ...(below && { backing: below }) });
    below = name;
  }
  for (const driver of filters) {
    const group = driver === 'throttle' ? { 'throttle-group': 'g' } : {};
    await side.execute('blockdev-add', { driver, 'node-name': driver, file: below, ...group });
    below = driver;
  }
}

/** The event with one of some names, as soon as it comes. */
async function event(side: Side, ...names: string[]): Promise<string> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
    const found = side.events.find(({ name }) => names.includes(name));
    if (found !== undefined) {
      const { type, len, offset, error } = found.data;
      return [found.name, type, len, offset, error].join(' ');
    }
    await new Promise((go) => setTimeout(go, 3));
  }
  throw new Error(`No ${names.join(' or ')} comes`);
}

/** What each node is on, but for files. */
async function edgesOf(side: Side): Promise<string[]> {
  const { nodes, edges } = (await side.execute('x-debug-query-block-graph', {})) as Graph;
  const names = new Map(nodes.map(({ id, name }) => [id, name]));
  const shown = edges.map(({ parent, child, name }) => `${names.get(parent)} ${name} ${names.get(child)}`);
  return shown.filter((edge) => /^[a-z-]+ (file|backing) [a-z]/.test(edge)).sort();
}

/** Commits. @returns what was answered and reported, and the graph at the end */
async function played(side: Side, filters: readonly string[], args: object): Promise<unknown[]> {
  await open(side, filters);
  const device = filters.at(-1);
  try {
    await side.execute('block-commit', { 'job-id': 'j', device, ...args });
  } catch (error) {
    if (!isQmpFailure(error)) throw error;
    return [error.class, error.message.replace(/.*: (?=[A-Z'c])/, '')];
  }
  const first = await event(side, 'BLOCK_JOB_READY', 'BLOCK_JOB_COMPLETED');
  if (first.startsWith('BLOCK_JOB_READY')) await side.execute('job-complete', { id: 'j' });
  return [first, await event(side, 'BLOCK_JOB_COMPLETED'), await edgesOf(side)];
}

describeWithPrograms('a commit below filters', ['qemu-img', 'qemu-io', 'qemu-storage-daemon'], () => {
  it.each([
    [['throttle'], {}],
    [['throttle'], { 'top-node': 'top' }],
    [['throttle'], { 'top-node': 'mid' }],
    [['throttle'], { 'base-node': 'mid' }],
    [['throttle'], { 'base-node': 'top' }],
    [['throttle'], { 'top-node': 'top', 'base-node': 'mid' }],
    [['throttle'], { 'top-node': 'top', 'backing-file': 'x' }],
    [['throttle'], { 'top-node': 'base' }],
    [['copy-on-read'], {}],
    [['throttle', 'copy-on-read'], { 'top-node': 'throttle' }],
  ])('goes as with the real storage daemon (%j, %j)', async (filters, args) => {
    const folder = mkdtempSync(join(tmpdir(), 'commit-'));
    try {
      const told: unknown[] = [];
      for (const [name, start] of [
        ['ours', ours],
        ['real', real],
      ] as const) {
        makeImages(join(folder, name));
        const side = await start(join(folder, name));
        try {
          told.push(await played(side, filters, args));
        } finally {
          await side.close();
        }
      }
      expect(told[0]).toEqual(told[1]);
      for (const image of ['base', 'mid']) {
        const pair = [join(folder, 'ours', image), join(folder, 'real', image)];
        execFileSync('qemu-img', ['compare', '-q', ...pair]);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
