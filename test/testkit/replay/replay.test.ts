import { expect, onTestFinished, test } from 'vitest';
import * as generated from '../../../generated/index.js';
import { connect, type QmpClient } from '../../../runtime/qmp/client.js';
import { MockError, mockQmp, Recorder, type ReplayOptions, readRecording, replayQmp } from '../../../testkit/index.js';

/** A session with a program: replies, an error, a large integer, an event. */
async function recorded(): Promise<string> {
  await using program = await mockQmp(generated, { version: { major: 9, minor: 2, micro: 1 } });
  program.expect('block_resize').replyError('DeviceNotFound', 'no such disk');
  program
    .expect('query-named-block-nodes')
    .thenEmit('BLOCK_JOB_READY', { type: 'mirror', device: 'm', len: 2n ** 60n, offset: 8, speed: 0 });
  const recorder = new Recorder();
  await using client = await connect(program.address, { onWire: recorder.onWire });
  await talk(client, '/tmp/first');
  return recorder.toString();
}

/** What the program under test does. */
async function talk(client: QmpClient, file: string): Promise<unknown[]> {
  const ready = client.waitFor('BLOCK_JOB_READY', undefined, { timeout: 5000 });
  const disks = await client.execute('query-block');
  const problem = await client.execute('block_resize', { device: 'd', size: 5 }).catch((error: Error) => error.message);
  await client.execute('change-backing-file', { device: 'd', 'image-node-name': 'n', 'backing-file': file });
  const nodes = await client.execute('query-named-block-nodes');
  return [disks, problem, nodes, (await ready).data];
}

async function replayed(
  recording: string,
  options?: ReplayOptions,
): Promise<[Awaited<ReturnType<typeof replayQmp>>, QmpClient]> {
  const replay = await replayQmp(recording, options);
  const client = await connect(replay.address);
  onTestFinished(async () => {
    await client.close();
    await replay.close();
  });
  return [replay, client];
}

test('a replay gives its client what the program gave when it was recorded', async () => {
  const recording = await recorded();
  const [replay, client] = await replayed(recording);
  expect(client.greeting.version.qemu).toEqual({ major: 9, minor: 2, micro: 1 });
  const [disks, problem, nodes, data] = await talk(client, '/tmp/first');
  expect(disks).toMatchObject([{ device: 'device0' }]);
  expect(problem).toBe('no such disk');
  expect(nodes).toHaveLength(1);
  expect(data).toMatchObject({ len: 2n ** 60n });
  replay.verify();
});

test('a replay minds values that differ, unless they are volatile and of the same type', async () => {
  const recording = await recorded();
  const [strict, client] = await replayed(recording);
  await expect(talk(client, '/tmp/second')).rejects.toThrow(/backing-file: "\/tmp\/first" was recorded/);
  expect(() => strict.verify()).toThrow(MockError);
  expect(() => strict.verify()).toThrow(/change-backing-file\.backing-file: .*"\/tmp\/second" was sent/);
  const [tolerant, other] = await replayed(recording, { volatile: ['backing-file'] });
  await talk(other, '/tmp/second');
  tolerant.verify();
  const [typed, third] = await replayed(recording, { volatile: ['backing-file'] });
  await expect(talk(third, 7 as never)).rejects.toThrow(/"\/tmp\/first" was recorded, and 7 was sent/);
  expect(() => typed.verify()).toThrow(MockError);
});

test('a replay names another command than the recorded one, and goes on with the recorded one', async () => {
  const [replay, client] = await replayed(await recorded());
  await expect(client.execute('stop')).rejects.toThrow(/stop: the recording has query-block/);
  await talk(client, '/tmp/first');
  await expect(client.execute('cont')).rejects.toThrow(/cont: the recording is at its end/);
  expect(() => replay.verify()).toThrow(/stop: the recording has query-block\n {2}cont: the recording is at its end/);
});

test('a replay names what was not sent any more, and that no client connected', async () => {
  const recording = await recorded();
  const [replay, client] = await replayed(recording);
  await client.execute('query-block');
  expect(() => replay.verify()).toThrow(/not sent any more: block_resize {"device":"d","size":5}/);
  await using unused = await replayQmp(recording);
  expect(() => unused.verify()).toThrow(/no client connected/);
});

test('a text that is no recording is refused with its line', () => {
  expect(() => readRecording('{"sent": {}}\n\nnonsense')).toThrow(/^line 3 of the recording/);
  expect(() => readRecording('{"sent": 1}')).toThrow(/^line 1 of the recording/);
});
