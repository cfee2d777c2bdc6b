import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import type { JsonObject } from '../../runtime/json/value.js';
import { connect, type QmpClient } from '../../runtime/qmp/client.js';
import { followJob, runJob } from '../../runtime/qmp/job.js';
import { JobError, type JobProgress } from '../../runtime/qmp/job-options.js';
import { spawnStorageDaemon } from '../../runtime/qmp/spawn.js';
import { folderWith, qapiTs } from '../cli/command-line.js';
import { describeWithPrograms } from './programs.js';
import { has } from './release.js';

const size = 2 ** 22;

/** A program with jobs, and what is different from one to the other. */
interface Program {
  readonly client: QmpClient;
  readonly add: (node: JsonObject) => Promise<unknown>;
}

async function storageDaemon(): Promise<Program> {
  const daemon = await spawnStorageDaemon();
  onTestFinished(async () => void (await daemon.close()));
  const { client } = daemon;
  return { client, add: (node) => client.execute('blockdev-add', node) };
}

/** `qapi-ts serve` speaks the interface of 2.8: block jobs, and no job API. */
async function server(): Promise<Program> {
  const socket = join(folderWith({}), 'qmp.sock');
  const controller = new AbortController();
  let ready = (): void => {};
  const started = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const ended = qapiTs(['serve', '--qmp', `unix:${socket}`], {
    signal: controller.signal,
    onOutput: (text) => void (text.includes('"msg":"ready"') && ready()),
  });
  onTestFinished(async () => {
    controller.abort();
    await ended;
  });
  await Promise.race([started, ended.then(({ stderr }) => expect.unreachable(stderr))]);
  const client = await connect(socket);
  onTestFinished(() => client.close());
  return { client, add: (options) => client.execute('blockdev-add', { options }) };
}

/** Two images and their nodes; the source has something in it. */
async function disks(program: Program): Promise<(name: string) => string> {
  const folder = folderWith({});
  const path = (name: string): string => join(folder, `${name}.qcow2`);
  for (const name of ['source', 'target']) {
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path(name), String(size)]);
    if (name === 'source') execFileSync('qemu-io', ['-c', 'write -q -P 7 1M 1234567', path(name)]);
    await program.add({ driver: 'qcow2', 'node-name': name, file: { driver: 'file', filename: path(name) } });
  }
  return path;
}

const job = { 'job-id': 'j', device: 'source', target: 'target', sync: 'full' } as const;
const slow = { ...job, speed: 65_536 };

describeWithPrograms('runJob and followJob', ['qemu-storage-daemon', 'qemu-img', 'qemu-io'], () => {
  // Loading the server for the first time takes long, which is not the first test's.
  beforeAll(async () => void (await qapiTs(['serve', '--qmp', 'stdio', '--check-config'])), 60_000);

  const programs = [
    ['qapi-ts serve', server],
    ['qemu-storage-daemon', storageDaemon],
  ] as const;

  test.each(programs)('%s: a backup runs to its end', async (_, start) => {
    const program = await start();
    const path = await disks(program);
    const progress: JobProgress[] = [];
    const result = await runJob(program.client, 'blockdev-backup', job, { onProgress: (now) => progress.push(now) });
    expect(result).toEqual({ id: 'j', offset: size, length: size });
    expect(await program.client.execute('query-block-jobs')).toEqual([]);
    for (const name of ['source', 'target']) await program.client.execute('blockdev-del', { 'node-name': name });
    expect(execFileSync('qemu-img', ['compare', path('source'), path('target')], { encoding: 'utf8' })).toContain(
      'identical',
    );
  });

  test.each(programs)('%s: a mirror is completed when it is ready, or left', async (_, start) => {
    const { client, ...program } = await start();
    await disks({ client, ...program });
    const seen: string[] = [];
    client.onUnknown('BLOCK_JOB_*', ({ event }) => seen.push(event));
    expect(await runJob(client, 'blockdev-mirror', job, { onReady: () => 'cancel' })).toMatchObject({ id: 'j' });
    expect(await runJob(client, 'blockdev-mirror', job)).toEqual({ id: 'j', offset: size, length: size });
    expect(seen).toEqual(['BLOCK_JOB_READY', 'BLOCK_JOB_COMPLETED', 'BLOCK_JOB_READY', 'BLOCK_JOB_COMPLETED']);
  });

  test.each(programs)('%s: a signal cancels a job', async (_, start) => {
    const program = await start();
    await disks(program);
    const controller = new AbortController();
    const running = runJob(program.client, 'blockdev-backup', slow, {
      signal: controller.signal,
      progressInterval: 20,
      onProgress: ({ total }) => void (total === size && controller.abort(new Error('enough'))),
    });
    await expect(running).rejects.toThrow('enough');
    expect(await program.client.execute('query-block-jobs')).toEqual([]);
  });

  test.each(programs)('%s: a job that runs already is followed, and its cancellation reported', async (_, start) => {
    const { client, ...program } = await start();
    await disks({ client, ...program });
    await client.execute('blockdev-backup', slow);
    const followed = followJob(client, 'j');
    const cancelled = expect(followed).rejects.toThrow(new JobError('j', 'cancelled'));
    await client.execute('block-job-cancel', { device: 'j' });
    await cancelled;
    await expect(followJob(client, 'j')).rejects.toMatchObject({ outcome: 'unknown' });
  });

  test.each(programs)('%s: a mirror that is ready already is completed', async (name, start) => {
    const { client, ...program } = await start();
    await disks({ client, ...program });
    const ready = client.waitFor('BLOCK_JOB_READY', undefined, { timeout: 20_000 });
    await client.execute('blockdev-mirror', job);
    await ready;
    // The target is empty: clusters that the source has are copied.
    const copied = name === 'qapi-ts serve' || has('mirrors count what they copy') ? 19 * 65_536 : size;
    expect(await followJob(client, 'j')).toEqual({ id: 'j', offset: copied, length: copied });
  });

  test.each(programs)('%s: what a job fails with is reported, and so are its errors', async (_, start) => {
    const program = await start();
    await disks(program);
    await program.add({
      driver: 'raw',
      'node-name': 'faulty',
      file: {
        driver: 'blkdebug',
        image: { driver: 'null-co', size },
        'inject-error': [{ event: 'read_aio', errno: 5 }],
      },
    });
    const errors: unknown[] = [];
    const failing = runJob(
      program.client,
      'blockdev-backup',
      { ...job, device: 'faulty' },
      { onError: (error) => errors.push(error) },
    );
    await expect(failing).rejects.toThrow(new JobError('j', 'failed', 'Input/output error'));
    expect(errors).toContainEqual({ device: 'j', operation: 'read', action: 'report' });
  });
});
