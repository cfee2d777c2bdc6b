import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isQmpFailure } from '../../runtime/qmp/error.js';
import { graphView } from './graph-view.js';
import { jobOf, withoutDrains } from './job-events.js';
import { diskSize, lifeScript, type Script, type ScriptStep } from './job-life-scripts.js';
import { expectSameImage, type Played, playedTwice } from './played-twice.js';
import { describeWithPrograms } from './programs.js';
import { agreed, type Data, picked, run, sorted } from './script-compare.js';
import { real, type Side, scriptSeeds } from './script-sides.js';

/*
 * The same random script of today's commands (lives of jobs with every verb at every time, bitmaps, transactions, exports, new images)
 * against the block layer and the storage daemon of release 7.2. Compared are replies with the texts of errors, the events of each
 * job but for drained sections, what the queries say at rest, and at the end the contents, backing files and bitmaps of all images.
 */

/** Runs a script. @returns what was answered, reported and seen, in order */
async function play(side: Side, { steps, filter }: Script): Promise<Played> {
  const seen: string[] = [];
  const plain = (value: unknown): string =>
    JSON.stringify(sorted(value))
      .replaceAll(side.folder, '@')
      .replaceAll(/#block\d+/g, '#block');
  const execute = (name: string, args: object = {}): Promise<unknown> => side.execute(name, args);
  const list = async (name: string): Promise<Data[]> => (await execute(name)) as Data[];
  /** The events of jobs since the last time. */
  const events = (): void => {
    const found = withoutDrains(side.events.splice(0).map(({ name, data }) => ({ name, data })));
    for (const { name, data } of found) {
      const { len, offset, speed: _, ...others } = data;
      // How much a job has copied when it is cut off, and what it skips of the length, is its own affair.
      const whole = len === undefined || name === 'BLOCK_JOB_CANCELLED' || data.type === 'backup' || len === offset;
      seen.push(`  ${jobOf({ data })}: ${name} ${plain(others)}${whole ? '' : ' part'}`);
    }
  };
  const restOf = async (id: string): Promise<unknown> =>
    (await list('query-jobs')).find((job) => job.id === id)?.status ?? 'gone';
  const settle = async (rests: { readonly [id: string]: string }): Promise<void> => {
    for (const [id, wanted] of Object.entries(rests)) {
      let rest = await restOf(id);
      // Ten seconds in all. Time in which the whole process is stopped does not count.
      for (let wait = 1, waited = 0; rest !== wanted && waited < 10_000; rest = await restOf(id)) {
        await new Promise((go) => setTimeout(go, wait));
        waited += wait;
        wait = Math.min(2 * wait, 20);
      }
      if (rest !== wanted) seen.push(`  LATE: ${id} is ${rest} instead of ${wanted}`);
    }
  };
  const look = async (): Promise<void> => {
    events();
    const jobs = await list('query-jobs');
    for (const job of jobs) seen.push(`  ${plain(picked(job, 'id', 'type', 'status', 'error'))}`);
    for (const job of await list('query-block-jobs')) {
      const held = job.status === 'pending' ? [] : ['paused'];
      const members = [
        'device',
        'type',
        'status',
        'auto-finalize',
        'auto-dismiss',
        'ready',
        'speed',
        'io-status',
        'error',
      ];
      seen.push(`  ${plain(picked(job, ...members, ...held))}`);
    }
    for (const node of await list('query-named-block-nodes')) {
      const all = (node['dirty-bitmaps'] ?? []) as Data[];
      // What a backup has not yet given back to its bitmap has an entry without a name there, and is counted with it here.
      const since = all.filter(({ name, recording }) => name === undefined && recording === true);
      const bitmaps = all
        .filter(({ name }) => name !== undefined)
        // The member `status` is of 2016.
        .map(({ status: _, count, ...others }) => {
          const more = others.busy === true ? since.reduce((sum, each) => sum + Number(each.count), 0) : 0;
          return plain({ ...others, count: Number(count) + more });
        });
      if (bitmaps.length > 0) seen.push(`  ${plain([node['node-name'], bitmaps.toSorted()])}`);
    }
    for (const found of await list('query-block-exports')) seen.push(`  ${plain(found)}`);
    seen.push(...(await graphView(side)).map((line) => `  ${line}`));
  };

  const image = (name: string, backing?: string) => ({
    driver: 'qcow2',
    'node-name': name,
    file: { driver: 'file', filename: `@${name}` },
    ...(backing === undefined ? {} : { backing }),
  });
  await execute('object-add', { 'qom-type': 'throttle-group', id: 'group' });
  for (const node of [image('base'), image('mid', 'base'), image('top', 'mid')]) await execute('blockdev-add', node);
  const over = filter === 'throttle' ? { 'throttle-group': 'group' } : {};
  if (filter !== undefined)
    await execute('blockdev-add', { driver: filter, ...over, 'node-name': 'filter', file: 'top' });
  await execute('nbd-server-start', { addr: { type: 'unix', data: { path: join(side.folder, 'nbd') } } });
  await execute('block-export-add', {
    type: 'nbd',
    id: 'guest',
    'node-name': filter === undefined ? 'top' : 'filter',
    name: 'top',
    writable: true,
  });
  const playStep = async (step: ScriptStep): Promise<void> => {
    if (step.kind === 'look') await look();
    else if (step.kind === 'write') {
      const { stdout } = await run('qemu-io', ['-f', 'raw', '-c', step.line, side.nbd]);
      seen.push(`${step.line}: ${stdout.split('\n')[0]}`);
    } else {
      const { name, args, rests } = step;
      const answer = await execute(name, args).then(
        () => 'done',
        (error: unknown) => {
          if (!isQmpFailure(error)) throw error;
          return `${error.class} ${plain(error.message)}`;
        },
      );
      seen.push(`${name} ${plain(args)}: ${answer}`);
      if (answer.startsWith('done') && rests !== undefined) await settle(rests);
      events();
    }
  };
  try {
    for (const step of steps) await playStep(step);
  } catch (error) {
    if (!(await side.died())) throw error;
    return { seen, died: true };
  }
  return { seen, died: false };
}

function makeImages(folder: string): void {
  mkdirSync(folder);
  for (const [name, backing, line] of [
    ['base', undefined, 'write -P 1 0 4M'],
    ['mid', 'base', 'write -P 2 1M 2M'],
    ['top', 'mid', 'write -P 3 1500k 900k'],
  ] as const) {
    const over = backing === undefined ? [] : ['-F', 'qcow2', '-b', join(folder, backing)];
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...over, name, String(diskSize)], { cwd: folder });
    execFileSync('qemu-io', ['-c', line, name], { cwd: folder });
  }
}

describeWithPrograms('lives of jobs', ['qemu-img', 'qemu-io', 'qemu-storage-daemon'], () => {
  it.each(scriptSeeds(18, 3))(
    'go as with the real storage daemon (seed %i)',
    async (seed) => {
      const folder = mkdtempSync(join(tmpdir(), 'lives-'));
      try {
        const script = lifeScript(seed);
        // The real one crashes after some transactions with merges that fail.
        const { here, there, died, at } = await playedTwice(folder, seed, {
          start: real,
          makeImages,
          play: (side) => play(side, script),
        });
        expect(here.map((line, index) => agreed(line, there[index] ?? ''))).toEqual(there);
        expect(there.filter((line) => line.includes('LATE'))).toEqual([]);
        for (const name of died ? [] : script.files) {
          await expectSameImage(name, at, { contents: !script.cut.has(name) });
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    300_000,
  );
});
