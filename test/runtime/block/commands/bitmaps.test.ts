import { expect, it } from 'vitest';
import { JobClient } from '../jobs/job-client.js';

interface Described {
  readonly name?: string;
  readonly count: number;
  readonly granularity: number;
  readonly status: string;
}

/** What queries say of a bitmap that nothing uses. */
const idle = { recording: true, busy: false, persistent: false };

async function bitmapsOf(client: JobClient): Promise<readonly Described[] | undefined> {
  const [device] = (await client.execute('query-block')) as { 'dirty-bitmaps'?: Described[] }[];
  return device?.['dirty-bitmaps'];
}

it('records in bytes what is written, and shows the newest bitmap first', async () => {
  const client = await JobClient.withChain();
  expect(await bitmapsOf(client)).toBeUndefined();
  await client.execute('block-dirty-bitmap-add', { node: 'd0', name: 'a' });
  await client.execute('block-dirty-bitmap-add', { node: 'd0', name: 'b', granularity: 4096 });
  await client.backend('d0').write(100, Buffer.alloc(1));
  await client.backend('d0').writeZeroes(1 << 20, 8192);
  expect(await bitmapsOf(client)).toEqual([
    { name: 'b', count: 3 * 4096, granularity: 4096, status: 'active', ...idle },
    { name: 'a', count: 2 * 65_536, granularity: 65_536, status: 'active', ...idle },
  ]);
  await client.execute('block-dirty-bitmap-clear', { node: 'd0', name: 'a' });
  await client.execute('block-dirty-bitmap-remove', { node: 'd0', name: 'b' });
  expect(await bitmapsOf(client)).toEqual([{ name: 'a', count: 0, granularity: 65_536, status: 'active', ...idle }]);
});

it.each([
  ['block-dirty-bitmap-add', { node: 'd0', name: '' }, 'empty'],
  ['block-dirty-bitmap-add', { node: 'no', name: 'b' }, 'Cannot find'],
  ['block-dirty-bitmap-add', { node: 'd0', name: 'b', granularity: 256 }, 'power of 2'],
  ['block-dirty-bitmap-add', { node: 'd0', name: 'b', granularity: 3000 }, 'power of 2'],
  ['block-dirty-bitmap-add', { node: 'd0', name: 'present' }, 'already exists'],
  ['block-dirty-bitmap-remove', { node: 'd0', name: 'b' }, 'not found'],
  ['block-dirty-bitmap-clear', { node: 'no', name: 'b' }, "Node 'no' not found"],
  ['block-dirty-bitmap-merge', { node: 'd0', target: 'present', bitmaps: ['none'] }, "'none' not found"],
  ['block-dirty-bitmap-enable', { node: 'd0', name: 'none' }, "'none' not found"],
])('refuses %s with %j', async (command, args, message) => {
  const client = await JobClient.withChain();
  await client.execute('block-dirty-bitmap-add', { node: 'd0', name: 'present' });
  await expect(client.execute(command, args)).rejects.toThrow(message);
});

it('freezes a bitmap while a backup uses it, and loses nothing when that is cancelled', async () => {
  const client = await JobClient.withChain();
  await client.execute('block-dirty-bitmap-add', { node: 'd0', name: 'b' });
  const d0 = client.backend('d0');
  const node = d0.root?.node.name;
  await d0.write(0, Buffer.alloc(65_536, 1));
  await d0.write(1 << 20, Buffer.alloc(65_536, 1));
  const backup = { device: 'd0', target: client.at('i.qcow2'), sync: 'incremental', bitmap: 'b', speed: 1 };
  await client.execute('drive-backup', backup);
  await d0.write(2 << 20, Buffer.alloc(1, 1));
  expect(await bitmapsOf(client)).toEqual([
    { count: 65_536, granularity: 65_536, status: 'active', ...idle },
    { name: 'b', count: 2 * 65_536, granularity: 65_536, status: 'frozen', ...idle, busy: true },
  ]);
  for (const command of ['block-dirty-bitmap-clear', 'block-dirty-bitmap-remove']) {
    await expect(client.execute(command, { node, name: 'b' })).rejects.toThrow('in use by another operation');
  }
  await client.execute('block-job-cancel', { device: 'd0' });
  await client.end();
  expect(await bitmapsOf(client)).toEqual([
    { name: 'b', count: 3 * 65_536, granularity: 65_536, status: 'active', ...idle },
  ]);
});

