import { expect, it } from 'vitest';
import { JobClient } from '../../jobs/job-client.js';

/** What the human monitor prints. */
async function hmp(client: JobClient, line: string): Promise<string> {
  const text = (await client.execute('human-monitor-command', { 'command-line': line })) as string;
  return text.replaceAll('\r\n', '\n');
}

const io = (client: JobClient, line: string): Promise<string> => hmp(client, `qemu-io d0 "${line}"`);

it('starts, shows and ends jobs', async () => {
  const client = await JobClient.withChain();
  expect(await hmp(client, 'info block-jobs')).toBe('No active jobs\n');
  expect(await hmp(client, 'block_stream d0 64k')).toBe('');
  expect(await hmp(client, 'info block-jobs')).toMatch(
    /^Streaming device d0: Completed \d+ of \d+ bytes, speed limit 65536 bytes\/s\n$/,
  );
  expect(await hmp(client, 'block_job_pause d0')).toBe('');
  expect(await hmp(client, 'block_job_cancel d0')).toContain('currently paused');
  expect(await hmp(client, 'block_job_resume d0')).toBe('');
  expect(await hmp(client, 'block_job_set_speed d0 0')).toBe('');
  expect((await client.end()).name).toBe('BLOCK_JOB_COMPLETED');
  expect(await hmp(client, `drive_mirror -f d0 ${client.at('m.qcow2')}`)).toBe('');
  await client.event('BLOCK_JOB_READY');
  expect(await hmp(client, 'block_job_complete d0')).toBe('');
  expect((await client.end()).data.error).toBeUndefined();
  expect(await hmp(client, `drive_backup -f -c d0 ${client.at('b.qcow2')} qcow2`)).toBe('');
  expect((await client.end()).data.error).toBeUndefined();
  expect((await client.contentOf('b.qcow2')).equals(await client.content('d0'))).toBe(true);
});

it('takes snapshots, shows and deletes them', async () => {
  const client = await JobClient.withChain();
  expect(await hmp(client, 'info snapshots')).toBe('There is no snapshot available.\n');
  expect(await hmp(client, 'snapshot_blkdev_internal d0 first')).toBe('');
  expect(await hmp(client, 'info snapshots')).toMatch(/present on 'd0':\nID .*\n1 {9}first/);
  expect(await hmp(client, 'snapshot_delete_blkdev_internal d0 first')).toBe('');
  expect(await hmp(client, `snapshot_blkdev d0 ${client.at('s.qcow2')}`)).toBe('');
  expect(await hmp(client, 'info block')).toContain(client.at('s.qcow2'));
});

it('commits an image into its backing file and empties it', async () => {
  const client = await JobClient.withChain();
  const before = await client.content('d0');
  expect(await hmp(client, 'commit d0')).toBe('');
  expect((await client.content('d0')).equals(before)).toBe(true);
  expect(await io(client, 'alloc 0 4M')).toBe('0/4194304 bytes allocated at offset 0 bytes\n');
  await client.layer.deleteDrive('d0');
  expect((await client.contentOf('base.qcow2')).equals(before)).toBe(true);
  expect(await hmp(client, 'commit d0')).toContain('not found');
});

it.each(['write 0 4k', 'write -z 0 4k', 'aio_write 0 4k', 'writev 0 4k', 'discard 0 4k', 'truncate 8M'])(
  'changes nothing of a node that is read-only: %s',
  async (line) => {
    const client = await JobClient.withChain();
    const file = { driver: 'file', filename: client.at('base.qcow2') };
    const options = { driver: 'qcow2', 'node-name': 'low', 'read-only': true, 'force-share': true, file };
    await client.execute('blockdev-add', options);
    expect(await hmp(client, `qemu-io low "${line}"`)).toBe('Block node is read-only\n');
  },
);

