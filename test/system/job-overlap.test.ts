import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { folderWith } from '../cli/command-line.js';
import { describeWithPrograms } from './programs.js';
import { ours, real, type Side } from './script-sides.js';

const run = promisify(execFile);
const chain = ['n0', 'n1', 'n2', 'n3', 'n4'] as const;
const active = chain.length - 1;
const below = (upper: number): readonly string[] => chain.slice(0, upper);

interface Command {
  readonly name: string;
  readonly args: object;
}

/** Without those that have nothing between the node and the base: they end at once. */
const streams = chain
  .slice(1)
  .flatMap((device, upper) => [
    { name: 'block-stream', args: { device } },
    ...below(upper).map((base) => ({ name: 'block-stream', args: { device, 'base-node': base } })),
    ...below(upper + 1).map((bottom) => ({ name: 'block-stream', args: { device, bottom } })),
  ]);
const commits = chain.slice(1).flatMap((top, upper) =>
  below(upper + 1).map((base) => ({
    name: 'block-commit',
    args: { device: chain[active], 'top-node': top, 'base-node': base },
  })),
);
const copies = ['blockdev-backup', 'blockdev-mirror'].flatMap((name) =>
  chain.map((device) => ({ name, args: { device, target: 'target', sync: 'full' } })),
);
const others = chain.flatMap((node) => [
  { name: 'block-export-add', args: { type: 'nbd', id: 'e', 'node-name': node, writable: true } },
  { name: 'blockdev-snapshot-internal-sync', args: { device: node, name: 's' } },
]);
const jobs: Command[] = [...streams, ...commits, ...copies];

/** A chain of images, of which each has data of its own, with room for a copy, below one of the two programs. */
class Chain {
  readonly #side: Side;
  readonly #images: string;

  constructor(side: Side, images: string) {
    this.#side = side;
    this.#images = images;
  }

  async open(): Promise<void> {
    for (const name of [...chain, 'target']) copyFileSync(join(this.#images, name), join(this.#side.folder, name));
    let backing: string | null = null;
    for (const name of chain) {
      await this.#add(name, { backing });
      backing = name;
    }
    await this.#add('target', {});
  }

  async #add(name: string, more: object): Promise<void> {
    const file = { driver: 'file', filename: `@${name}` };
    await this.#side.execute('blockdev-add', { driver: 'qcow2', 'node-name': name, file, ...more });
  }

  /** Whether the second command may be executed while the first one's job runs. Nothing when that does not begin. */
  async permits(first: Command, second: Command): Promise<boolean | undefined> {
    await this.open();
    const start = ({ name, args }: Command, id: string): Promise<unknown> =>
      this.#side.execute(name, jobs.some((job) => job.name === name) ? { ...args, 'job-id': id, speed: 1 } : args);
    try {
      if (!(await succeeds(start(first, 'first')))) return undefined;
      return await succeeds(start(second, 'second'));
    } finally {
      await this.#close();
    }
  }

  async #close(): Promise<void> {
    const { execute } = this.#side;
    await succeeds(execute('block-export-del', { id: 'e', mode: 'hard' }));
    await expect
      .poll(
        async () => {
          const left = (await execute('query-jobs', {})) as { id: string }[];
          for (const { id } of left) await succeeds(execute('job-cancel', { id }));
          return left.length;
        },
        { interval: 5, timeout: 20_000 },
      )
      .toBe(0);
    for (const name of [...chain.toReversed(), 'target']) {
      await expect.poll(() => succeeds(execute('blockdev-del', { 'node-name': name })), { timeout: 20_000 }).toBe(true);
    }
  }
}

const succeeds = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  );

describeWithPrograms('two users of one chain', ['qemu-storage-daemon', 'qemu-img', 'qemu-io'], () => {
  test('what may not be done during a job is what the storage daemon refuses', { timeout: 300_000 }, async () => {
    const images = folderWith({});
    const at = (name: string): string => join(images, name);
    for (const [index, name] of chain.entries()) {
      const backing = index === 0 ? [] : ['-F', 'qcow2', '-b', at(chain[index - 1] as string)];
      await run('qemu-img', ['create', '-q', '-f', 'qcow2', ...backing, at(name), '8M']);
      await run('qemu-io', ['-f', 'qcow2', '-c', `write -q -P ${index + 1} ${index}M 1M`, at(name)]);
    }
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', at('target'), '8M']);
    const chains = await Promise.all(
      [ours, real].map(async (start, index) => {
        const folder = at(String(index));
        mkdirSync(folder);
        const side = await start(folder);
        onTestFinished(() => side.close());
        const path = join(folder, 'nbd');
        await side.execute('nbd-server-start', { addr: { type: 'unix', data: { path } } });
        return new Chain(side, images);
      }),
    );
    const count = Number(process.env.JOB_OVERLAPS ?? 60);
    const pairs = fc.tuple(fc.constantFrom(...jobs), fc.constantFrom(...jobs, ...others));
    for (const [first, second] of fc.sample(pairs, { numRuns: count, seed: 20_261_129 })) {
      const [here, there] = await Promise.all(chains.map((each) => each.permits(first, second)));
      expect({ first, second, permitted: here }).toEqual({ first, second, permitted: there });
    }
  });
});
