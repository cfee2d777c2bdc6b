import { expect, it } from 'vitest';
import type { Backend } from '../../../../runtime/block/backend/backend.js';
import { builtInDrivers } from '../../../../runtime/block/built-in-drivers.js';
import { readDrive } from '../../../../runtime/block/drive/read-drive.js';
import { BlockError } from '../../../../runtime/block/error.js';
import { operations } from '../../../../runtime/block/graph/blockers.js';
import { createImage } from '../../../../runtime/block/graph/create.js';
import { BlockOptions } from '../../../../runtime/block/options.js';
import { LayerClient } from '../layer-client.js';
import { randomFrom } from '../random-from.js';
import { RamFiles } from './ram-driver.js';

/*
 * Guests read and write, jobs run, fail, are paused and cancelled, in any order that a seed makes. At the end of each job its promise holds, and
 * nothing of it is left. `JOB_MODEL_SEEDS=FIRST-LAST` runs other seeds than those of every test run.
 */

const [first = 1, last = 120] = (process.env.JOB_MODEL_SEEDS ?? '').split('-').filter(Boolean).map(Number);

const kinds = [
  'stream',
  'stream-base',
  'commit',
  'commit-active',
  'mirror',
  'mirror-cancel',
  'backup',
  'incremental',
] as const;

class Run {
  readonly random: () => number;
  readonly ram: RamFiles;
  readonly client: LayerClient;
  readonly size: number;
  /** What a guest reads. */
  model: Buffer;
  top = '';
  /** The files of the chain, the deepest first. */
  chain: string[] = [];
  #files = 0;
  #writing = true;

  constructor(seed: number) {
    this.random = randomFrom(seed);
    this.ram = new RamFiles(this.random);
    this.client = new LayerClient({ drivers: builtInDrivers([this.ram.driver]) });
    this.size = 512 * (200 + this.below(1500));
    this.model = Buffer.alloc(this.size);
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  one<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  get backend(): Backend {
    const backend = this.client.layer.backend('d0');
    if (backend === undefined) throw new Error('The drive is gone');
    return backend;
  }

  async create(format: string, backing?: string): Promise<string> {
    const name = `f${this.#files++}`;
    const options = format === 'qcow2' ? [['cluster_size', this.one([4096, 65_536])] as const] : [];
    await createImage(this.client.layer.graph, {
      format,
      filename: `ram:${name}`,
      size: this.size,
      options: new BlockOptions(options),
      ...(backing === undefined ? {} : { backing: { name: `ram:${backing}`, format: 'qcow2' } }),
    });
    return name;
  }

  /** A chain of images with data in each. */
  async open(): Promise<void> {
    for (let depth = 1 + this.below(4); depth > 0; depth--) {
      const name = await this.create('qcow2', this.chain.at(-1));
      this.chain.push(name);
      await this.attach(name);
      for (let writes = this.below(6); writes > 0; writes--) await this.write();
      if (depth > 1) await this.client.layer.deleteDrive('d0');
    }
  }

  async attach(name: string): Promise<void> {
    const { layer } = this.client;
    await layer.addDrive(readDrive(`file=ram:${name},if=none,id=d0`, layer.registry));
  }

  async write(): Promise<void> {
    const offset = this.below(this.size);
    const length = Math.min(this.size - offset, 1 + this.below(this.one([600, 5000, 100_000])));
    const zeroes = this.random() < 0.2;
    const data = Buffer.alloc(length, zeroes ? 0 : 1 + this.below(255));
    try {
      await (zeroes ? this.backend.writeZeroes(offset, length) : this.backend.write(offset, data));
    } catch (error) {
      if (!(error instanceof BlockError)) throw error;
      await this.#failedWrite(offset, data);
      return;
    }
    data.copy(this.model, offset);
  }

  /** The copy before a write has failed: parts of it may be written, and nothing else. */
  async #failedWrite(offset: number, data: Buffer): Promise<void> {
    const now = Buffer.alloc(data.length);
    await this.backend.read(offset, now);
    for (const [at, byte] of now.entries()) {
      if (byte !== data[at] && byte !== this.model[offset + at])
        throw new Error(`A failed write has changed ${offset + at} to ${byte}`);
    }
    now.copy(this.model, offset);
  }

  async read(): Promise<void> {
    const offset = this.below(this.size);
    const buffer = Buffer.alloc(Math.min(this.size - offset, 1 + this.below(100_000)));
    await this.backend.read(offset, buffer);
    if (!buffer.equals(this.model.subarray(offset, offset + buffer.length)))
      throw new Error(`A guest reads wrong data at ${offset}`);
  }

  /** A guest that does one thing after the other until it is stopped. */
  async guest(): Promise<void> {
    while (this.#writing) {
      await (this.random() < 0.6 ? this.write() : this.read());
      await new Promise((go) => setImmediate(go));
    }
  }

  stopGuest(): void {
    this.#writing = false;
  }

  startGuest(): Promise<void> {
    this.#writing = true;
    return this.guest();
  }

