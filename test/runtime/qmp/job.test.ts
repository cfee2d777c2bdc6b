import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../runtime/json/value.js';
import { QmpError } from '../../../runtime/qmp/error.js';
import { QmpConnectionError } from '../../../runtime/qmp/failure.js';
import { runJob } from '../../../runtime/qmp/job.js';
import { JobError, type JobOptions, type JobProgress } from '../../../runtime/qmp/job-options.js';
import { connected, type FakeServer, type Received } from './fake-server.js';

type Answer = JsonObject | undefined;

const OK = { return: {} };
const refusal = (desc: string, kind = 'GenericError') => ({ error: { class: kind, desc } });
const ARGUMENTS = { 'job-id': 'j', device: 'd', target: 't', sync: 'full' };
const WHOLE = { device: 'j', len: 100, offset: 100, speed: 0, type: 'mirror' };

/** Says what the job API says when a job goes through some states. */
const states = (server: FakeServer, ...names: string[]): void => {
  for (const status of names) server.event('JOB_STATUS_CHANGE', { id: 'j', status });
};

/** Runs a job on a server that answers each command by its entry, and `{}` to what has none. */
async function running(
  answers: Record<string, (server: FakeServer, request: Received) => Answer>,
  options: JobOptions = {},
  args: JsonObject = ARGUMENTS,
) {
  const { client, server } = await connected({}, (request, from) => {
    const answer = answers[request.execute];
    return answer ? answer(from, request) : OK;
  });
  const result = runJob(client, 'blockdev-mirror', args, options);
  result.catch(() => {});
  return { client, server, result, commands: () => server.received.map(({ execute }) => execute) };
}

describe('a job of the job API', () => {
  test('a job with the job API ends by itself, even before its command is answered', async () => {
    const { result, commands } = await running({
      'blockdev-mirror': (server) => {
        states(server, 'created', 'running', 'waiting', 'pending');
        server.event('BLOCK_JOB_COMPLETED', { ...WHOLE, device: 'another', error: 'not ours' });
        server.event('BLOCK_JOB_COMPLETED', WHOLE);
        states(server, 'concluded', 'null');
        return OK;
      },
      'query-jobs': () => ({ return: [] }),
    });
    expect(await result).toEqual({ id: 'j', offset: 100, length: 100 });
    expect(commands()).toEqual(['blockdev-mirror', 'query-jobs']);
  });

  test('a job with the job API is completed, finalized and dismissed', async () => {
    const { result, commands } = await running(
      {
        'blockdev-mirror': (server) => {
          states(server, 'created', 'running', 'ready');
          server.event('BLOCK_JOB_READY', WHOLE);
          return OK;
        },
        'job-complete': (server) => {
          states(server, 'waiting', 'pending');
          server.event('BLOCK_JOB_PENDING', { type: 'mirror', id: 'j' });
          return OK;
        },
        'job-finalize': (server) => {
          server.event('BLOCK_JOB_COMPLETED', WHOLE);
          states(server, 'concluded');
          return OK;
        },
        'query-jobs': () => ({ return: [{ id: 'j', status: 'concluded', type: 'mirror' }] }),
        'job-dismiss': (server) => {
          states(server, 'null');
          return OK;
        },
      },
      {},
      { ...ARGUMENTS, 'auto-finalize': false, 'auto-dismiss': false },
    );
    expect(await result).toMatchObject({ id: 'j' });
    expect(commands()).toEqual(['blockdev-mirror', 'job-complete', 'job-finalize', 'query-jobs', 'job-dismiss']);
  });

  test('a job on standby is completed when it is ready again', async () => {
    let attempts = 0;
    const { result, commands } = await running({
      'blockdev-mirror': (server) => {
        states(server, 'created', 'running', 'ready', 'standby');
        return OK;
      },
      'job-complete': (server) => {
        if (attempts++ === 0) return refusal("Job 'j' in state 'standby' cannot accept command verb 'complete'");
        server.event('BLOCK_JOB_COMPLETED', WHOLE);
        states(server, 'concluded', 'null');
        return OK;
      },
      'query-jobs': (server) => {
        if (attempts !== 1) return { return: [] };
        states(server, 'ready');
        return { return: [{ id: 'j', status: 'standby' }] };
      },
    });
    await result;
    expect(commands().filter((name) => name === 'job-complete')).toHaveLength(2);
  });

  test('a job that is no block job returns its error from query-jobs', async () => {
    const { result, commands } = await running({
      'blockdev-mirror': (server) => {
        states(server, 'created', 'running', 'aborting', 'concluded');
        return OK;
      },
      'query-jobs': () => ({ return: [{ id: 'j', status: 'concluded', type: 'create', error: 'no space' }] }),
    });
    await expect(result).rejects.toEqual(new JobError('j', 'failed', 'no space'));
    expect(commands()).toEqual(['blockdev-mirror', 'query-jobs', 'job-dismiss']);
  });

  test('a job that fails rejects with its error', async () => {
    const { result } = await running({
      'blockdev-mirror': (server) => {
        states(server, 'created', 'running', 'aborting');
        server.event('BLOCK_JOB_COMPLETED', { ...WHOLE, error: 'Input/output error' });
        states(server, 'concluded', 'null');
        return OK;
      },
    });
    await expect(result).rejects.toThrow(new JobError('j', 'failed', 'Input/output error'));
  });

  test('a job that is aborted before it began rejects', async () => {
    const { result } = await running({
      'blockdev-mirror': (server) => {
        states(server, 'created', 'aborting', 'concluded', 'null');
        return OK;
      },
    });
    await expect(result).rejects.toThrow(new JobError('j', 'failed', 'the server did not say why'));
  });
});

