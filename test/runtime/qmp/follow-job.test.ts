import { describe, expect, onTestFinished, test } from 'vitest';
import type { JsonObject } from '../../../runtime/json/value.js';
import { connect } from '../../../runtime/qmp/client.js';
import { QmpConnectionError } from '../../../runtime/qmp/failure.js';
import { followJob, runJob } from '../../../runtime/qmp/job.js';
import { JobError, type JobOptions } from '../../../runtime/qmp/job-options.js';
import { backOff } from '../../../runtime/qmp/reconnect.js';
import { connected, FakeServer, place, type Received } from './fake-server.js';

type Answers = Record<string, JsonObject | ((server: FakeServer) => JsonObject | undefined)>;

const OK = { return: {} };
const notFound = { error: { class: 'CommandNotFound', desc: 'there is no such command' } };
const ARGUMENTS = { 'job-id': 'j', device: 'd', target: 't', sync: 'full' };
const jobs = (...list: JsonObject[]): JsonObject => ({ return: list });
const job = (status: string, more: JsonObject = {}): JsonObject => ({ id: 'j', type: 'mirror', status, ...more });
const progress = { 'current-progress': 70, 'total-progress': 100 };

function answering(answers: Answers): (request: Received, server: FakeServer) => JsonObject | undefined {
  return ({ execute }, server) => {
    const answer = answers[execute] ?? OK;
    return typeof answer === 'function' ? answer(server) : answer;
  };
}

const commandsOf = (server: FakeServer): string[] => server.received.map(({ execute }) => execute);

describe('following a job that runs already', () => {
  async function following(answers: Answers, options = {}) {
    const { client, server } = await connected({}, answering(answers));
    const result = followJob(client, 'j', options);
    result.catch(() => {});
    return { server, result };
  }

  test('goes on with the events of a job that runs', async () => {
    const { server, result } = await following({ 'query-jobs': jobs(job('running', progress), { id: 'other' }) });
    await server.until(1);
    server.event('BLOCK_JOB_COMPLETED', { device: 'j', type: 'mirror', len: 100, offset: 100 });
    for (const status of ['waiting', 'pending', 'concluded', 'null']) {
      server.answerWith(answering({ 'query-jobs': jobs() }));
      server.event('JOB_STATUS_CHANGE', { id: 'j', status });
    }
    expect(await result).toEqual({ id: 'j', offset: 100, length: 100 });
  });

  test('completes a job that is ready already', async () => {
    const { server, result } = await following({
      'query-jobs': jobs(job('ready', progress)),
      'job-complete': (from) => {
        from.answerWith(answering({ 'query-jobs': jobs() }));
        from.event('JOB_STATUS_CHANGE', { id: 'j', status: 'null' });
        return OK;
      },
    });
    expect(await result).toEqual({ id: 'j', offset: 70, length: 100 });
    expect(commandsOf(server)).toEqual(['query-jobs', 'job-complete']);
  });

  test('dismisses a job that has ended, and reports its error', async () => {
    const { server, result } = await following({ 'query-jobs': jobs(job('concluded', { error: 'No space left' })) });
    await expect(result).rejects.toThrow(new JobError('j', 'failed', 'No space left'));
    expect(commandsOf(server)).toEqual(['query-jobs', 'query-jobs', 'job-dismiss']);
  });

  test('reports a job that does not exist as unknown', async () => {
    const { result } = await following({ 'query-jobs': jobs() });
    await expect(result).rejects.toMatchObject({
      outcome: 'unknown',
      message: 'job j is not there: the server has no such job',
    });
  });

  test('asks a server without the job API for its block jobs', async () => {
    const { server, result } = await following({
      'query-jobs': notFound,
      'query-block-jobs': jobs({ device: 'j', type: 'mirror', len: 100, offset: 100, ready: true }),
      'block-job-complete': (from) => {
        from.event('BLOCK_JOB_COMPLETED', { device: 'j', type: 'mirror', len: 100, offset: 100 });
        return OK;
      },
    });
    expect(await result).toEqual({ id: 'j', offset: 100, length: 100 });
    expect(commandsOf(server)).toEqual(['query-jobs', 'query-block-jobs', 'block-job-complete']);
  });
});

