import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import * as generated from '../../../generated/index.js';
import { loadSchema } from '../../../generator/schema/load.js';
import { connect, type QmpClient } from '../../../runtime/qmp/client.js';
import { followJob, runJob } from '../../../runtime/qmp/job.js';
import { JobError, type JobProgress } from '../../../runtime/qmp/job-options.js';
import { type AnyHandlers, type MockOptions, type MockQmp, type MockSource, mockQmp } from '../../../testkit/index.js';
import { schemaOf } from '../../cli/serve/serve.js';
import { corpusPath, describeWithCorpus } from '../../corpus.js';

async function both(
  options: MockOptions<AnyHandlers> = {},
  source: MockSource<AnyHandlers> = generated as unknown as MockSource<AnyHandlers>,
): Promise<{ mock: MockQmp; client: QmpClient; seen: string[] }> {
  const mock = await mockQmp(source, options);
  onTestFinished(() => mock.close());
  const client = await connect(mock.address);
  onTestFinished(() => client.close());
  const seen: string[] = [];
  client.onUnknown('*', ({ event, data }) => {
    const { status } = data as { status?: string };
    seen.push(status ?? event);
  });
  return { mock, client, seen };
}

const backup = { 'job-id': 'b', device: 'disk', target: 'copy', sync: 'full' } as const;
const mirror = { ...backup, 'job-id': 'm' } as const;

/** A job that does not come to its end by itself. */
const endless = { duration: 1e9 };

const megabyte = 1024 * 1024;