it('resizes, limits, and shows statistics', async () => {
  const client = await JobClient.withChain();
  expect(await hmp(client, 'block_resize d0 8M')).toBe('');
  expect(await io(client, 'length')).toBe('8 MiB\n');
  expect(await hmp(client, 'block_set_io_throttle d0 0 0 0 100 0 0')).toBe('');
  expect(await hmp(client, 'block_set_io_throttle d0 0 0 0 100 0 x')).toContain("'x' is no limit");
  expect(await hmp(client, 'info block d0')).toContain('iops=100');
  expect(await hmp(client, 'info blockstats')).toMatch(/^d0: rd_bytes=\d+ wr_bytes=65536 /);
  expect(await hmp(client, 'help drive_mirror')).toContain('-n: use an image that exists');
});

it('does I/O as qemu-io does, and prints what it prints', async () => {
  const client = await JobClient.withChain();
  const numbers = (text: string): string => text.replace(/[\d.]+ sec \(.*\)/g, 'TIME');
  expect(numbers(await io(client, 'write -P0x41 64k 4k'))).toBe(
    'wrote 4096/4096 bytes at offset 65536\n4 KiB, 1 ops; TIME\n',
  );
  expect(numbers(await io(client, 'read -P 0x41 65536 4096'))).toBe(
    'read 4096/4096 bytes at offset 65536\n4 KiB, 1 ops; TIME\n',
  );
  expect(await io(client, 'read -q -P 9 64k 512')).toBe('Pattern verification failed at offset 65536, 512 bytes\n');
  expect(await io(client, 'read -qv 64k 16')).toBe(
    '00010000:  41 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41  AAAAAAAAAAAAAAAA\n',
  );
  expect(await io(client, 'read 10M 4k')).toBe('read failed: Input/output error\n');
  expect(await io(client, 'write -P 300 0 1k')).toBe('300 is not a valid pattern byte\n');
  expect(await io(client, 'write 0')).toBe('bad argument count 1 to write, expected exactly 2 arguments\n');
  expect(await io(client, 'read 0 5z')).toContain('suffix -- 5z');
  expect(await io(client, 'write -x 0 1')).toContain("invalid option -- 'x'");
  expect(await io(client, 'foo')).toBe('command "foo" not found\n');
  expect(await io(client, 'write -qz -u 0 64k')).toBe('');
  expect(await io(client, 'discard -q 0 64k')).toBe('');
  expect(await io(client, 'aio_write -P 7 128k 64k')).toBe('');
  expect(await io(client, 'aio_flush')).toContain('wrote 65536/65536 bytes at offset 131072');
  expect(await io(client, 'map')).toMatch(/^192 KiB \(0x30000\) bytes {5}allocated at offset 0 bytes \(0x0\)\n/);
  expect(await hmp(client, 'qemu-io nothing "length"')).toContain('Cannot find');
});

it('holds up a request at a breakpoint until it is let go', async () => {
  const client = await JobClient.withChain();
  await client.create('plain.raw', 1 << 20);
  await client.drive(`file=blkdebug::${client.at('plain.raw')},format=raw,if=none,id=d1`);
  const line = (text: string): Promise<string> => hmp(client, `qemu-io d1 "${text}"`);
  expect(await line('break write_aio A')).toBe('');
  expect(await line('aio_write -P 1 0 512')).toBe('');
  expect(await line('wait_break A')).toBe('');
  expect(await line('read -q -P 0 0 512')).toBe('');
  expect(await line('resume A')).toBe('');
  await line('aio_flush');
  expect(await line('read -q -P 1 0 512')).toBe('');
  expect(await line('resume A')).toContain('Could not resume');
  expect(await line('break nothing A')).toContain('Could not set a breakpoint');
  await line('break read_aio B');
  expect(await line('remove_break B')).toBe('');
  expect(await line('remove_break B')).toContain('Could not remove');
  expect(await hmp(client, 'qemu-io d0 "break read_aio A"')).toContain('not supported');
});
