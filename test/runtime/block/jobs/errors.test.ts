import { writeFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { ioError } from '../../../../runtime/block/error.js';
import { JobClient } from './job-client.js';

/** A drive `d0` whose image fails once, at a sector. */
async function withFault(event: string, errno: number, sector: number, once = true): Promise<JobClient> {
  const client = await JobClient.withChain();
  await client.layer.deleteDrive('d0');
  const config = client.at('faults');
  writeFileSync(
    config,
    `[inject-error]\nevent = "${event}"\nerrno = "${errno}"\nsector = "${sector}"\nonce = "${once ? 'on' : 'off'}"\nimmediately = "off"\n`,
  );
  await client.create('plain.raw', 2 << 20);
  await client.fill('plain.raw', 0, 0x33, 2 << 20);
  await client.drive(`file=blkdebug:${config}:${client.at('plain.raw')},format=raw,if=none,id=d0`);
  return client;
}

const enospc = 28;
const eio = 5;

it('fails a backup whose source cannot be read, and reports that first', async () => {
  const client = await withFault('read_aio', eio, 2048);
  await client.execute('drive-backup', { device: 'd0', target: client.at('b.raw'), format: 'raw', sync: 'full' });
  expect((await client.event('BLOCK_JOB_ERROR')).data).toEqual({ device: 'd0', operation: 'read', action: 'report' });
  const { name, data } = await client.end();
  expect([name, data.error]).toEqual(['BLOCK_JOB_COMPLETED', 'Input/output error']);
  expect(Number(data.offset)).toBeLessThan(2 << 20);
});

it.each(['stop', 'enospc'] as const)('stops with the policy %s, and tries again when it is resumed', async (policy) => {
  const client = await withFault('read_aio', enospc, 2048);
  const target = { target: client.at('b.raw'), format: 'raw', sync: 'full' };
  await client.execute('drive-backup', { device: 'd0', ...target, 'on-source-error': policy });
  expect((await client.event('BLOCK_JOB_ERROR')).data.action).toBe('stop');
  const [job] = await client.jobs();
  expect(job).toMatchObject({ paused: true, 'io-status': 'nospace' });
  await client.execute('block-job-resume', { device: 'd0' });
  expect((await client.jobs())[0]?.['io-status'] ?? 'ok').toBe('ok');
  const { data } = await client.end();
  expect(data.error).toBeUndefined();
  const before = await client.content('d0');
  expect((await client.contentOf('b.raw')).equals(before)).toBe(true);
});

it('ignores a failure, and copies what failed again', async () => {
  const client = await withFault('read_aio', eio, 2048);
  const target = { target: client.at('m.raw'), format: 'raw', sync: 'full' };
  await client.execute('drive-mirror', { device: 'd0', ...target, 'on-source-error': 'ignore' });
  expect((await client.event('BLOCK_JOB_ERROR')).data).toEqual({ device: 'd0', operation: 'read', action: 'ignore' });
  await client.event('BLOCK_JOB_READY');
  await client.execute('block-job-complete', { device: 'd0' });
  expect((await client.end()).data.error).toBeUndefined();
  expect((await client.content('d0')).every((byte) => byte === 0x33)).toBe(true);
});

it('keeps the backing file of a stream that has ignored a failure, and says what failed', async () => {
  const client = await JobClient.withChain();
  await client.layer.deleteDrive('d0');
  const config = client.at('faults');
  writeFileSync(config, `[inject-error]\nevent = "read_aio"\nerrno = "5"\nonce = "on"\nimmediately = "off"\n`);
  await client.create('over.qcow2', 4 << 20);
  const text = `file.driver=qcow2,file.file.filename=${client.at('over.qcow2')}`;
  expect(text).toContain('over');
  await client.execute('blockdev-add', {
    options: {
      driver: 'qcow2',
      'node-name': 'n',
      file: { driver: 'file', filename: client.at('over.qcow2') },
      backing: {
        driver: 'raw',
        file: { driver: 'blkdebug', config, image: { driver: 'file', filename: client.at('base.qcow2') } },
      },
    },
  });
  await client.execute('block-stream', { device: 'n', 'job-id': 's', 'on-error': 'ignore' });
  expect((await client.event('BLOCK_JOB_ERROR')).data).toEqual({ device: 's', operation: 'read', action: 'ignore' });
  const { data } = await client.end();
  expect(data).toMatchObject({ error: 'Input/output error', offset: data.len });
  expect(client.layer.graph.namedNode('n').below).toBeDefined();
});

it('shows a job still when a client has just received the event of a failure that is ignored', async () => {
  const client = await withFault('read_aio', eio, 2048);
  const target = { target: client.at('b.raw'), format: 'raw', sync: 'full' };
  await client.execute('drive-backup', { device: 'd0', ...target, 'on-source-error': 'ignore' });
  await client.event('BLOCK_JOB_ERROR');
  expect(await client.jobs()).toMatchObject([{ device: 'd0', paused: false, 'io-status': 'ok' }]);
  expect((await client.end()).data.error).toBeUndefined();
});

it.each(['blockdev-mirror', 'blockdev-backup'])(
  'fails a %s when a flush on its way fails, although the last one would not',
  async (command) => {
    const client = await JobClient.withChain();
    // More than is written between two flushes.
    const file = { driver: 'null-co', size: 70 << 20 };
    for (const name of ['source', 'target']) {
      await client.execute('blockdev-add', { options: { driver: 'raw', 'node-name': name, file } });
    }
    const target = client.layer.graph.namedNode('target');
    const flush = vi.spyOn(target.requests, 'flush').mockRejectedValueOnce(ioError('EIO'));
    await client.execute(command, { device: 'source', 'job-id': 'j', target: 'target', sync: 'full' });
    expect((await client.event('BLOCK_JOB_ERROR')).data).toEqual({ device: 'j', operation: 'write', action: 'report' });
    expect((await client.end()).data.error).toBe('Input/output error');
    expect(flush).toHaveBeenCalledTimes(1);
  },
);

it('does not try again what has failed in a paused mirror that is cancelled', async () => {
  const client = await JobClient.withChain();
  await client.execute('blockdev-add', { driver: 'null-co', 'node-name': 'target', size: 4 << 20 });
  const write = vi.spyOn(client.layer.graph.namedNode('target').requests, 'write').mockRejectedValue(ioError('ENOSPC'));
  const mirror = { device: 'd0', 'job-id': 'j', target: 'target', sync: 'full', 'on-target-error': 'stop' };
  await client.execute('blockdev-mirror', mirror);
  await client.event('BLOCK_JOB_ERROR');
  await vi.waitFor(async () => expect(await client.jobs()).toMatchObject([{ status: 'paused' }]));
  const tried = write.mock.calls.length;
  await client.execute('block-job-cancel', { device: 'j', force: true });
  expect((await client.end()).name).toBe('BLOCK_JOB_CANCELLED');
  expect(write).toHaveBeenCalledTimes(tried);
});