describe('a job before the job API', () => {
  test('a job without the job API ends by itself', async () => {
    const { result, commands } = await running({
      'blockdev-mirror': (server) => {
        server.event('BLOCK_JOB_COMPLETED', WHOLE);
        return OK;
      },
    });
    expect(await result).toEqual({ id: 'j', offset: 100, length: 100 });
    expect(commands()).toEqual(['blockdev-mirror']);
  });

  test('a job without the job API is completed and dismissed', async () => {
    const { result, commands } = await running(
      {
        'blockdev-mirror': (server) => {
          server.event('BLOCK_JOB_READY', WHOLE);
          return OK;
        },
        'block-job-complete': (server) => {
          server.event('BLOCK_JOB_PENDING', { id: 'j', type: 'mirror' });
          return OK;
        },
        'block-job-finalize': (server) => {
          server.event('BLOCK_JOB_COMPLETED', WHOLE);
          return OK;
        },
      },
      {},
      { ...ARGUMENTS, 'auto-dismiss': false },
    );
    await result;
    expect(commands()).toEqual(['blockdev-mirror', 'block-job-complete', 'block-job-finalize', 'block-job-dismiss']);
  });

  test('a job without an id is named by its device', async () => {
    const { result } = await running(
      {
        'blockdev-mirror': (server) => {
          server.event('BLOCK_JOB_COMPLETED', { ...WHOLE, device: 'd' });
          return OK;
        },
      },
      {},
      { device: 'd', target: 't' },
    );
    expect((await result).id).toBe('d');
  });
});

