import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { isQmpFailure } from '../../runtime/qmp/error.js';
import { randomFrom } from '../runtime/block/random-from.js';
import { describeWithPrograms } from './programs.js';
import { ours, real, type Side, scriptSeeds } from './script-sides.js';

/*
 * The same random script of jobs, snapshots, bitmaps and transactions, with guest writes between, against the block layer and against the real
 * storage daemon of release 7.2. Success, the class of errors, the ends of jobs and the contents of all images are compared.
 */

const run = promisify(execFile);
const size = 4 << 20;

/** A step: what is done, with `@` before the names of files of the folder. */
type Step =
  | { readonly kind: 'write'; readonly line: string }
  | {
      readonly kind: 'command';
      readonly name: string;
      readonly args: object;
      readonly job?: 'wait' | 'complete' | 'cancel';
    };

/** Makes a script. What can be done depends on the chain, which is followed here. */
function scriptOf(seed: number): Step[] {
  const random = randomFrom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const one = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  /** The files of the chain, the active one last, and the node-name of the active one. */
  let chain = ['@base', '@mid', '@top'];
  let active = 'top';
  let made = 0;
  const bitmaps = new Set<string>();
  const steps: Step[] = [];
  const command = (name: string, args: object, job?: 'wait' | 'complete' | 'cancel'): void => {
    steps.push({ kind: 'command', name, args, ...(job === undefined ? {} : { job }) });
  };
  for (let count = 6 + below(6); count > 0; count--) {
    const offset = below(size - 70_000);
    steps.push({
      kind: 'write',
      line: `write ${one(['-P 17', '-P 34', '-z', '-P 255'])} ${offset} ${1 + below(70_000)}`,
    });
    const id = `j${count}`;
    const common = { 'job-id': id, device: active };
    switch (below(11)) {
      case 0:
        command('block-stream', common, 'wait');
        chain = chain.slice(-1);
        break;
      case 1:
        if (chain.length > 2) {
          command('block-stream', { ...common, base: chain[0] }, 'wait');
          chain = [chain[0] as string, chain.at(-1) as string];
        } else command('block-stream', { ...common, base: '@nothing' });
        break;
      case 2:
        if (chain.length > 2) {
          command('block-commit', { ...common, top: chain.at(-2), base: chain[0] }, 'wait');
          chain = [chain[0] as string, chain.at(-1) as string];
        } else command('block-commit', { ...common, top: '@nothing' });
        break;
      case 3: {
        const file = `@snap${made++}`;
        const name = `s${made}`;
        command('blockdev-snapshot-sync', { 'node-name': active, 'snapshot-file': file, 'snapshot-node-name': name });
        chain.push(file);
        active = name;
        bitmaps.clear();
        break;
      }
      case 4: {
        const name = one(['a', 'b']);
        command('block-dirty-bitmap-add', { node: active, name, granularity: one([65_536, 4096, 100]) });
        break;
      }
      case 5:
        command(one(['block-dirty-bitmap-clear', 'block-dirty-bitmap-remove']), {
          node: active,
          name: one(['a', 'b']),
        });
        break;
      case 6:
      case 7: {
        const target = `t${made++}`;
        command('blockdev-add', {
          driver: 'qcow2',
          'node-name': target,
          file: { driver: 'file', filename: `@${target}` },
        });
        command('blockdev-backup', { ...common, target, sync: one(['full', 'top']), compress: random() < 0.3 }, 'wait');
        command('x-blockdev-del', { 'node-name': target });
        break;
      }
      case 8: {
        const target = `t${made++}`;
        command('blockdev-add', {
          driver: 'qcow2',
          'node-name': target,
          file: { driver: 'file', filename: `@${target}` },
        });
        command('blockdev-mirror', { ...common, target, sync: 'full', granularity: one([4096, 65_536]) }, 'cancel');
        command('x-blockdev-del', { 'node-name': target });
        break;
      }
      case 9: {
        const target = `t${made++}`;
        command('blockdev-add', {
          driver: 'qcow2',
          'node-name': target,
          file: { driver: 'file', filename: `@${target}` },
        });
        command('blockdev-mirror', { ...common, target, sync: 'full' }, 'complete');
        chain = [`@${target}`];
        active = target;
        break;
      }
      case 10:
        command('transaction', {
          actions: [
            { type: 'block-dirty-bitmap-add', data: { node: active, name: one(['a', 'b']) } },
            { type: one(['abort', 'block-dirty-bitmap-clear']), data: {} },
          ].map((action) =>
            action.type === 'block-dirty-bitmap-clear'
              ? { ...action, data: { node: active, name: one(['a', 'b']) } }
              : action,
          ),
        });
        break;
    }
  }
  return steps;
}

