import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isQmpFailure } from '../../runtime/qmp/error.js';
import { type DriveScript, type DriveStep, driveScript, spareImages } from './drive-scripts.js';
import { jobOf, withoutDrains } from './job-events.js';
import { diskSize } from './job-life-scripts.js';
import { expectSameImage, type Played, playedTwice } from './played-twice.js';
import { describeWithPrograms } from './programs.js';
import { type Data, picked, sorted } from './script-compare.js';
import { emulator, type Side, scriptSeeds } from './script-sides.js';

/*
 * The same random script of what only the emulator has (drives, jobs that make their target themselves, snapshots inside of images, media,
 * the human monitor) against the block layer and the emulator of release 7.2. Compared are success and the class of errors, the events of each job
 * but for drained sections, what the queries say at rest, and at the end the contents, backing files and snapshots of all images.
 */

const masked = (side: Side, value: unknown): string =>
  JSON.stringify(sorted(value))
    .replaceAll(side.folder, '@')
    .replaceAll(/#block\d+/g, '#block');

/** What the queries say, as far as it is not a matter of the program. */
async function look(side: Side, renames: boolean): Promise<string[]> {
  const list = async (name: string): Promise<Data[]> => (await side.execute(name, {})) as Data[];
  const seen: string[] = [];
  for (const drive of await list('query-block')) {
    const inserted = drive.inserted as Data | undefined;
    const image = inserted?.image as Data | undefined;
    const snapshots = (image?.snapshots ?? []) as Data[];
    seen.push(
      masked(side, {
        ...picked(drive, 'device', 'locked', 'removable', 'tray_open', 'io-status'),
        ...(inserted &&
          picked(inserted, 'ro', 'drv', 'backing_file', 'backing_file_depth', 'file', 'node-name', 'bps', 'iops')),
        ...(inserted &&
          picked(inserted, 'bps_rd', 'bps_max', 'iops_size', 'group', 'detect_zeroes', 'write_threshold')),
        ...(image && picked(image, 'format', 'virtual-size', 'backing-filename')),
        // QED does not say of which format its backing file is.
        ...(image && image.format !== 'qed' ? picked(image, 'backing-filename-format') : {}),
        ...(renames ? { file: '', 'backing-filename': '', 'backing-filename-format': '' } : {}),
        snapshots: snapshots.map((snapshot) => picked(snapshot, 'id', 'name', 'vm-state-size')),
        bitmaps: ((inserted?.['dirty-bitmaps'] ?? []) as Data[])
          .filter(({ name }) => name !== undefined)
          .map((bitmap) => JSON.stringify(picked(bitmap, 'name', 'count', 'granularity', 'recording', 'busy')))
          .toSorted(),
      }),
    );
  }
  for (const job of await list('query-block-jobs'))
    seen.push(masked(side, picked(job, 'device', 'type', 'status', 'ready', 'speed', 'io-status')));
  return seen.map((line) => `  ${line}`);
}

/** Runs a script. @returns what was answered, reported and seen, in order */
async function play(side: Side, { steps, renames }: DriveScript): Promise<Played> {
  const seen: string[] = [];
  const execute = (name: string, args: object): Promise<unknown> =>
    side.execute(name, JSON.parse(JSON.stringify(args).replaceAll(/@(?=[a-z]+\d*)/g, `${side.folder}/`)));
  const human = async (text: string): Promise<string> =>
    (await execute('human-monitor-command', { 'command-line': text })) as string;
  const events = (): void => {
    const found = withoutDrains(side.events.splice(0).filter(({ name }) => name.includes('JOB')));
    for (const { name, data } of found) {
      const { len, offset, speed: _, ...others } = data;
      seen.push(`  ${jobOf({ data })}: ${name} ${masked(side, others)}`);
    }
  };
  const settle = async (rests: NonNullable<Extract<DriveStep, { kind: 'command' }>['rests']>): Promise<void> => {
    for (const [id, wanted] of Object.entries(rests)) {
      for (let wait = 1, waited = 0; waited < 10_000; wait = Math.min(2 * wait, 20)) {
        const jobs = (await side.execute('query-jobs', {})) as Data[];
        const rest = jobs.find((job) => job.id === id)?.status ?? 'gone';
        if (rest === wanted || rest === 'gone') break;
        await new Promise((go) => setTimeout(go, wait));
        waited += wait;
        if (waited >= 10_000) seen.push(`  LATE: ${id} is ${rest} instead of ${wanted}`);
      }
    }
  };
  await human('drive_add 0 if=none,id=d0,node-name=top,format=qcow2,file=@top');
  await human('drive_add 0 if=none,id=d1,node-name=plain,format=qcow2,file=@plain');
  const playStep = async (step: DriveStep): Promise<void> => {
    if (step.kind === 'look') seen.push(...(await look(side, renames)));
    else if (step.kind === 'line') {
      const printed = await human(step.line);
      // What requests come to is printed by the emulator on its own standard output.
      const said = step.line.startsWith('qemu-io') ? printed.includes('not found') : printed.trim() !== '';
      seen.push(`${step.line}: ${said ? 'says something' : 'says nothing'}`);
      if (step.rests !== undefined) await settle(step.rests);
      events();
    } else {
      const { name, args, rests } = step;
      const answer = await execute(name, args).then(
        (returned) => ({
          done: true,
          text: name.includes('delete-internal') ? masked(side, picked(returned as Data, 'id', 'name')) : '',
        }),
        (error: unknown) => {
          if (!isQmpFailure(error)) throw error;
          return { done: false, text: error.class };
        },
      );
      seen.push(`${name} ${masked(side, args)}: ${answer.done ? 'done' : 'refused'} ${answer.text}`);
      if (answer.done && rests !== undefined) await settle(rests);
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
  const make = (name: string, ...more: string[]) =>
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...more, name, String(diskSize)], { cwd: folder });
  for (const [name, backing, line] of [
    ['base', undefined, 'write -P 1 0 4M'],
    ['mid', 'base', 'write -P 2 1M 2M'],
    ['top', 'mid', 'write -P 3 1500k 900k'],
    ['plain', undefined, 'write -P 4 0 1M'],
  ] as const) {
    make(name, ...(backing === undefined ? [] : ['-F', 'qcow2', '-b', join(folder, backing)]));
    execFileSync('qemu-io', ['-c', line, name], { cwd: folder });
  }
  for (let count = 0; count < spareImages; count++) make(`e${count}`);
}

describeWithPrograms('scripts of drives', ['qemu-img', 'qemu-io', 'qemu-system-x86_64'], () => {
  it.each(scriptSeeds(1, 3))(
    'go as with the real emulator (seed %i)',
    async (seed) => {
      const folder = mkdtempSync(join(tmpdir(), 'drives-'));
      try {
        const script = driveScript(seed);
        const { here, there, died, at } = await playedTwice(folder, seed, {
          start: emulator,
          makeImages,
          play: (side) => play(side, script),
        });
        expect(here).toEqual(there);
        expect(there.filter((line) => line.includes('LATE'))).toEqual([]);
        if (died) return;
        for (const name of script.files) {
          // The emulator makes the target of a job before it looks at its bitmap, and leaves it there when that is refused.
          if (!existsSync(join(at.ours, name))) continue;
          expect({ name, there: existsSync(join(at.real, name)) }).toEqual({ name, there: true });
          await expectSameImage(name, at);
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    300_000,
  );
});
