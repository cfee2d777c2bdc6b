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
  ['block-dirty-bitmap-clear', { node: 'no', name: 'b' }, 'Cannot find'],
])('refuses %s with %j', async (command, args, message) => {
  const client = await JobClient.withChain();
  await client.execute('block-dirty-bitmap-add', { node: 'd0', name: 'present' });
  await expect(client.execute(command, args)).rejects.toThrow(message);
});

it('freezes a bitmap while a backup uses it, and loses nothing when that is cancelled', async () => {
  const client = await JobClient.withChain();
  await client.execute('block-dirty-bitmap-add', { node: 'd0', name: 'b' });
  const d0 = client.backend('d0');
  await d0.write(0, Buffer.alloc(65_536, 1));
  await d0.write(1 << 20, Buffer.alloc(65_536, 1));
  const backup = { device: 'd0', target: client.at('i.qcow2'), sync: 'incremental', bitmap: 'b', speed: 1 };
  await client.execute('drive-backup', backup);
  await d0.write(2 << 20, Buffer.alloc(1, 1));
  expect(await bitmapsOf(client)).toEqual([
    { name: 'b', count: 3 * 65_536, granularity: 65_536, status: 'frozen', ...idle, busy: true },
  ]);
  for (const command of ['block-dirty-bitmap-clear', 'block-dirty-bitmap-remove']) {
    await expect(client.execute(command, { node: 'd0', name: 'b' })).rejects.toThrow('in use by another operation');
  }
  await client.execute('block-job-cancel', { device: 'd0' });
  await client.end();
  expect(await bitmapsOf(client)).toEqual([
    { name: 'b', count: 3 * 65_536, granularity: 65_536, status: 'active', ...idle },
  ]);
});

it.each([
  [{ sync: 'incremental' }, 'bitmap name'],
  [{ sync: 'incremental', bitmap: 'none' }, 'could not be found'],
  [{ sync: 'full', bitmap: 'b' }, 'incremental'],
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