/** Runs a script. @returns what was answered and reported, step by step */
async function play(side: Side, steps: readonly Step[]): Promise<string[]> {
  const told: string[] = [];
  const execute = (name: string, args: object): Promise<string> =>
    side.execute(name, args).then(
      () => 'done',
      (error: unknown) => {
        if (!isQmpFailure(error)) throw error;
        return error.class;
      },
    );
  const next = async (...names: string[]): Promise<string> => {
    for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
      const found = side.events.find(({ name }) => names.includes(name));
      if (found !== undefined) {
        side.events.splice(side.events.indexOf(found), 1);
        const { type, device, error, len, offset } = found.data;
        // 2.8 does not count what a backup skips, later releases leave it out of the length, too.
        const whole = type === 'backup' || len === offset;
        return `${found.name} ${type} ${device} ${error ?? ''} ${whole ? 'whole' : 'part'}`;
      }
      await new Promise((go) => setTimeout(go, 3));
    }
    throw new Error(`No ${names.join(' or ')} comes`);
  };
  const node = (name: string, backing?: string) => ({
    driver: 'qcow2',
    'node-name': name,
    file: { driver: 'file', filename: `@${name}` },
    ...(backing === undefined ? {} : { backing }),
  });
  told.push(await execute('blockdev-add', node('base')));
  told.push(await execute('blockdev-add', node('mid', 'base')));
  told.push(await execute('blockdev-add', node('top', 'mid')));
  told.push(await execute('nbd-server-start', { addr: { type: 'unix', data: { path: join(side.folder, 'nbd') } } }));
  told.push(await execute('nbd-server-add', { device: 'top', writable: true }));
  for (const step of steps) {
    if (step.kind === 'write') {
      await run('qemu-io', ['-f', 'raw', '-c', step.line, side.nbd]);
      continue;
    }
    const answer = await execute(step.name, step.args);
    told.push(`${step.name} ${JSON.stringify(step.args)}: ${answer}`);
    const { job } = step;
    if (job === undefined || answer !== 'done') continue;
    const device = (step.args as { readonly 'job-id': string })['job-id'];
    if (job !== 'wait') {
      told.push(await next('BLOCK_JOB_READY'));
      told.push(await execute(job === 'cancel' ? 'block-job-cancel' : 'block-job-complete', { device }));
    }
    told.push(await next('BLOCK_JOB_COMPLETED', 'BLOCK_JOB_CANCELLED'));
  }
  return told;
}

describeWithPrograms('scripts of jobs', ['qemu-img', 'qemu-io', 'qemu-storage-daemon'], () => {
  it.each(scriptSeeds(1))(
    'agree with the real storage daemon (seed %i)',
    async (seed) => {
      const folder = mkdtempSync(join(tmpdir(), 'scripts-'));
      try {
        const steps = scriptOf(seed);
        const told: string[][] = [];
        for (const [name, start] of [
          ['ours', ours],
          ['real', real],
        ] as const) {
          const place = join(folder, name);
          mkdirSync(place);
          const make = (...args: string[]) =>
            execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...args], { cwd: place });
          make('base', String(size));
          for (const [overlay, backing] of [
            ['mid', 'base'],
            ['top', 'mid'],
          ] as const)
            make('-F', 'qcow2', '-b', join(place, backing), overlay);
          for (let count = 0; count < 14; count++) make(`t${count}`, String(size));
          for (const [image, line] of [
            ['base', 'write -P 1 0 1M'],
            ['mid', 'write -P 2 1M 1M'],
            ['top', 'write -P 3 1500k 900k'],
          ] as const) {
            execFileSync('qemu-io', ['-c', line, image], { cwd: place });
          }
          const side = await start(place);
          try {
            told.push(await play(side, steps));
          } finally {
            await side.close();
          }
        }
        expect(told[0]).toEqual(told[1]);
        const files = new Set(
          JSON.stringify(steps)
            .match(/@(snap|t)\d+/g)
            ?.map((name) => name.slice(1)),
        );
        for (const name of ['base', 'mid', 'top', ...files]) {
          const pair = [join(folder, 'ours', name), join(folder, 'real', name)] as const;
          const { stdout } = await run('qemu-img', ['compare', ...pair]).catch((error: { stdout: string }) => error);
          expect({ name, stdout }).toEqual({ name, stdout: 'Images are identical.\n' });
          const { stdout: checked } = await run('qemu-img', ['check', '--output=json', pair[0]]).catch(
            (error: { stdout: string }) => error,
          );
          const { corruptions = 0, leaks = 0 } = JSON.parse(checked) as { corruptions?: number; leaks?: number };
          expect({ name, corruptions, leaks }).toEqual({ name, corruptions: 0, leaks: 0 });
          const backing = await Promise.all(
            pair.map(async (path) => {
              const { stdout: info } = await run('qemu-img', ['info', '--output=json', path]);
              const described = JSON.parse(info) as { 'backing-filename'?: string };
              return described['backing-filename']?.replace(/.*\//, '');
            }),
          );
          expect({ name, backing: backing[0] }).toEqual({ name, backing: backing[1] });
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    300_000,
  );
});
