import { expect, it } from 'vitest';
import { JobClient } from './job-client.js';

const megabyte = 1 << 20;

it('answers an empty list when nothing runs', async () => {
  const client = await JobClient.withChain();
  expect(await client.jobs()).toEqual([]);
});

it.each([
  ['block-stream', { device: 'd0', 'job-id': '1st' }, 'Invalid job ID'],
  ['block-stream', { device: 'd0', speed: -1 }, 'speed'],
  ['block-stream', { device: 'd0', base: 'other.qcow2' }, "Can't find 'other.qcow2' in the backing chain"],
  ['block-stream', { device: 'd0', 'backing-file': 'x' }, 'entire chain'],
  ['block-stream', { device: 'd9' }, 'Cannot find'],
  ['block-commit', { device: 'd9' }, "Device 'd9' not found"],
  ['block-commit', { device: 'd0', top: 'other.qcow2' }, 'Top image file other.qcow2 not found'],
  ['block-commit', { device: 'd0', base: 'other.qcow2' }, "Can't find 'other.qcow2' in the backing chain"],
  ['block-commit', { device: 'd0', 'backing-file': 'x' }, 'active layer'],
  ['blockdev-mirror', { device: 'd0', target: 'd0', sync: 'full' }, 'into itself'],
  ['blockdev-backup', { device: 'd0', target: 'd0', sync: 'full' }, 'cannot be the same'],
  ['block-job-pause', { device: 'd0' }, "Block job 'd0' not found"],
])('refuses %s with %j, and nothing has changed', async (command, args, message) => {
  const client = await JobClient.withChain();
  await expect(client.execute(command, args)).rejects.toThrow(message);
  expect(await client.jobs()).toEqual([]);
  await client.execute('block-stream', { device: 'd0' });
  expect((await client.end()).name).toBe('BLOCK_JOB_COMPLETED');
});

it('reports a device that does not exist by its class only where the protocol says so', async () => {
  const client = await JobClient.withChain();
  await expect(client.execute('block-commit', { device: 'd9' })).rejects.toMatchObject({ class: 'DeviceNotFound' });
  await expect(client.execute('block-stream', { device: 'd9' })).rejects.toMatchObject({ class: 'GenericError' });
  await expect(client.execute('block-job-cancel', { device: 'd9' })).rejects.toMatchObject({
    class: 'DeviceNotActive',
  });
});

it('keeps a job to its speed, and lets it go when there is none any more', async () => {
  const client = await JobClient.withChain();
  await client.execute('block-stream', { device: 'd0', speed: 65_536 });
  await new Promise((resolve) => setTimeout(resolve, 150));
  const [slow] = await client.jobs();
  expect(slow).toMatchObject({ type: 'stream', device: 'd0', speed: 65_536, paused: false, ready: false });
  expect(Number(slow?.offset)).toBeLessThan(megabyte);
  await client.execute('block-job-set-speed', { device: 'd0', speed: 0 });
  expect(await client.end()).toMatchObject({ name: 'BLOCK_JOB_COMPLETED', data: { offset: 4 * megabyte, speed: 0 } });
});

it('stands still while it is paused, and refuses to be cancelled then, except by force', async () => {
  const client = await JobClient.withChain();
  await client.execute('block-stream', { device: 'd0', speed: 65_536 });
  await client.execute('block-job-pause', { device: 'd0' });
  await expect(client.execute('block-job-pause', { device: 'd0' })).rejects.toThrow('already paused');
  await client.execute('block-job-set-speed', { device: 'd0', speed: 0 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const [before] = await client.jobs();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const [after] = await client.jobs();
  expect(after).toMatchObject({ paused: true, busy: false, offset: before?.offset });
  await expect(client.execute('block-job-cancel', { device: 'd0' })).rejects.toThrow('currently paused');
  await expect(client.execute('block-job-complete', { device: 'd0' })).rejects.toThrow(
    "Job 'd0' in state 'paused' cannot accept command verb 'complete'",
  );
  await client.execute('block-job-cancel', { device: 'd0', force: true });
  expect((await client.end()).name).toBe('BLOCK_JOB_CANCELLED');
  const [device] = (await client.execute('query-block')) as { inserted: { backing_file?: string } }[];
  expect(device?.inserted.backing_file).toBe(client.at('base.qcow2'));
});

it('keeps other operations off its source', async () => {
  const client = await JobClient.withChain();
  await client.execute('block-stream', { device: 'd0', speed: 1 });
  const busy = [
    ['block-stream', { device: 'd0', 'job-id': 'other' }],
    ['block-commit', { device: 'd0', 'job-id': 'other' }],
    ['drive-backup', { device: 'd0', target: client.at('b.qcow2'), sync: 'full', 'job-id': 'other' }],
    ['drive-mirror', { device: 'd0', target: client.at('m.qcow2'), sync: 'full', 'job-id': 'other' }],
    ['block_resize', { device: 'd0', size: 8 * megabyte }],
    ['blockdev-snapshot-sync', { device: 'd0', 'snapshot-file': client.at('s.qcow2') }],
    ['blockdev-snapshot-internal-sync', { device: 'd0', name: 's' }],
    ['eject', { device: 'd0' }],
  ] as const;
  for (const [command, args] of busy) {
    await expect(client.execute(command, args), command).rejects.toThrow(/busy|in use|root block node/);
  }
  await client.execute('block-job-cancel', { device: 'd0' });
  expect((await client.end()).name).toBe('BLOCK_JOB_CANCELLED');
  await client.execute('block_resize', { device: 'd0', size: 8 * megabyte });
});

it('ends all jobs when the layer is closed', async () => {
  const client = await JobClient.withChain();
  await client.execute('block-stream', { device: 'd0', speed: 1 });
  await client.layer.close();
  expect((await client.end()).name).toBe('BLOCK_JOB_CANCELLED');
});

it('reads as before at every moment of a stream and of a commit', async () => {
  const client = await JobClient.withChain();
  const before = await client.content('d0');
  await client.execute('block-commit', { device: 'd0', speed: 1 << 20 });
  await client.event('BLOCK_JOB_READY');
  expect((await client.content('d0')).equals(before)).toBe(true);
  await client.execute('block-job-complete', { device: 'd0' });
  await client.end();
  expect((await client.content('d0')).equals(before)).toBe(true);
});