  /** All of an image that is not open. */
  async contentOf(name: string, format: string): Promise<Buffer> {
    const { layer } = this.client;
    await layer.addDrive(readDrive(`file=ram:${name},format=${format},if=none,id=look,readonly=on`, layer.registry));
    const buffer = Buffer.alloc(this.size);
    await layer.backend('look')?.read(0, buffer);
    await layer.deleteDrive('look');
    return buffer;
  }

  /** Resolves when a job has ended, with what was reported. */
  async ended(): Promise<{ name: string; data: { error?: string } }> {
    for (let turns = 0; ; turns++) {
      const found = this.client.events.find(({ name }) => /^BLOCK_JOB_(COMPLETED|CANCELLED)$/.test(name));
      if (found !== undefined) return found as never;
      if (turns === 5000) {
        // A mirror need not keep up with a guest that never rests.
        this.stopGuest();
        for (const job of this.client.layer.jobs.all) attempt(() => job.setSpeed(0));
      }
      if (turns > 200_000)
        throw new Error(`A job does not end: ${JSON.stringify(await this.client.execute('query-block-jobs'))}`);
      await new Promise((go) => setImmediate(go));
      await this.#steer();
    }
  }

  /** Does something to the job now and then. */
  async #steer(): Promise<void> {
    const { layer } = this.client;
    const [job] = layer.jobs.all;
    if (job === undefined) return;
    if (['paused', 'standby'].includes(job.status) && this.random() < 0.2) {
      this.ram.heal();
      // A drained section may be what it rests for.
      attempt(() => job.resume());
    }
    if (this.random() > 0.03) return;
    const medium = layer.graph.mediumOf(this.backend);
    const action = this.below(4);
    if (action === 0) attempt(() => job.pause());
    if (action === 1 && medium !== undefined) {
      await layer.graph.drained(medium, async () => {
        for (let turns = 0; turns < 3; turns++) await new Promise((go) => setImmediate(go));
      });
    }
    if (action === 2) await this.client.execute('query-block');
    if (action === 3) {
      const resize = (size: number) => this.client.execute('block_resize', { device: 'd0', size });
      const resized = await resize(this.size * 2).then(
        () => true,
        () => false,
      );
      // The job had ended by then.
      if (resized && layer.jobs.all.includes(job)) throw new Error('A disk with a job was resized');
      if (resized) await resize(this.size);
    }
  }

  /** Nothing of a job is left. */
  leftovers(): string[] {
    const { layer } = this.client;
    const left: string[] = layer.jobs.all.map(({ id }) => `job ${id}`);
    for (const node of layer.graph.nodes) {
      const { requests, name, holds } = node;
      if (requests.beforeWrite.size > 0) left.push(`notifier of ${name}`);
      if (requests.dirtyTrackers.size > layer.bitmaps.of(node).length) left.push(`tracker of ${name}`);
      if (requests.copyOnRead > 0 || holds > 0) left.push(`state of ${name}`);
      if (node.ofJob !== undefined) left.push(`filter ${name}`);
      const overlaid = [...node.parents].some(({ role }) => role === 'backing');
      if (!overlaid && operations.some((operation) => node.blockers.reason(operation) !== undefined))
        left.push(`blocker of ${name}`);
      if (layer.bitmaps.of(node).some((bitmap) => bitmap.name === undefined || bitmap.status === 'frozen'))
        left.push(`bitmap of ${name}`);
    }
    return left;
  }
}

