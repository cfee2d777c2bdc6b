import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connectAgent } from '../../runtime/qmp/agent.js';
import { connect, type QmpClient } from '../../runtime/qmp/client.js';
import { runJob } from '../../runtime/qmp/job.js';
import { folderWith, qapiTs, type Ran } from './command-line.js';

const files = {
  'schema.json': `
{ 'struct': 'State', 'data': { 'heat': 'int' } }
{ 'command': 'query-state', 'returns': 'State' }
{ 'command': 'stop' }
{ 'command': 'cont', 'data': { 'id': 'str' } }`,
  'replies.json':
    '{"stop": {"return": {}}, "query-state": {"return": {"heat": 9007199254740993}}, "cont": {"error": {"class": "DeviceNotFound", "desc": "no"}}}',
};

/** Runs `qapi-ts mock` with a client, and ends it by a signal unless the client has. */
function session(
  args: readonly string[],
  talk: (client: QmpClient) => Promise<void>,
  more: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  return running(args, more, async (address) => {
    const client = await connect(address);
    await talk(client);
    await client.close();
  });
}

async function running(
  args: readonly string[],
  more: Readonly<Record<string, string>>,
  use: (address: string) => Promise<void>,
): Promise<Ran> {
  const interrupt = new AbortController();
  let told: (address: string) => void = () => {};
  const address = new Promise<string>((resolve) => {
    told = resolve;
  });
  const ended = qapiTs(['mock', 'schema.json', ...args], {
    cwd: folderWith({ ...files, ...more }),
    signal: interrupt.signal,
    onOutput: (text) => {
      const [, found] = /(?:QMP|agent) clients: (\S+)/.exec(text) ?? [];
      if (found !== undefined) told(found);
    },
  });
  const place = await Promise.race([address, ended]);
  if (typeof place !== 'string') return place;
  await use(place);
  interrupt.abort();
  return ended;
}

test('qapi-ts mock answers a client with what the schema allows until it is interrupted', async () => {
  const { code, stderr } = await session(['--release', '10.1'], async (client) => {
    expect(client.greeting.version.qemu).toEqual({ major: 10, minor: 1, micro: 0 });
    expect(await client.execute('query-state')).toEqual({ heat: 1 });
  });
  expect(code, stderr).toBe(0);
});

test('qapi-ts mock listens where it is asked to, and ends when it is sent quit', async () => {
  const path = join(folderWith({}), 'qmp.sock');
  const { code, stderr } = await session(['--listen', `unix:${path}`], async (client) => {
    await client.execute('quit');
  });
  expect(stderr).toBe(`QMP clients: unix:${path}\n`);
  expect(code).toBe(0);
});

test('qapi-ts mock answers as a file says, prints commands, and names those that it refuses', async () => {
  const { code, stdout, stderr } = await session(
    ['--replies', 'replies.json', '--refuse', '--print-commands'],
    async (client) => {
      expect(await client.execute('query-state')).toEqual({ heat: 9007199254740993n });
      expect(await client.execute('stop')).toEqual({});
      await expect(client.execute('cont', { id: 'a' })).rejects.toMatchObject({
        class: 'DeviceNotFound',
        message: 'no',
      });
    },
  );
  expect(code, stderr).toBe(0);
  expect(stdout).toBe(
    '{"execute":"query-state","arguments":{}}\n{"execute":"stop","arguments":{}}\n{"execute":"cont","arguments":{"id":"a"}}\n',
  );
  const refused = await session(['--refuse'], async (client) => {
    await expect(client.execute('stop')).rejects.toThrow(/does not expect 'stop'/);
  });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('stop: not expected, and without a handler');
});

test('qapi-ts mock --agent plays a guest agent', async () => {
  const { code, stderr } = await running(
    ['--agent', '--release', '9.1', '--replies', 'replies.json'],
    files,
    async (at) => {
      await using agent = await connectAgent(at);
      expect(await agent.execute('guest-info')).toMatchObject({ version: '9.1.0' });
      expect(await agent.execute('query-state')).toEqual({ heat: 9007199254740993n });
    },
  );
  expect(code, stderr).toBe(0);
  expect(stderr).toMatch(/^agent clients: unix:/);
});

test('qapi-ts mock runs jobs, which go as a file says', async () => {
  const jobs = {
    'schema.json': `
{ 'enum': 'JobType', 'data': [ 'create' ] }
{ 'struct': 'JobInfo', 'data': { 'id': 'str', 'type': 'JobType', 'status': 'str', '*error': 'str' } }
{ 'command': 'query-jobs', 'returns': [ 'JobInfo' ] }
{ 'command': 'job-dismiss', 'data': { 'id': 'str' } }
{ 'command': 'blockdev-create', 'data': { 'job-id': 'str' } }
{ 'event': 'JOB_STATUS_CHANGE', 'data': { 'id': 'str', 'status': 'str' } }`,
    'replies.json': '{"blockdev-create": {"job": {"duration": 10, "fails": "no space"}}}',
  };
  const { code, stderr } = await session(
    ['--replies', 'replies.json'],
    async (client) => {
      await expect(runJob(client, 'blockdev-create', { 'job-id': 'c' })).rejects.toThrow('job c failed: no space');
    },
    jobs,
  );
  expect(code, stderr).toBe(0);
});

test.each([
  [['--listen', 'qmp.sock'], /expected unix:PATH or tcp:HOST:PORT/],
  [['--seed', 'x'], /expected a number of at most nine digits/],
  [['--release', 'new'], /expected a version/],
  [['--replies', 'missing.json'], /missing\.json: ENOENT/],
  [['--replies', 'schema.json'], /schema\.json: /],
  [['--replies', 'unknown.json'], /unknown\.json: stopp: the schema has no command 'stopp'/],
  [['--replies', 'wrong.json'], /wrong\.json: query-state: .*heat/],
  [['--replies', 'neither.json'], /neither\.json: stop: expected \{"return": …\}/],
  [['--replies', 'job.json'], /job\.json: stop: stop starts no job/],
  [['--listen', 'unix:/'], /a file that is no socket is there/],
])('qapi-ts mock %j says what is wrong', async (args, message) => {
  const more = {
    'unknown.json': '{"stopp": {"return": {}}}',
    'wrong.json': '{"query-state": {"return": {"heat": "x"}}}',
    'neither.json': '{"stop": {}}',
    'job.json': '{"stop": {"job": {}}}',
  };
  const { code, stderr } = await session(args, async () => {}, more);
  expect(code).toBe(1);
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/^ +at /m);
});