describe('a job of a mock', () => {
  test('walks through its states to its end, and leaves the list of jobs', async () => {
    const { mock, client, seen } = await both();
    expect(await runJob(client, 'blockdev-backup', backup)).toEqual({ id: 'b', offset: megabyte, length: megabyte });
    expect(seen).toEqual(['created', 'running', 'waiting', 'pending', 'BLOCK_JOB_COMPLETED', 'concluded', 'null']);
    expect(await client.execute('query-jobs')).toEqual([]);
    expect(await client.execute('query-block-jobs')).toEqual([]);
    expect(mock.unhandled).toEqual(['blockdev-backup']);
    mock.verify();
  });

  test('stays ready until it is completed when it is a mirror or commits the active layer', async () => {
    const { client, seen } = await both();
    await runJob(client, 'blockdev-mirror', mirror);
    await runJob(client, 'block-commit', { 'job-id': 'c', device: 'disk' }, { onReady: () => 'cancel' });
    const life = ['created', 'running', 'ready', 'BLOCK_JOB_READY', 'waiting', 'pending', 'BLOCK_JOB_COMPLETED'];
    expect(seen).toEqual([...life, 'concluded', 'null', ...life, 'concluded', 'null']);
    seen.length = 0;
    await runJob(client, 'block-commit', { 'job-id': 'c', device: 'disk', 'top-node': 'middle' });
    expect(seen).not.toContain('ready');
  });

  test('waits to be finalized and dismissed where it is asked to', async () => {
    const { client, seen } = await both();
    let pending = 0;
    const args = { ...backup, 'auto-finalize': false, 'auto-dismiss': false };
    await runJob(client, 'blockdev-backup', args, {
      onPending: async () => {
        pending++;
        await expect(client.execute('job-dismiss', { id: 'b' })).rejects.toThrow(
          "Job 'b' in state 'pending' cannot accept command verb 'dismiss'",
        );
      },
    });
    expect(pending).toBe(1);
    expect(seen.slice(-4)).toEqual(['BLOCK_JOB_PENDING', 'BLOCK_JOB_COMPLETED', 'concluded', 'null']);
  });

  test('pauses, resumes and ends when it is cancelled, and refuses what its state does not allow', async () => {
    const { client, seen } = await both({ jobs: endless });
    await client.execute('blockdev-backup', backup);
    await expect(client.execute('blockdev-backup', backup)).rejects.toThrow("Job ID 'b' already in use");
    await expect(client.execute('job-complete', { id: 'b' })).rejects.toThrow(/in state 'running' cannot accept/);
    await client.execute('job-pause', { id: 'b' });
    await expect(client.execute('job-pause', { id: 'b' })).rejects.toThrow('Job is already paused');
    expect(await client.execute('query-jobs')).toMatchObject([{ id: 'b', type: 'backup', status: 'paused' }]);
    expect(await client.execute('query-block-jobs')).toMatchObject([{ device: 'b', paused: true, busy: false }]);
    await expect(client.execute('block-job-cancel', { device: 'b' })).rejects.toThrow(/currently paused/);
    await client.execute('block-job-resume', { device: 'b' });
    const end = client.waitFor('JOB_STATUS_CHANGE', ({ data }) => (data as { status: string }).status === 'null');
    await client.execute('block-job-cancel', { device: 'b' });
    await end;
    const life = ['created', 'running', 'paused', 'running', 'aborting', 'BLOCK_JOB_CANCELLED', 'concluded', 'null'];
    expect(seen).toEqual(life);
    await expect(client.execute('job-cancel', { id: 'b' })).rejects.toThrow('Job not found');
    await expect(client.execute('block-job-cancel', { device: 'b' })).rejects.toMatchObject({
      class: 'DeviceNotActive',
    });
  });

  test('fails half of its way when its plan says so', async () => {
    const { mock, client } = await both();
    mock.expect('blockdev-backup', { 'job-id': 'b' }).job({ fails: 'No space left on device', length: 1000 });
    const failing = runJob(client, 'blockdev-backup', backup);
    await expect(failing).rejects.toThrow(new JobError('b', 'failed', 'No space left on device'));
    expect(await runJob(client, 'blockdev-backup', backup)).toMatchObject({ offset: megabyte });
    mock.expect('blockdev-create').job({ fails: 'Permission denied' });
    const create = { 'job-id': 'c', options: { driver: 'qcow2', file: 'f', size: 1 } };
    await expect(runJob(client, 'blockdev-create', create)).rejects.toThrow(/Permission denied/);
    mock.verify();
  });

  test('reports its progress, is slowed by its speed, and goes on when that is lifted', async () => {
    const { client } = await both();
    const progress: JobProgress[] = [];
    const done = runJob(
      client,
      'drive-mirror',
      { 'job-id': 'm', device: 'd', target: '/x', sync: 'full', speed: 1 },
      {
        progressInterval: 5,
        onProgress: (now) => {
          progress.push(now);
          if (progress.length === 3) void client.execute('block-job-set-speed', { device: 'm', speed: 0 });
        },
      },
    );
    expect(await done).toEqual({ id: 'm', offset: megabyte, length: megabyte });
    expect(progress.slice(0, 3)).toEqual(Array(3).fill({ current: 0, total: megabyte, status: 'running' }));
  });

  test('ends by the signal of the client that follows it', async () => {
    const { client } = await both({ jobs: endless });
    const controller = new AbortController();
    await client.execute('block-stream', { device: 'disk' });
    const followed = followJob(client, 'disk', { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(followed).rejects.toThrow('enough');
    await expect(followJob(client, 'disk')).rejects.toMatchObject({ outcome: 'unknown' });
  });

  test('stays after it has made an image, until it is dismissed', async () => {
    const { client, seen } = await both();
    await client.execute('blockdev-create', { 'job-id': 'c', options: { driver: 'qcow2', file: 'f', size: 1 } });
    await expect
      .poll(() => client.execute('query-jobs'))
      .toEqual([{ id: 'c', type: 'create', status: 'concluded', 'current-progress': 1, 'total-progress': 1 }]);
    expect(await client.execute('query-block-jobs')).toEqual([]);
    await client.execute('job-dismiss', { id: 'c' });
    await expect.poll(() => seen.at(-1)).toBe('null');
  });

  test('ends with the others of its transaction, and all of them when one is cancelled', async () => {
    const { client, seen } = await both();
    const actions = ['x', 'y'].map((id) => ({ type: 'blockdev-backup', data: { ...backup, 'job-id': id } }));
    const properties = { 'completion-mode': 'grouped' };
    const slow = { ...actions[1], data: { ...actions[1]?.data, speed: 1 } } as (typeof actions)[0];
    await client.execute('transaction', { actions: [actions[0] as (typeof actions)[0], slow], properties });
    const followed = Promise.allSettled(['x', 'y'].map((id) => followJob(client, id)));
    await expect.poll(() => client.execute('query-jobs')).toMatchObject([{ status: 'running' }, { status: 'waiting' }]);
    await client.execute('job-cancel', { id: 'y' });
    expect((await followed).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(seen.filter((event) => event === 'BLOCK_JOB_CANCELLED')).toHaveLength(2);
    // An id that is in use twice starts none of them.
    const twice = { actions: [actions[0], actions[0]] as typeof actions };
    await expect(client.execute('transaction', twice)).rejects.toThrow("Job ID 'x' already in use");
    expect(await client.execute('query-jobs')).toEqual([]);
  });

  test('ends with its mock', async () => {
    const { mock, client } = await both({ jobs: endless });
    await client.execute('blockdev-backup', backup);
    await mock.close();
    await mock.close();
  });
});

describe('a mock with jobs', () => {
  test('answers commands about jobs that it has not started like any other', async () => {
    const { mock, client } = await both();
    mock.expect('job-cancel', { id: 'other' });
    expect(await client.execute('job-cancel', { id: 'other' })).toEqual({});
    mock.verify();
  });

  test('needs an expectation of the start only, when it refuses what is not expected', async () => {
    const { mock, client } = await both({ unhandled: 'refuse' });
    await expect(client.execute('blockdev-mirror', mirror)).rejects.toThrow(/does not expect 'blockdev-mirror'/);
    const other = await both({ unhandled: 'refuse' });
    other.mock.expect('blockdev-mirror', { 'job-id': 'm' });
    await runJob(other.client, 'blockdev-mirror', mirror);
    other.mock.verify();
    expect(() => mock.verify()).toThrow(/blockdev-mirror: not expected/);
  });

  test('starts no job where a handler or an error is the answer, and none at all when it is not to', async () => {
    const { mock, client, seen } = await both({ handlers: { 'blockdev-backup': () => undefined } });
    await client.execute('blockdev-backup', backup);
    mock.expect('blockdev-mirror').replyError('DeviceNotFound');
    await expect(client.execute('blockdev-mirror', mirror)).rejects.toMatchObject({ class: 'DeviceNotFound' });
    const other = await both({ jobs: false });
    await other.client.execute('blockdev-mirror', mirror);
    expect(await other.client.execute('query-jobs')).toHaveLength(1);
    expect([...seen, ...other.seen]).toEqual([]);
    expect(() => other.mock.when('blockdev-mirror').job({})).toThrow('blockdev-mirror starts no job');
  });

  test('says what is wrong with a plan', async () => {
    const { mock } = await both();
    expect(() => mock.when('query-block').job({})).toThrow('query-block starts no job');
    const wrong = [{ duration: -1 }, { duration: Number.NaN }, { length: 1.5 }, { fails: 1 }, { seconds: 1 }];
    for (const plan of wrong)
      expect(() => mock.when('blockdev-backup').job(plan as object), `${plan}`).toThrow(TypeError);
    await expect(both({ jobs: { length: -1 } })).rejects.toThrow(/length/);
  });

  test('shows of jobs what its schema has, and takes only those commands for starts that have a job-id', async () => {
    const schema = await schemaOf(`
      { 'enum': 'Kind', 'data': [ 'mirror', 'create' ] }
      { 'struct': 'Info', 'data': { 'type': 'Kind', 'device': 'str', 'colour': 'str', '*note': 'str' } }
      { 'command': 'query-block-jobs', 'returns': [ 'Info' ] }
      { 'command': 'image-create', 'data': { 'job-id': 'str' } }
      { 'command': 'account-create', 'data': { 'name': 'str' } }
      { 'command': 'disk-backup', 'data': { 'job-id': 'str' } }
      { 'command': 'disk-mirror', 'data': { 'job-id': 'str' } }
      { 'event': 'BLOCK_JOB_READY', 'data': { 'device': 'str', 'mood': 'str' } }`);
    const { client, mock, seen } = await both({}, schema);
    for (const name of ['account-create', 'disk-backup']) {
      expect(() => mock.when(name).job({}), name).toThrow(/starts no job/);
    }
    await client.execute('image-create', { 'job-id': 'c' });
    await client.execute('disk-mirror', { 'job-id': 'm' });
    await expect.poll(() => seen).toEqual(['BLOCK_JOB_READY']);
    expect(await client.execute('query-block-jobs')).toEqual([{ type: 'mirror', device: 'm', colour: 'colour0' }]);
    mock.verify();
  });
});

describeWithCorpus("a mock of QEMU's schemas", 'releases', () => {
  const releases = ['2.8-dev', '4.2', '6.0', '7.2', '9.0-rc', '10.1', '11.1'];
  const started = ['drive-backup', 'drive-mirror', 'block-stream', 'block-commit', 'blockdev-create'];

  test.each(releases)(
    'runs every kind of job of %s by the events that the release has',
    async (release) => {
      const root = release === '2.8-dev' ? 'qapi-schema.json' : join('qapi', 'qapi-schema.json');
      const { schema } = await loadSchema(corpusPath('releases', release, root), { advice: false });
      if (!schema) throw new Error('the schema has errors');
      const { mock, client, seen } = await both({}, schema);
      for (const name of started.filter((command) => schema.lookup(command) !== undefined)) {
        const args = {
          ...{ 'job-id': name },
          ...(name === 'blockdev-create' ? { options: { driver: 'qcow2', file: 'f', size: 1 } } : { device: 'd' }),
          ...(/^drive/.test(name) && { target: '/x', sync: 'full' }),
        };
        expect(await runJob(client, name, args), name).toMatchObject({ id: name });
      }
      expect(seen.includes('created')).toBe(release !== '2.8-dev');
      expect(seen.filter((event) => event === 'BLOCK_JOB_READY')).toHaveLength(2);
      expect(seen.filter((event) => event === 'BLOCK_JOB_COMPLETED')).toHaveLength(4);
      mock.verify();
    },
    60_000,
  );
});