describe('a caller of runJob', () => {
  test('ends a ready job, and stays with the source', async () => {
    const { result, server } = await running(
      {
        'blockdev-mirror': (from) => {
          states(from, 'created', 'running', 'ready');
          return OK;
        },
        'block-job-cancel': (from) => {
          states(from, 'waiting', 'pending');
          from.event('BLOCK_JOB_COMPLETED', WHOLE);
          states(from, 'concluded', 'null');
          return OK;
        },
      },
      { onReady: () => 'cancel' },
    );
    expect(await result).toMatchObject({ id: 'j' });
    expect(server.received[1]).toMatchObject({ execute: 'block-job-cancel', arguments: { device: 'j' } });
    expect(server.received[1]?.arguments).not.toHaveProperty('force');
  });

  test('runs a last step before the job is finalized, or cancels it then', async () => {
    const answers = {
      'blockdev-mirror': (server: FakeServer) => {
        states(server, 'created', 'running', 'waiting', 'pending');
        server.event('BLOCK_JOB_PENDING', { id: 'j', type: 'backup' });
        return OK;
      },
      'job-finalize': (server: FakeServer) => {
        states(server, 'concluded', 'null');
        return OK;
      },
    };
    const done: string[] = [];
    const fine = await running(answers, { onPending: () => void done.push('last') });
    await fine.result;
    expect(done).toEqual(['last']);
    const refused = await running(answers, { onPending: () => Promise.reject(new Error('not now')) });
    await expect(refused.result).rejects.toThrow('not now');
    expect(refused.commands()).toEqual(['blockdev-mirror', 'block-job-cancel']);
  });

  test('cancels a job by a signal', async () => {
    const controller = new AbortController();
    const { result, server } = await running(
      {
        'blockdev-mirror': (from) => {
          states(from, 'created', 'running');
          return OK;
        },
        'block-job-cancel': (from) => {
          states(from, 'aborting');
          from.event('BLOCK_JOB_CANCELLED', { ...WHOLE, offset: 50 });
          states(from, 'concluded', 'null');
          return OK;
        },
      },
      { signal: controller.signal },
    );
    await server.until(1);
    controller.abort(new Error('enough'));
    await expect(result).rejects.toThrow('enough');
    expect(server.received[1]).toMatchObject({ execute: 'block-job-cancel', arguments: { device: 'j', force: true } });
  });

  test('cancels a job that is no block job', async () => {
    const controller = new AbortController();
    const { result, server, commands } = await running(
      {
        'blockdev-mirror': (from) => {
          states(from, 'created', 'running');
          return OK;
        },
        'block-job-cancel': () => refusal("Block job 'j' not found", 'DeviceNotActive'),
        'job-cancel': (from) => {
          states(from, 'aborting', 'concluded');
          return OK;
        },
        'query-jobs': () => ({ return: [{ id: 'j', status: 'concluded' }] }),
      },
      { signal: controller.signal },
    );
    await server.until(1);
    controller.abort(new Error('enough'));
    await expect(result).rejects.toThrow('enough');
    expect(commands()).toEqual(['blockdev-mirror', 'block-job-cancel', 'job-cancel', 'query-jobs', 'job-dismiss']);
  });

  test('rejects when another client cancels the job', async () => {
    const { result } = await running({
      'blockdev-mirror': (server) => {
        server.event('BLOCK_JOB_CANCELLED', WHOLE);
        return OK;
      },
    });
    await expect(result).rejects.toEqual(new JobError('j', 'cancelled'));
  });

  test('reports progress and I/O errors', async () => {
    const progress: JobProgress[] = [];
    const errors: unknown[] = [];
    const { result, server } = await running(
      {
        'blockdev-mirror': (from) => {
          states(from, 'created', 'running');
          from.event('BLOCK_JOB_ERROR', { device: 'j', operation: 'read', action: 'stop' });
          return OK;
        },
        'query-jobs': () => ({
          return: [{ id: 'j', status: 'running', 'current-progress': 10, 'total-progress': 100 }],
        }),
        'query-block-jobs': () => ({ return: [{ device: 'j', status: 'running', offset: 5, len: 100 }] }),
      },
      { onProgress: (now) => progress.push(now), onError: (error) => errors.push(error), progressInterval: 5 },
    );
    await server.until(4);
    server.event('BLOCK_JOB_COMPLETED', WHOLE);
    states(server, 'null');
    await result;
    expect(progress[0]?.total).toBe(100);
    expect(progress.at(-1)).toEqual({ current: 10, total: 100, status: 'running' });
    expect(errors).toEqual([{ device: 'j', operation: 'read', action: 'stop' }]);
  });

  test('rejects when the job cannot be started, and when the connection is lost', async () => {
    const refused = await running({ 'blockdev-mirror': () => refusal("Cannot find device='d'") });
    await expect(refused.result).rejects.toThrow(QmpError);
    const lost = await running({});
    await lost.server.until(1);
    lost.server.end();
    await expect(lost.result).rejects.toThrow(QmpConnectionError);
    const { client } = await connected();
    await expect(runJob(client, 'blockdev-create', { options: {} })).rejects.toThrow(/a job needs an id/);
    const signal = AbortSignal.abort(new Error('never mind'));
    await expect(runJob(client, 'x', ARGUMENTS, { signal })).rejects.toThrow('never mind');
  });
});