it('shows what was made last first: a bitmap whose backup succeeds is as young as its successor', async () => {
  const client = await JobClient.withChain();
  for (const name of ['a', 'b', 'c']) await client.execute('block-dirty-bitmap-add', { node: 'd0', name });
  const names = async () => (await bitmapsOf(client))?.map(({ name }) => name);
  const backup = { device: 'd0', target: client.at('i.qcow2'), sync: 'incremental', 'auto-finalize': false };
  await client.execute('drive-backup', { ...backup, bitmap: 'b' });
  await client.event('BLOCK_JOB_PENDING');
  expect(await names()).toEqual([undefined, 'c', 'b', 'a']);
  await client.execute('block-job-finalize', { id: 'd0' });
  await client.end();
  expect(await names()).toEqual(['b', 'c', 'a']);
});

it.each([
  [{ sync: 'incremental' }, 'bitmap name'],
  [{ sync: 'incremental', bitmap: 'none' }, 'could not be found'],
  [{ sync: 'full', bitmap: 'b' }, 'Bitmap sync mode must be given'],
  [{ sync: 'bitmap', bitmap: 'b' }, 'Bitmap sync mode must be given'],
  [{ sync: 'incremental', bitmap: 'b', 'bitmap-mode': 'never' }, "must be 'on-success'"],
  [{ sync: 'full', bitmap: 'b', 'bitmap-mode': 'never' }, 'no meaningful effect'],
  [{ sync: 'none', bitmap: 'b', 'bitmap-mode': 'always' }, 'does not produce meaningful bitmap outputs'],
  [{ sync: 'full', 'bitmap-mode': 'always' }, 'without a bitmap'],
  [{ sync: 'full', 'x-perf': { 'max-workers': 0 } }, 'max-workers must be between'],
  [{ sync: 'full', 'x-perf': { 'max-chunk': 512 } }, 'is less than backup cluster size (65536)'],
  [{ sync: 'full', compress: true, format: 'raw' }, 'Compression'],
])('refuses a backup with %j', async (args, message) => {
  const client = await JobClient.withChain();
  await client.execute('block-dirty-bitmap-add', { node: 'd0', name: 'b' });
  const backup = { device: 'd0', target: client.at('b.img'), ...args };
  await expect(client.execute('drive-backup', backup)).rejects.toThrow(message);
  expect(await client.jobs()).toEqual([]);
});

it('makes an image without a backing file for an incremental backup, as the bitmap may know more than one layer', async () => {
  const client = await JobClient.withChain();
  await client.execute('block-dirty-bitmap-add', { node: 'd0', name: 'b' });
  await client.backend('d0').write(0, Buffer.alloc(65_536, 9));
  await client.execute('drive-backup', {
    device: 'd0',
    target: client.at('i.qcow2'),
    sync: 'incremental',
    bitmap: 'b',
  });
  expect((await client.end()).data.error).toBeUndefined();
  const content = await client.contentOf('i.qcow2');
  expect(content.subarray(0, 65_536).every((byte) => byte === 9)).toBe(true);
  expect(content.subarray(65_536).every((byte) => byte === 0)).toBe(true);
});

/** The bytes that each bitmap of `d0` says are dirty. */
async function dirty(client: JobClient): Promise<{ [name: string]: number }> {
  return Object.fromEntries((await bitmapsOf(client))?.map(({ name = '', count }) => [name, count]) ?? []);
}

const megabyte = 1 << 20;

it('a disabled bitmap keeps what it has, and bitmaps of other granularity are merged into it', async () => {
  const client = await JobClient.withChain();
  const d0 = client.backend('d0');
  const act = (verb: string, name: string) => client.execute(`block-dirty-bitmap-${verb}`, { node: 'd0', name });
  await client.execute('block-dirty-bitmap-add', { node: 'd0', name: 'a', granularity: 4096 });
  await client.execute('block-dirty-bitmap-add', { node: 'd0', name: 'off', disabled: true });
  await d0.write(0, Buffer.alloc(4096, 1));
  await act('disable', 'a');
  await d0.write(megabyte, Buffer.alloc(4096, 1));
  expect(await dirty(client)).toEqual({ a: 4096, off: 0 });
  await act('enable', 'off');
  await d0.write(2 * megabyte, Buffer.alloc(1, 1));
  const merge = { node: 'd0', target: 'off', bitmaps: ['a', { node: 'd0', name: 'off' }] };
  await client.execute('block-dirty-bitmap-merge', merge);
  expect(await dirty(client)).toEqual({ a: 4096, off: 2 * 65_536 });
  await client.execute('block-dirty-bitmap-merge', { ...merge, bitmaps: [] });
});

