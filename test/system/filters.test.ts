import { exec, execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { JobInfo } from '../../generated/index.js';
import type { JsonObject } from '../../runtime/json/value.js';
import { spawnStorageDaemon } from '../../runtime/qmp/spawn.js';
import { folderWith } from '../cli/command-line.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms } from './programs.js';

type Execute = (command: string, args?: JsonObject) => Promise<unknown>;
type Script = (side: Side) => Promise<unknown>;

/** The storage daemon, or this server, in a folder of its own. */
class Side {
  readonly folder = folderWith({});
  readonly execute: Execute;

  readonly isOurs: boolean;

  constructor(execute: Execute, isOurs: boolean) {
    this.execute = execute;
    this.isOurs = isOurs;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  run(program: string, ...args: string[]): string {
    return execFileSync(program, args, { cwd: this.folder, encoding: 'utf8', stdio: 'pipe' });
  }

  /** Runs a program without holding up the server, which is in this process. */
  async shell(command: string): Promise<void> {
    await promisify(exec)(command, { cwd: this.folder });
  }

  file(name: string): JsonObject {
    return { driver: 'file', filename: this.path(name) };
  }

  /** @returns what came of it, without the folder */
  attempt(command: string, args: JsonObject): Promise<string> {
    return this.execute(command, args).then(
      () => 'done',
      (error: Error) => error.message.replaceAll(this.folder, ''),
    );
  }

  async add(name: string, driver: string, options: JsonObject): Promise<void> {
    await this.execute('blockdev-add', { driver, 'node-name': name, ...options });
  }

  /** Runs a job to its end. @returns whether it began, and its progress */
  async job(command: string, args: JsonObject): Promise<unknown> {
    const begun = await this.attempt(command, { 'job-id': 'j', 'auto-dismiss': false, ...args });
    for (;;) {
      const [job] = (await this.execute('query-jobs')) as JobInfo[];
      if (job === undefined) return begun;
      if (job.status === 'ready') await this.attempt('job-complete', { id: 'j' });
      if (job.status === 'concluded') {
        await this.execute('job-dismiss', { id: 'j' });
        return [begun, job.error, job['total-progress']];
      }
      await setTimeout(5);
    }
  }

  /** The file names of nodes with names, and how long they are. */
  async nodes(): Promise<unknown> {
    const nodes = (await this.execute('query-named-block-nodes', { flat: true })) as {
      'node-name': string;
      file: string;
      image: { 'virtual-size': number };
    }[];
    return nodes
      .filter((node) => !node['node-name'].startsWith('#'))
      .map(({ 'node-name': name, file, image }) => [name, this.#shown(file), image['virtual-size']])
      .sort();
  }

  /** A name that is options: they have no order. */
  #shown(file: string): unknown {
    const text = file.replaceAll(this.folder, '');
    return text.startsWith('json:') ? JSON.parse(text.slice(5)) : text;
  }

  /** The edges between nodes with names. */
  async edges(): Promise<string[]> {
    const graph = (await this.execute('x-debug-query-block-graph')) as {
      nodes: { id: number; name: string }[];
      edges: { parent: number; child: number; name: string }[];
    };
    const names = new Map(graph.nodes.map(({ id, name }) => [id, name]));
    const shown = graph.edges.map(({ parent, child, name }) => `${names.get(parent)} ${name} ${names.get(child)}`);
    return shown.filter((text) => !text.includes('#')).sort();
  }
}

/** What a script brings about here and with the storage daemon. */
async function onBothSides(script: Script): Promise<{ readonly ours: unknown; readonly real: unknown }> {
  const daemon = await spawnStorageDaemon();
  onTestFinished(async () => void (await daemon.close()));
  const real = await script(new Side((command, args) => daemon.client.execute(command, args), false));
  await using client = new LayerClient();
  return { ours: await script(new Side((command, args) => client.execute(command, args), true)), real };
}

/** A log without the flushes, of which a layer may make more than another: its entries, and what they are about. */
function entriesOf(log: Buffer): unknown[] {
  const sectorSize = log.readUInt32LE(24);
  const entries: unknown[] = [log.subarray(0, 16).toString('hex'), sectorSize];
  for (let index = 0, at = sectorSize; index < log.readBigUInt64LE(16); index++, at += sectorSize) {
    const [sector, count, flags, length] = [0, 8, 16, 24].map((field) => Number(log.readBigUInt64LE(at + field)));
    const stored = flags === 4 ? 0 : (count ?? 0) * sectorSize;
    const data = log.subarray(at + sectorSize, at + sectorSize + stored);
    if (flags !== 1) entries.push([sector, count, flags, length, data.toString('hex')]);
    at += stored;
  }
  return entries;
}

const limits = { 'qom-type': 'throttle-group', id: 'g', limits: {} };

/** `f2` over `w2` over `f1` over `w1` over `f0` over `w0`, each `w` an image with 64 KiB of its own, each `f` a filter. */
async function chain(side: Side): Promise<void> {
  await side.execute('object-add', limits);
  const images = [0, 1, 2].map((index) => `w${index}.qcow2`);
  for (const [index, name] of images.entries()) {
    const over = index === 0 ? [] : ['-b', `w${index - 1}.qcow2`, '-F', 'qcow2'];
    side.run('qemu-img', 'create', '-q', '-f', 'qcow2', ...over, name, '1M');
    side.run('qemu-io', '-f', 'qcow2', '-c', `write -P ${index + 1} ${index * 64}k 64k`, name);
  }
  for (const [index, name] of images.entries()) {
    const below = index === 0 ? {} : { backing: `f${index - 1}` };
    await side.add(`w${index}`, 'qcow2', { file: side.file(name), ...below });
    await side.add(`f${index}`, 'throttle', { 'throttle-group': 'g', file: `w${index}` });
  }
}

/** Whether the uppermost image reads as something else than it did before a job. */
function contentsFail(side: Side): boolean {
  const patterns = [1, 2, 3].map((value, index) => `read -P ${value} ${index * 64}k 64k`);
  const output = side.run('qemu-io', '-r', '-f', 'qcow2', ...patterns.flatMap((each) => ['-c', each]), 'w2.qcow2');
  return output.includes('verification failed');
}

describeWithPrograms('filters, as the storage daemon has them', ['qemu-storage-daemon', 'qemu-img', 'qemu-io'], () => {
  describe('jobs find the images of a chain through filters', () => {
    it.each<[string, string, JsonObject]>([
      ['a stream to a base that is below one', 'block-stream', { device: 'w2', 'base-node': 'w0' }],
      ['a stream to a base that is one', 'block-stream', { device: 'w2', 'base-node': 'f0' }],
      ['a stream of one, to a bottom', 'block-stream', { device: 'f2', bottom: 'w1' }],
      ['a stream of one, of nothing', 'block-stream', { device: 'f2', bottom: 'w2' }],
      ['a commit from one on', 'block-commit', { device: 'f2', 'top-node': 'f1', 'base-node': 'w0' }],
      ['a commit from below one, into one', 'block-commit', { device: 'f2', 'top-node': 'w1', 'base-node': 'f0' }],
      ['a commit of the active layer into one', 'block-commit', { device: 'f2', 'base-node': 'f0' }],
      ['a stream to a node that is above', 'block-stream', { device: 'w2', 'base-node': 'f2' }],
    ])('%s', async (_, command, args) => {
      const { ours, real } = await onBothSides(async (side) => {
        await chain(side);
        const result = [await side.job(command, args), await side.edges()];
        for (const name of ['f2', 'w2', 'f1', 'w1', 'f0', 'w0'])
          await side.attempt('blockdev-del', { 'node-name': name });
        // The storage daemon may write names into headers by which QEMU cannot open what it has done.
        if (side.isOurs) expect(contentsFail(side)).toBe(false);
        return result;
      });
      expect(ours).toEqual(real);
    });
  });

  it("filters have the names and lengths of the storage daemon's, also when they are resized", async () => {
    const { ours, real } = await onBothSides(async (side) => {
      for (const name of ['a', 'b', 'c', 'd']) side.run('qemu-img', 'create', '-q', '-f', 'raw', name, '4M');
      side.run('qemu-img', 'create', '-q', '-f', 'qcow2', 'q', '4M');
      await side.execute('object-add', limits);
      await side.add('throttle', 'throttle', { 'throttle-group': 'g', file: side.file('a') });
      await side.add('preallocate', 'preallocate', { 'prealloc-size': 1 << 20, file: side.file('b') });
      await side.add('q', 'qcow2', { file: side.file('q'), 'lazy-refcounts': true, 'l2-cache-entry-size': 4096 });
      await side.add('copy-on-read', 'copy-on-read', { file: 'q', bottom: 'q' });
      await side.add('compress', 'compress', { file: 'q' });
      await side.add('cbw', 'copy-before-write', { file: 'q', target: side.file('c'), 'cbw-timeout': 2 });
      await side.add('access', 'snapshot-access', { file: 'cbw' });
      await side.add('log', 'blklogwrites', { file: side.file('d'), log: { driver: 'null-co', size: 1 << 20 } });
      const results: unknown[] = [await side.nodes()];
      for (const [name, size] of [
        ['throttle', 5],
        ['preallocate', 6],
        ['cbw', 7],
        ['cbw', 3],
        ['log', 2],
      ] as const) {
        results.push([name, await side.attempt('block_resize', { 'node-name': name, size: size << 20 })]);
      }
      results.push(await side.nodes());
      await side.execute('blockdev-del', { 'node-name': 'preallocate' });
      return [...results, ...['a', 'b', 'd'].map((name) => statSync(side.path(name)).size)];
    });
    expect(ours).toEqual(real);
  });

  it.each([[{}], [{ 'log-sector-size': 4096 }], [{ 'log-super-update-interval': 2 }]])(
    'blklogwrites writes the same bytes with %j',
    async (options) => {
      const { ours, real } = await onBothSides(async (side) => {
        side.run('qemu-img', 'create', '-q', '-f', 'raw', 'disk', '1M');
        side.run('qemu-img', 'create', '-q', '-f', 'raw', 'log', '1M');
        const file = { ...side.file('disk'), discard: 'unmap' };
        const open = (more: JsonObject) =>
          side.add('log', 'blklogwrites', { file, discard: 'unmap', log: side.file('log'), ...more });
        const use = async (...commands: string[]): Promise<void> => {
          const path = side.path('nbd');
          await side.execute('nbd-server-start', { addr: { type: 'unix', data: { path } } });
          await side.execute('block-export-add', { type: 'nbd', id: 'e', 'node-name': 'log', writable: true });
          const script = `${commands.map((command) => `-c '${command}'`).join(' ')}`;
          await side.shell(`qemu-io -f raw -d unmap ${script} 'nbd+unix:///log?socket=${path}'`);
          await side.execute('nbd-server-stop');
          await side.execute('blockdev-del', { 'node-name': 'log' });
        };
        await open(options);
        await use('write -P 7 4k 4k', 'flush', 'discard 128k 4k', 'write -P 9 1k 512', 'write -P 3 700 100');
        await open({ 'log-append': true });
        await use('write -P 1 8k 4k', 'write -P 2 16k 4k');
        return entriesOf(readFileSync(side.path('log')));
      });
      expect(ours).toEqual(real);
    },
  );
});