describe('a job whose connection is lost', () => {
  /** Starts a job on one server, which goes away, and goes on with another. */
  async function throughLoss(before: Answers, after: Answers, options: JobOptions = {}) {
    const [first, second] = [new FakeServer(answering(before)), new FakeServer(answering(after))];
    const client = await connect(place(first, second).open, { reconnect: backOff({ initialDelay: 1, attempts: 3 }) });
    onTestFinished(() => client.close());
    const result = runJob(client, 'blockdev-mirror', ARGUMENTS, options);
    result.catch(() => {});
    await first.until(1);
    await new Promise(setImmediate);
    first.end();
    return { second, result };
  }

  test('runJob follows it to its end over the next connection', async () => {
    const { second, result } = await throughLoss({}, { 'query-jobs': jobs(job('running', progress)) });
    await second.until(1);
    await new Promise(setImmediate);
    second.answerWith(answering({ 'query-jobs': jobs() }));
    second.event('JOB_STATUS_CHANGE', { id: 'j', status: 'null' });
    expect(await result).toEqual({ id: 'j', offset: 70, length: 100 });
  });

  test('runJob completes it when it became ready in the meantime', async () => {
    const { second, result } = await throughLoss(
      {},
      {
        'query-jobs': jobs(job('ready')),
        'job-complete': (from) => {
          from.event('JOB_STATUS_CHANGE', { id: 'j', status: 'null' });
          return OK;
        },
      },
    );
    await expect(result).resolves.toMatchObject({ id: 'j' });
    expect(commandsOf(second)).toEqual(['query-jobs', 'job-complete']);
  });

  test('runJob completes it again when the command that does so was lost', async () => {
    const { second, result } = await throughLoss(
      {
        'blockdev-mirror': (from) => {
          from.event('JOB_STATUS_CHANGE', { id: 'j', status: 'ready' });
          return OK;
        },
        'job-complete': () => undefined,
      },
      {
        'query-jobs': jobs(job('ready')),
        'job-complete': (from) => {
          from.event('JOB_STATUS_CHANGE', { id: 'j', status: 'null' });
          return OK;
        },
      },
    );
    await expect(result).resolves.toMatchObject({ id: 'j' });
    expect(commandsOf(second)).toEqual(['query-jobs', 'job-complete']);
  });

  test('runJob reports it as unknown when it has gone in the meantime', async () => {
    const { result } = await throughLoss({}, { 'query-jobs': jobs() });
    await expect(result).rejects.toMatchObject({
      outcome: 'unknown',
      message: 'job j is not there: it has gone, and its end was not reported',
    });
  });

  test('runJob follows it when the answer to the command that starts it was lost', async () => {
    const { result } = await throughLoss(
      { 'blockdev-mirror': () => undefined },
      { 'query-jobs': jobs(job('concluded')) },
    );
    await expect(result).resolves.toMatchObject({ id: 'j' });
  });

  test('runJob rejects with the error of the connection when the job was not started', async () => {
    const { result } = await throughLoss({ 'blockdev-mirror': () => undefined }, { 'query-jobs': jobs() });
    await expect(result).rejects.toThrow('whether it was carried out is unknown');
  });

  test('runJob cancels it over the next connection when its signal fired in between', async () => {
    const controller = new AbortController();
    const { second, result } = await throughLoss(
      {},
      {
        'query-jobs': jobs(job('running')),
        'block-job-cancel': (from) => {
          for (const status of ['aborting', 'null']) from.event('JOB_STATUS_CHANGE', { id: 'j', status });
          return OK;
        },
      },
      { signal: controller.signal },
    );
    controller.abort(new Error('enough'));
    await expect(result).rejects.toThrow('enough');
    expect(commandsOf(second)).toContain('block-job-cancel');
  });

  test('runJob rejects with the error of the connection when there is no other one', async () => {
    const { client, server } = await connected({});
    const result = runJob(client, 'blockdev-mirror', ARGUMENTS);
    result.catch(() => {});
    await server.until(1);
    server.end();
    await expect(result).rejects.toThrow(QmpConnectionError);
  });
});

test('an error of onReady cancels the job, and is the result', async () => {
  const { client, server } = await connected(
    {},
    answering({
      'blockdev-mirror': (from) => {
        from.event('JOB_STATUS_CHANGE', { id: 'j', status: 'ready' });
        return OK;
      },
    }),
  );
  const onReady = () => {
    throw new Error('not now');
  };
  await expect(runJob(client, 'blockdev-mirror', ARGUMENTS, { onReady })).rejects.toThrow('not now');
  expect(commandsOf(server)).toEqual(['blockdev-mirror', 'block-job-cancel']);
});