it('takes back what a transaction does to bitmaps when it is aborted', async () => {
  const client = await JobClient.withChain();
  for (const name of ['a', 'b']) await client.execute('block-dirty-bitmap-add', { node: 'd0', name });
  await client.backend('d0').write(0, Buffer.alloc(1, 1));
  await client.execute('block-dirty-bitmap-clear', { node: 'd0', name: 'b' });
  const before = await bitmapsOf(client);
  const action = (verb: string, data: object) => ({
    type: `block-dirty-bitmap-${verb}`,
    data: { node: 'd0', ...data },
  });
  const actions = [
    action('add', { name: 'new' }),
    action('merge', { target: 'b', bitmaps: ['a'] }),
    action('disable', { name: 'a' }),
    action('clear', { name: 'a' }),
    action('remove', { name: 'b' }),
    { type: 'abort', data: {} },
  ];
  await expect(client.execute('transaction', { actions })).rejects.toThrow('Abort action');
  expect(await bitmapsOf(client)).toEqual(before);
  const busy = [action('remove', { name: 'b' }), action('enable', { name: 'b' })];
  await expect(client.execute('transaction', { actions: busy })).rejects.toThrow('in use by another operation');
  expect(await bitmapsOf(client)).toEqual(before);
  await client.execute('transaction', { actions: actions.slice(0, -1) });
  expect(await dirty(client)).toEqual({ new: 0, a: 0 });
});

it.each([
  // Granules that are copied; those that are dirty after success; and after a cancel when some were copied.
  [{ sync: 'bitmap', 'bitmap-mode': 'never' }, 2, 3, () => 3],
  [{ sync: 'bitmap', 'bitmap-mode': 'on-success' }, 2, 1, () => 3],
  [{ sync: 'bitmap', 'bitmap-mode': 'always' }, 2, 1, (done: number) => 2 - done + 1],
  [{ sync: 'full', 'bitmap-mode': 'on-success' }, 64, 1, () => 3],
  [{ sync: 'full', 'bitmap-mode': 'always' }, 64, 1, (done: number) => 64 - done],
])('a backup with %j copies and marks what it says', async (args, copied, succeeded, cancelled) => {
  for (const verb of ['job-resume', 'job-cancel']) {
    const client = await JobClient.withChain();
    const d0 = client.backend('d0');
    await client.execute('block-dirty-bitmap-add', { node: 'd0', name: 'b' });
    await d0.write(0, Buffer.alloc(1, 1));
    await d0.write(megabyte, Buffer.alloc(1, 1));
    await client.create('copy.qcow2', 4 * megabyte);
    const file = { driver: 'file', filename: client.at('copy.qcow2') };
    await client.execute('blockdev-add', { driver: 'qcow2', 'node-name': 'copy', file });
    const job = { 'job-id': 'j', bitmap: 'b', speed: 1, 'auto-finalize': false };
    await client.execute('blockdev-backup', { device: 'd0', target: 'copy', ...job, ...args });
    await client.execute('job-pause', { id: 'j' });
    await client.event('JOB_STATUS_CHANGE');
    while ((await client.jobs())[0]?.busy) await new Promise((resolve) => setTimeout(resolve, 2));
    const done = Number((await client.jobs())[0]?.offset) / 65_536;
    await d0.write(3 * megabyte, Buffer.alloc(1, 1));
    await client.execute('block-job-set-speed', { device: 'j', speed: 0 });
    await client.execute(verb, { id: 'j' });
    if (verb === 'job-resume') {
      await client.event('BLOCK_JOB_PENDING');
      expect(await client.execute('query-jobs')).toMatchObject([{ 'total-progress': copied * 65_536 }]);
      await client.execute('job-finalize', { id: 'j' });
    }
    await client.end();
    const left = verb === 'job-resume' ? succeeded : cancelled(done);
    expect(await dirty(client)).toEqual({ b: left * 65_536 });
  }
});
