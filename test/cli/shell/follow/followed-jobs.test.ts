import { describe, expect, test, vi } from 'vitest';
import { FollowedJobs, type JobProgress } from '../../../../cli/shell/follow/followed-jobs.js';
import { outcomeOfJobs } from '../../../../cli/shell/follow/outcome.js';
import { Interpreter } from '../../../../cli/shell/interpreter.js';
import { noColours } from '../../../../generator/text/report/colours.js';
import type { JsonObject } from '../../../../runtime/json/value.js';
import { connected, type FakeServer } from '../../../runtime/qmp/fake-server.js';
import { known } from '../known.js';

const notFound = { error: { class: 'CommandNotFound', desc: 'there is no such command' } };
const running = { id: 'j', type: 'backup', status: 'running', 'current-progress': 5, 'total-progress': 2n ** 60n };

/** Follows `j` on a server that lists these jobs. */
async function following(lists: { readonly jobs: JsonObject; readonly blockJobs?: JsonObject }, ...ids: string[]) {
  const { client, server } = await connected({}, ({ execute }) =>
    execute === 'query-jobs' ? lists.jobs : execute === 'query-block-jobs' ? lists.blockJobs : { return: {} },
  );
  const jobs = new FollowedJobs(client, ids.length > 0 ? ids : ['j']);
  const seen: JobProgress[] = [];
  const ends = jobs.ends((now) => seen.push(...now.map((job) => ({ ...job }))));
  ends.catch(() => {});
  return { client, server, jobs, ends, seen };
}

const finishing: readonly (readonly [string, (server: FakeServer) => void, object])[] = [
  ['completed', (server) => server.event('BLOCK_JOB_COMPLETED', { device: 'j' }), {}],
  ['failed', (server) => server.event('BLOCK_JOB_COMPLETED', { device: 'j', error: 'full' }), { error: 'full' }],
  ['cancelled', (server) => server.event('BLOCK_JOB_CANCELLED', { device: 'j' }), {}],
  ['ready', (server) => server.event('BLOCK_JOB_READY', { device: 'j' }), {}],
  ['pending', (server) => server.event('BLOCK_JOB_PENDING', { id: 'j' }), {}],
  ['completed', (server) => server.event('JOB_STATUS_CHANGE', { id: 'j', status: 'null' }), {}],
];

describe('a job that is followed', () => {
  test.each(finishing)('ends as %s by an event', async (end, send, more) => {
    const { server, ends, seen } = await following({ jobs: { return: [running] } });
    await vi.waitFor(() => expect(seen).toMatchObject([{ id: 'j', status: 'running', current: 5, total: 2 ** 60 }]));
    server.event('BLOCK_JOB_COMPLETED', { device: 'another' });
    send(server);
    expect(await ends).toEqual([{ id: 'j', end, ...more }]);
  });

  test('fails when it goes after it was aborted', async () => {
    const { server, ends, seen } = await following({ jobs: { return: [running] } });
    await vi.waitFor(() => expect(seen).toHaveLength(1));
    for (const status of ['aborting', 'null']) server.event('JOB_STATUS_CHANGE', { id: 'j', status });
    expect(await ends).toEqual([{ id: 'j', end: 'failed' }]);
  });

  test.each([
    [
      { status: 'concluded', error: 'full' },
      { end: 'failed', error: 'full' },
    ],
    [{ status: 'concluded' }, { end: 'completed' }],
    [{ status: 'ready' }, { end: 'ready' }],
    [{ status: 'pending' }, { end: 'pending' }],
  ])('ends as it is listed, with %j', async (state, end) => {
    const { ends, seen } = await following({ jobs: { return: [{ ...running, ...state }] } });
    expect(await ends).toEqual([{ id: 'j', ...end }]);
    expect(seen).toEqual([]);
  });

  test.each([
    [{ paused: true, ready: false }, 'paused'],
    [{ paused: false, ready: false }, 'running'],
  ])('shows a job of a server without the job API, %j, as %s', async (state, status) => {
    const blockJobs = { return: [{ device: 'j', type: 'mirror', offset: 1, len: 2, ...state }] };
    const { jobs, ends, seen } = await following({ jobs: notFound, blockJobs });
    await vi.waitFor(() => expect(seen).toMatchObject([{ type: 'mirror', status, current: 1, total: 2 }]));
    jobs.leave();
    expect(await ends).toEqual([{ id: 'j', end: 'left' }]);
  });

  test('counts as gone when it is not there, and others are followed on', async () => {
    const { server, ends, seen } = await following({ jobs: { return: [running] } }, 'j', 'k');
    await vi.waitFor(() => expect(seen).toMatchObject([{ id: 'j' }]));
    server.event('BLOCK_JOB_COMPLETED', { device: 'j' });
    const found = await ends;
    expect(found).toEqual([
      { id: 'j', end: 'completed' },
      { id: 'k', end: 'gone' },
    ]);
    expect(outcomeOfJobs(found)).toEqual({
      kind: 'problem',
      problem: 'there is no job k, or no more, and its end was not reported',
    });
  });

  test('stays alone when its command is not waited for', async () => {
    let answer = (): void => {};
    const { client, server } = await connected({}, ({ execute, id }) => {
      if (execute !== 'block-stream') return { return: [running] };
      answer = () => server.send({ return: {}, id });
      return undefined;
    });
    const shown: unknown[] = [];
    const interpreter = new Interpreter({
      ...{ client, knowledge: await known(), colours: noColours, hmp: false },
      onJobs: (jobs) => shown.push(jobs),
    });
    const outcome = interpreter.take('block-stream {"device": "j"} --follow');
    await server.until(1);
    expect([interpreter.current, interpreter.following]).toEqual(['block-stream', undefined]);
    interpreter.abandon();
    answer();
    expect(await outcome).toEqual({ kind: 'value', value: { id: 'j', end: 'left' } });
    expect(shown).toEqual([]);
  });
});
