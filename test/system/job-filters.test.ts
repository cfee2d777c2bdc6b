import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { graphView } from './graph-view.js';
import { describeWithPrograms } from './programs.js';
import { has } from './release.js';
import type { Data } from './script-compare.js';
import { ours, real, type Side } from './script-sides.js';

/*
 * The graph with all of its edges, and what each of them takes and shares, before, during and after each kind of job: here and with the
 * storage daemon of release 7.2.
 */

const jobs = {
  mirror: ['blockdev-mirror', { device: 'top', target: 'target', sync: 'full' }],
  'active commit': ['block-commit', { device: 'top', 'base-node': 'base' }],
  'commit of what is below': ['block-commit', { device: 'top', 'top-node': 'mid', 'base-node': 'base' }],
  'stream down to a base': ['block-stream', { device: 'top', 'base-node': 'base' }],
  'stream of all': ['block-stream', { device: 'top' }],
  'stream below an overlay': ['block-stream', { device: 'mid' }],
  backup: ['blockdev-backup', { device: 'top', target: 'target', sync: 'full' }],
  'backup below an overlay': ['blockdev-backup', { device: 'mid', target: 'target', sync: 'full' }],
} as const;

/** The same nodes on both sides: a chain below an export, and an image beside it. */
async function open(side: Side): Promise<void> {
  for (const [name, backing] of [
    ['base', null],
    ['mid', 'base'],
    ['top', 'mid'],
    ['target', null],
  ] as const) {
    const file = { driver: 'file', filename: `@${name}`, 'node-name': `${name}-file` };
    const readOnly = name === 'base' || name === 'mid';
    const node = { driver: 'qcow2', 'node-name': name, file, backing, 'read-only': readOnly };
    await side.execute('blockdev-add', node);
  }
  await side.execute('nbd-server-start', { addr: { type: 'unix', data: { path: join(side.folder, 'nbd') } } });
  await side.execute('block-export-add', { type: 'nbd', id: 'e', 'node-name': 'top', name: 'top', writable: true });
}

async function reach(side: Side, status: string): Promise<void> {
  const job = async (): Promise<unknown> => ((await side.execute('query-jobs', {})) as Data[])[0]?.status ?? 'gone';
  await expect.poll(job, { interval: 5, timeout: 20_000 }).toBe(status);
}

describeWithPrograms('the graph during a job', ['qemu-img', 'qemu-io', 'qemu-storage-daemon'], () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'job-filters-'));
    for (const [name, backing] of [['base'], ['mid', 'base'], ['top', 'mid'], ['target']] as const) {
      for (const place of ['ours', 'real']) {
        const made = join(folder, `${place}-made`);
        mkdirSync(made, { recursive: true });
        execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', name, '8M'], { cwd: made });
        if (name !== 'target') execFileSync('qemu-io', ['-c', 'write 0 4M', name], { cwd: made });
        if (backing === undefined) continue;
        const over = ['-F', 'qcow2', '-b', join(folder, place, backing)];
        execFileSync('qemu-img', ['rebase', '-u', '-f', 'qcow2', ...over, name], { cwd: made });
      }
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(
    Object.entries(jobs).flatMap(([kind, [command, args]]) =>
      [undefined, 'filter'].map((name) => ({ kind, name, command, args })),
    ),
  )(
    'a job shows the same nodes and edges as with the real storage daemon: $kind, filter called $name',
    async ({ kind, name, command, args }) => {
      const staysWritable = kind === 'stream below an overlay' && has('streamed images stay writable');
      const play = async (start: typeof real, place: string): Promise<string[]> => {
        const at = join(folder, place);
        cpSync(`${at}-made`, at, { recursive: true });
        const side = await start(at);
        onTestFinished(() => side.close());
        const seen: string[] = [];
        const look = async (when: string): Promise<void> => void seen.push(when, ...(await graphView(side)));
        await open(side);
        const common = { 'job-id': 'j', ...args, ...(name !== undefined && { 'filter-node-name': name }) };
        await look('before');
        await side.execute(command, { ...common, speed: 1, 'auto-finalize': false });
        await look('running');
        await side.execute('job-cancel', { id: 'j' });
        await reach(side, 'gone');
        // 7.2 leaves a base writable there; later releases do not.
        if (kind !== 'active commit' && !staysWritable) await look('cancelled');
        await side.execute(command, { ...common, 'auto-finalize': false });
        if (command === 'blockdev-mirror' || (command === 'block-commit' && !('top-node' in args))) {
          await reach(side, 'ready');
          await look('ready');
          await side.execute('job-complete', { id: 'j' });
        }
        await reach(side, 'pending');
        await look('pending');
        await side.execute('job-finalize', { id: 'j' });
        await reach(side, 'gone');
        if (!staysWritable) await look('over');
        return seen;
      };
      const [here, there] = await Promise.all([play(ours, 'ours'), play(real, 'real')]);
      expect(here).toEqual(there);
    },
  );
});