async function withRun(seed: number): Promise<void> {
  const run = new Run(seed);
  const { client } = run;
  try {
    await run.open();
    let previous: { name: string; format: string } | undefined;
    for (let jobs = 1 + run.below(3); jobs > 0; jobs--) {
      const kind = run.one(kinds);
      client.events.length = 0;
      run.ram.heal();
      const common = { device: 'd0', 'job-id': 'j', ...(run.random() < 0.2 ? { speed: 20_000_000 } : {}) };
      const policy = run.one(['report', 'stop', 'ignore', 'enospc']);
      const format = run.one(['raw', 'qcow2']);
      const target = `f-target-${jobs}`;
      let atStart = Buffer.from(run.model);
      if (kind === 'incremental' && previous === undefined) {
        const actions = [
          { type: 'block-dirty-bitmap-add', data: { node: 'd0', name: 'b' } },
          { type: 'drive-backup', data: { device: 'd0', target: 'ram:f-full', format: 'qcow2', sync: 'full' } },
        ];
        const known = client.layer.graph.mediumOf(run.backend);
        if (known !== undefined && client.layer.bitmaps.of(known).length > 0) actions.shift();
        if (actions.length === 1) await client.execute('block-dirty-bitmap-clear', { node: 'd0', name: 'b' });
        await client.execute('transaction', { actions });
        await run.ended();
        client.events.length = 0;
        for (let writes = run.below(5); writes > 0; writes--) await run.write();
        atStart = Buffer.from(run.model);
      }
      const files = client.layer.graph.mediumOf(run.backend);
      const chain = files === undefined ? [] : [...files.chain()].map(({ filename }) => filename);
      let guest = run.startGuest();
      guest.catch(() => {});
      const inject = run.random() < 0.5;
      const start = async (): Promise<boolean> => {
        switch (kind) {
          case 'stream':
            await client.execute('block-stream', { ...common, 'on-error': policy });
            return true;
          case 'stream-base':
            if (chain.length < 2) return false;
            await client.execute('block-stream', { ...common, base: run.one(chain.slice(1)), 'on-error': policy });
            return true;
          case 'commit':
            if (chain.length < 3) return false;
            await client.execute('block-commit', { ...common, top: chain[1] });
            return true;
          case 'commit-active':
            if (chain.length < 2) return false;
            await client.execute('block-commit', common);
            return true;
          case 'mirror':
          case 'mirror-cancel':
            await client.execute('drive-mirror', {
              ...common,
              target: `ram:${target}`,
              format,
              sync: format === 'raw' ? 'full' : run.one(['full', 'top']),
              granularity: run.one([512, 4096, 65_536]),
              'on-source-error': policy,
              'on-target-error': policy,
            });
            return true;
          case 'backup':
          case 'incremental': {
            // Exactly what is there now is kept: the guest waits for a moment.
            run.stopGuest();
            await guest;
            atStart = Buffer.from(run.model);
            const incremental = kind === 'incremental';
            const backing = incremental ? { mode: 'existing' } : {};
            if (incremental) {
              await createImage(client.layer.graph, {
                format: 'qcow2',
                filename: `ram:${target}`,
                size: run.size,
                backing: { name: 'ram:f-full', format: 'qcow2' },
              });
            }
            await client.execute('drive-backup', {
              ...common,
              ...backing,
              ...(incremental ? { sync: 'incremental', bitmap: 'b' } : { sync: 'full' }),
              target: `ram:${target}`,
              format: incremental ? 'qcow2' : format,
              'on-source-error': policy,
              'on-target-error': policy,
            });
            guest = run.startGuest();
            guest.catch(() => {});
            return true;
          }
        }
      };
      if (!(await start())) {
        run.stopGuest();
        await guest;
        continue;
      }
      if (inject && !kind.startsWith('stream') && !kind.startsWith('commit')) {
        run.ram.fail(target, 'write', run.one(['EIO', 'ENOSPC']), 1 + run.below(3));
      }
      let completion: Promise<unknown> = Promise.resolve();
      const complete = async (): Promise<void> => {
        const ready = (): boolean => client.layer.jobs.all[0]?.info.ready ?? false;
        while (!ready() && client.layer.jobs.all.length > 0) await new Promise((go) => setImmediate(go));
        if (kind === 'mirror-cancel') {
          run.stopGuest();
          await guest;
        }
        const command = kind === 'mirror-cancel' ? 'block-job-cancel' : 'block-job-complete';
        for (let tries = 0; client.layer.jobs.all.length > 0 && tries < 5000; tries++) {
          // Refused while it is paused, or copies what failed again.
          const done = await client.execute(command, { device: 'j' }).then(
            () => true,
            () => false,
          );
          if (done) break;
          await new Promise((go) => setTimeout(go, 1));
        }
      };
      if (['mirror', 'mirror-cancel', 'commit-active'].includes(kind)) completion = complete();
      const { name, data } = await run.ended();
      await completion;
      run.stopGuest();
      await guest;
      const what = `seed ${seed}: ${kind} ${name} ${data.error ?? ''}`;
      run.ram.heal();
      while (client.layer.jobs.all.length > 0) await new Promise((go) => setImmediate(go));
      expect({ what, left: run.leftovers() }).toEqual({ what, left: [] });
      const all = Buffer.alloc(run.size);
      await run.backend.read(0, all);
      expect({ what, guest: all.equals(run.model) }).toEqual({ what, guest: true });
      const succeeded = name === 'BLOCK_JOB_COMPLETED' && data.error === undefined;
      if (succeeded && kind === 'mirror-cancel') {
        const copy = await run.contentOf(target, format);
        expect({ what, copy: copy.equals(run.model) }).toEqual({ what, copy: true });
      }
      if (succeeded && (kind === 'backup' || kind === 'incremental')) {
        const copy = await run.contentOf(target, kind === 'incremental' ? 'qcow2' : format);
        expect({ what, copy: copy.equals(atStart) }).toEqual({ what, copy: true });
        if (kind === 'incremental') previous = undefined;
      }
    }
    const { graph } = client.layer;
    const filename = graph.mediumOf(run.backend)?.filename.slice('ram:'.length) ?? '';
    const format = graph.mediumOf(run.backend)?.driver.name ?? '';
    await client.layer.deleteDrive('d0');
    expect({ seed, reopened: (await run.contentOf(filename, format)).equals(run.model) }).toEqual({
      seed,
      reopened: true,
    });
  } finally {
    run.stopGuest();
    await client.layer.close();
  }
  expect({ seed, open: run.ram.open }).toEqual({ seed, open: 0 });
}

it('keeps the promise of every job, whatever guests, users and disks do', async () => {
  for (let seed = first; seed <= last; seed++) await withRun(seed);
}, 600_000);

/** Does what a job may refuse in the state that it is in. */
function attempt(verb: () => void): void {
  try {
    verb();
  } catch (error) {
    if (!(error instanceof BlockError)) throw error;
  }
}
