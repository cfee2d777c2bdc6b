import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isQmpFailure } from '../../runtime/qmp/error.js';
import { type ErrorScript, errorScript, failingDiskSize } from './job-error-scripts.js';
import { withoutDrains } from './job-events.js';
import { expectSameImage, type Played, playedTwice } from './played-twice.js';
import { describeWithPrograms } from './programs.js';
import { type Data, picked, sorted } from './script-compare.js';
import { real, type Side, scriptSeeds } from './script-sides.js';

/*
 * Jobs of each kind over an image that fails by a random rule, with random policies, here and with the storage daemon of release 7.2. Compared
 * are the events, where the job rests and what is said of it there, and the images of a job that succeeds.
 */

const resting = ['ready', 'pending', 'concluded', 'gone', 'paused', 'standby'];

function nodesOf({ command, failing, rule }: ErrorScript): object[] {
  const node = (name: string, backing: string | null) => {
    const image = { driver: 'file', filename: `@${name}` };
    const file = name === failing ? { driver: 'blkdebug', image, 'inject-error': [rule] } : image;
    return { driver: 'qcow2', 'node-name': name, file, backing };
  };
  const more = command === 'block-commit' ? [node('over', 'top')] : [node('target', null)];
  return [node('base', null), node('top', 'base'), ...more];
}

/** Runs a script, and brings the job to its end. @returns what was reported and seen, in order */
async function play(side: Side, script: ErrorScript): Promise<Played> {
  const seen: string[] = [];
  const jobs = async (): Promise<Data[]> => (await side.execute('query-jobs', {})) as Data[];
  const execute = (name: string, args: object): Promise<unknown> =>
    side.execute(name, args).catch((error: unknown) => {
      if (!isQmpFailure(error)) throw error;
      seen.push(`${name}: ${error.class}`);
    });
  /** Where it rests, which it still does a moment later. */
  const rest = async (): Promise<string> => {
    for (let last = '', same = 0, waited = 0; waited < 20_000; waited += 10) {
      const status = String((await jobs())[0]?.status ?? 'gone');
      same = status === last ? same + 1 : 0;
      last = status;
      if (same >= 3 && resting.includes(status)) return status;
      await new Promise((go) => setTimeout(go, 10));
    }
    return 'LATE';
  };
  const look = async (): Promise<string> => {
    const status = await rest();
    const found = withoutDrains(side.events.splice(0).filter(({ name }) => name.includes('JOB')));
    const lines = found.map(({ name, data: { len: _, offset: __, speed: ___, ...others } }) => {
      return `  ${name} ${JSON.stringify(sorted(others))}`;
    });
    // How many requests fail at a time is not promised.
    const again = (line: string, index: number): boolean => line.includes('ERROR') && lines.indexOf(line) < index;
    seen.push(...lines.filter((line, index) => !again(line, index)));
    const [job] = (await side.execute('query-block-jobs', {})) as Data[];
    seen.push(`${status} ${JSON.stringify(job && picked(job, 'io-status', 'paused', 'ready', 'error'))}`);
    return status;
  };
  for (const node of nodesOf(script)) await execute('blockdev-add', node);
  await execute(script.command, script.args);
  for (let step = 0; step < 12; step++) {
    const status = await look();
    if (status === 'gone' || status === 'LATE') break;
    if (status === 'ready') await execute('job-complete', { id: 'j' });
    else if (status === 'pending') await execute('job-finalize', { id: 'j' });
    else if (status === 'concluded') await execute('job-dismiss', { id: 'j' });
    else if (step < script.resumes) await execute('block-job-resume', { device: 'j' });
    else await execute('block-job-cancel', { device: 'j', force: true });
  }
  const nodes = (await side.execute('query-named-block-nodes', { flat: true })) as Data[];
  seen.push(...nodes.map((node) => JSON.stringify(picked(node, 'node-name', 'drv', 'ro'))).toSorted());
  return { seen: seen.map((line) => line.replaceAll(/#block\d+/g, '#block')), died: false };
}

function makeImages(folder: string): void {
  mkdirSync(folder);
  for (const [name, backing, line] of [
    ['base', undefined, 'write -P 1 0 2M'],
    ['top', 'base', 'write -P 2 512k 1M'],
    ['over', 'top', 'write -P 3 1M 256k'],
    ['target', undefined, 'read 0 512'],
  ] as const) {
    const over = backing === undefined ? [] : ['-F', 'qcow2', '-b', join(folder, backing)];
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...over, name, String(failingDiskSize)], { cwd: folder });
    execFileSync('qemu-io', ['-c', line, name], { cwd: folder });
  }
}

describeWithPrograms('jobs on images that fail', ['qemu-img', 'qemu-io', 'qemu-storage-daemon'], () => {
  it.each(scriptSeeds(1, 6))(
    'a job over a failing image goes as with the real storage daemon (seed %i)',
    async (seed) => {
      const folder = mkdtempSync(join(tmpdir(), 'job-errors-'));
      try {
        const script = errorScript(seed);
        const { here, there, at } = await playedTwice(folder, seed, {
          start: real,
          makeImages,
          play: (side) => play(side, script),
        });
        expect([JSON.stringify(script), ...here]).toEqual([JSON.stringify(script), ...there]);
        expect(there.filter((line) => line.includes('LATE'))).toEqual([]);
        const succeeds = there.some((line) => line.includes('BLOCK_JOB_COMPLETED') && !line.includes('"error"'));
        if (!succeeds) return;
        for (const name of ['base', 'top', ...(script.command === 'block-commit' ? [] : ['target'])])
          await expectSameImage(name, at);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    120_000,
  );
});
