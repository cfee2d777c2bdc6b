import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import type { JobInfo } from '../../generated/index.js';
import type { JsonObject } from '../../runtime/json/value.js';
import { spawnStorageDaemon } from '../../runtime/qmp/spawn.js';
import { folderWith } from '../cli/command-line.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms } from './programs.js';

type Format = 'luks' | 'qcow2';
type Execute = (command: string, args?: JsonObject) => Promise<unknown>;

const passphrases = { first: 'correct horse', second: 'battery staple', third: 'tr0ub4dor' };
const key = { 'key-secret': 'first' };
const secretOf = (id: keyof typeof passphrases) => `secret,id=${id},data=${passphrases[id]}`;

/** Amends a volume in ways that succeed and fail. @returns for each whether it failed, and the slots that are in use then */
async function amended(execute: Execute, driver: Format, filename: string) {
  for (const [id, data] of Object.entries(passphrases)) {
    await execute('object-add', { 'qom-type': 'secret', id, data });
  }
  await execute('blockdev-add', {
    ...{ driver, 'node-name': 'v', ...(driver === 'luks' ? key : { encrypt: { format: 'luks', ...key } }) },
    file: { driver: 'file', filename },
  });
  const results: unknown[] = [];
  const add = { state: 'active', 'iter-time': 10 };
  for (const [options, force] of [
    [{ ...add, 'new-secret': 'second' }],
    [{ ...add, 'new-secret': 'third', keyslot: 6 }],
    [{ ...add, 'new-secret': 'third', keyslot: 1 }],
    [{ ...add, 'new-secret': 'third', keyslot: 8 }],
    [{ ...add, 'new-secret': 'third', secret: 'third' }],
    [{ ...add, 'new-secret': 'third', 'old-secret': 'first' }],
    [add],
    [{ state: 'inactive' }],
    [{ state: 'inactive', keyslot: 5 }],
    [{ state: 'inactive', keyslot: 1, 'old-secret': 'third' }],
    [{ state: 'inactive', 'old-secret': 'third' }],
    [{ state: 'inactive', 'old-secret': 'third' }],
    [{ ...add, 'new-secret': 'third', keyslot: 0, secret: 'second' }, true],
    [{ state: 'inactive', 'old-secret': 'first' }],
    [{ state: 'inactive', keyslot: 0 }],
    [{ ...add, 'new-secret': 'first' }],
    [{ ...add, 'new-secret': 'first', secret: 'second' }],
  ] as [JsonObject, true?][]) {
    const change = driver === 'luks' ? options : { encrypt: { format: 'luks', ...options } };
    const request = { 'job-id': 'j', 'node-name': 'v', options: { driver, ...change } };
    let error: string | undefined;
    // QEMU measures the processor for a new key, and at times cannot.
    for (let attempt = 0; attempt === 0 || (attempt < 20 && error?.includes('CPU usage')); attempt++) {
      await execute('x-blockdev-amend', force ? { ...request, force } : request);
      error = await concluded(execute);
    }
    results.push([options, force, error === undefined ? 'done' : 'failed', slotsIn(filename)]);
  }
  await execute('blockdev-del', { 'node-name': 'v' });
  return results;
}

/** Waits for the job and dismisses it. @returns why it failed, if it did */
async function concluded(execute: Execute): Promise<string | undefined> {
  for (;;) {
    const [job] = (await execute('query-jobs')) as JobInfo[];
    if (job?.status !== 'concluded') {
      await setTimeout(5);
      continue;
    }
    await execute('job-dismiss', { id: 'j' });
    return job.error;
  }
}

interface Slots {
  readonly slots: readonly { readonly active: boolean }[];
}

/** The slots in use, as `qemu-img` finds them in the file. */
function slotsIn(filename: string): number[] {
  const info = execFileSync('qemu-img', ['info', '-U', '--output=json', filename], { encoding: 'utf8' });
  const { data } = JSON.parse(info)['format-specific'] as { data: Slots & { encrypt?: Slots } };
  const { slots } = data.encrypt ?? data;
  return slots.flatMap(({ active }, index) => (active ? [index] : []));
}

describeWithPrograms('x-blockdev-amend', ['qemu-storage-daemon', 'qemu-img', 'qemu-io'], () => {
  it.each<Format>(['luks', 'qcow2'])(
    'leaves the slots of %s in use that the storage daemon leaves, and a disk that qemu-io reads by the passphrases in them',
    async (driver) => {
      const prefix = driver === 'luks' ? '' : 'encrypt.';
      const folder = folderWith({});
      const path = (program: string) => join(folder, `${program}.luks`);
      const io = (id: keyof typeof passphrases, program: string, command: string): string => {
        const options = `driver=${driver},${prefix}key-secret=${id},file.filename=${path(program)}`;
        return execFileSync('qemu-io', ['--object', secretOf(id), '--image-opts', options, '-c', command], {
          encoding: 'utf8',
          stdio: 'pipe',
        });
      };
      for (const program of ['ours', 'real']) {
        const options = [
          '-o',
          `${driver === 'luks' ? '' : 'encrypt.format=luks,'}${prefix}key-secret=first,${prefix}iter-time=10`,
          '--object',
          secretOf('first'),
        ];
        // It measures the processor, and at times cannot.
        for (let attempt = 0, made = false; !made && attempt < 20; attempt++) {
          made = spawnSync('qemu-img', ['create', '-q', '-f', driver, ...options, path(program), '1M']).status === 0;
        }
        io('first', program, 'write -P 7 0 1M');
      }
      const daemon = await spawnStorageDaemon();
      onTestFinished(async () => void (await daemon.close()));
      const real = await amended((command, args) => daemon.client.execute(command, args), driver, path('real'));
      await daemon.close();
      await using client = new LayerClient();
      expect(await amended((command, args) => client.execute(command, args), driver, path('ours'))).toEqual(real);
      for (const id of ['first', 'second'] as const) {
        expect(io(id, 'ours', 'read -P 7 0 1M')).not.toMatch(/verification failed/);
      }
      expect(() => io('third', 'ours', 'read 0 512')).toThrow(/Invalid password/);
    },
    120_000,
  );
});
