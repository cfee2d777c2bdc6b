import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { graphView } from './graph-view.js';
import { describeWithPrograms } from './programs.js';
import { described } from './script-compare.js';
import { ours, real, type Side } from './script-sides.js';

/*
 * A commit drops an image that others use, too: other overlays, exports, filters. Where they are afterwards, and what the headers say,
 * here and with the storage daemon of release 7.2.
 */

const overlay = (name: string, backing: string, more = {}) => ({
  driver: 'qcow2',
  'node-name': name,
  file: { driver: 'file', filename: `@${name}` },
  backing,
  ...more,
});

const exported = { id: 'm', type: 'nbd', 'node-name': 'mid', name: 'm' };
const throttle = { driver: 'throttle', 'throttle-group': 'group', 'node-name': 'limited', file: 'mid' };

const users: { readonly [kind: string]: readonly (readonly [string, object])[] } = {
  'another overlay': [['blockdev-add', overlay('other', 'mid')]],
  'a read-only overlay': [['blockdev-add', overlay('other', 'mid', { 'read-only': true })]],
  'an overlay with one of its own': [
    ['blockdev-add', overlay('other', 'mid')],
    ['blockdev-add', overlay('upper', 'other')],
  ],
  'an overlay above a filter': [
    ['object-add', { 'qom-type': 'throttle-group', id: 'group' }],
    ['blockdev-add', throttle],
    ['blockdev-add', overlay('other', 'limited')],
  ],
  'a format': [['blockdev-add', { driver: 'raw', 'node-name': 'port', file: 'mid', 'read-only': true }]],
  'an export': [['block-export-add', exported]],
  'all of these': [
    ['blockdev-add', overlay('other', 'mid')],
    ['blockdev-add', overlay('upper', 'mid', { 'read-only': true })],
    ['blockdev-add', { driver: 'raw', 'node-name': 'port', file: 'mid', 'read-only': true }],
    ['block-export-add', exported],
  ],
};

describeWithPrograms('users of an image that a commit drops', ['qemu-img', 'qemu-io', 'qemu-storage-daemon'], () => {
  it.each(Object.keys(users))('a commit leaves %s above the base, as the real storage daemon does', async (kind) => {
    const folder = mkdtempSync(join(tmpdir(), 'commit-users-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const images = { base: undefined, mid: 'base', top: 'mid', other: 'mid', upper: 'mid' };
    const play = async (start: (at: string) => Promise<Side>, place: string): Promise<unknown[]> => {
      const at = join(folder, place);
      mkdirSync(at);
      for (const [name, backing] of Object.entries(images)) {
        const over = backing === undefined ? [] : ['-F', 'qcow2', '-b', join(at, backing)];
        execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...over, name, '4M'], { cwd: at });
      }
      execFileSync('qemu-io', ['-c', 'write -P 7 1M 64k', 'mid'], { cwd: at });
      const side = await start(at);
      onTestFinished(() => side.close());
      const base = { driver: 'qcow2', 'node-name': 'base', file: { driver: 'file', filename: '@base' } };
      for (const node of [base, overlay('mid', 'base'), overlay('top', 'mid')])
        await side.execute('blockdev-add', node);
      await side.execute('nbd-server-start', { addr: { type: 'unix', data: { path: join(at, 'nbd') } } });
      for (const [command, args] of users[kind] ?? []) await side.execute(command, args);
      const commit = { 'job-id': 'j', device: 'top', 'top-node': 'mid', 'base-node': 'base' };
      await side.execute('block-commit', commit);
      const jobs = async (): Promise<unknown> => side.execute('query-jobs', {});
      await expect.poll(jobs, { interval: 5, timeout: 20_000 }).toEqual([]);
      const failed = side.events.filter(({ name, data }) => name === 'BLOCK_JOB_COMPLETED' && data.error !== undefined);
      const edges = (await graphView(side)).filter((line) => line.includes('->'));
      await side.close();
      const headers = await Promise.all(['top', 'other', 'upper'].map((name) => described(join(at, name))));
      return [failed, edges, headers];
    };
    const here = await play(ours, 'ours');
    expect(here).toEqual(await play(real, 'real'));
    expect(here[0]).toEqual([]);
    const compared = execFileSync('qemu-img', ['compare', join(folder, 'ours/other'), join(folder, 'real/other')]);
    expect(String(compared)).toBe('Images are identical.\n');
  });
});
