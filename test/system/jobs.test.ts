import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { readDrive } from '../../runtime/block/drive/read-drive.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms } from './programs.js';

const folder = mkdtempSync(join(tmpdir(), 'jobs-'));
const at = (name: string): string => join(folder, name);
const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { cwd: folder, encoding: 'utf8' });

/** Resolves with the data of the first event of a name, however early it came. */
async function event(
  client: LayerClient,
  ...names: string[]
): Promise<{ name: string; data: Record<string, unknown> }> {
  for (;;) {
    const found = client.events.find(({ name }) => names.includes(name));
    if (found !== undefined) return found as never;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const ends = ['BLOCK_JOB_COMPLETED', 'BLOCK_JOB_CANCELLED'];

async function withChain(work: (client: LayerClient) => Promise<void>): Promise<void> {
  const client = new LayerClient();
  try {
    await client.layer.addDrive(readDrive(`file=${at('top.qcow2')},if=none,id=d0`, client.layer.registry));
    await work(client);
  } finally {
    await client.layer.close();
  }
}

describeWithPrograms('jobs on images of qemu-img', ['qemu-img', 'qemu-io'], () => {
  beforeEach(() => {
    rmSync(folder, { recursive: true, force: true });
    execFileSync('mkdir', ['-p', folder]);
    run('qemu-img', 'create', '-q', '-f', 'qcow2', 'base.qcow2', '8M');
    run('qemu-io', '-c', 'write -P 1 0 3M', 'base.qcow2');
    run('qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', 'base.qcow2', 'mid.qcow2');
    run('qemu-io', '-c', 'write -P 2 1M 1M', '-c', 'write -z 2M 256k', 'mid.qcow2');
    run('qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', 'mid.qcow2', 'top.qcow2');
    run('qemu-io', '-c', 'write -P 3 1536k 128k', '-c', 'write -P 4 7M 512k', 'top.qcow2');
    run('qemu-img', 'convert', '-O', 'raw', 'top.qcow2', 'before.raw');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const same = (name: string): string => run('qemu-img', 'compare', name, 'before.raw');
  const backingOf = (name: string): string | undefined =>
    (JSON.parse(run('qemu-img', 'info', '--output=json', name)) as { 'backing-filename'?: string })['backing-filename'];

  it('streams a whole chain into the active image', async () => {
    await withChain(async (client) => {
      await client.execute('block-stream', { device: 'd0' });
      const { name, data } = await event(client, ...ends);
      expect([name, data]).toEqual([
        'BLOCK_JOB_COMPLETED',
        { type: 'stream', device: 'd0', len: 8 << 20, offset: 8 << 20, speed: 0 },
      ]);
      expect(await client.execute('query-block-jobs')).toEqual([]);
    });
    expect(backingOf('top.qcow2')).toBeUndefined();
    same('top.qcow2');
    run('qemu-img', 'check', 'top.qcow2');
  });

  it('writes what it streamed to the file before the header forgets the backing file', async () => {
    await withChain(async (client) => {
      await client.execute('block-stream', { device: 'd0' });
      expect((await event(client, ...ends)).name).toBe('BLOCK_JOB_COMPLETED');
      // What there would be if the process died now.
      run('cp', 'top.qcow2', 'crashed.qcow2');
    });
    expect(backingOf('crashed.qcow2')).toBeUndefined();
    same('crashed.qcow2');
  });

  it('streams down to a base, which the header then names as it was typed', async () => {
    await withChain(async (client) => {
      await client.execute('block-stream', { device: 'd0', base: at('base.qcow2') });
      expect((await event(client, ...ends)).name).toBe('BLOCK_JOB_COMPLETED');
    });
    expect(backingOf('top.qcow2')).toBe(at('base.qcow2'));
    same('top.qcow2');
  });

  it('commits a layer below the active one', async () => {
    await withChain(async (client) => {
      await client.execute('block-commit', { device: 'd0', top: at('mid.qcow2') });
      expect(await event(client, ...ends)).toMatchObject({
        name: 'BLOCK_JOB_COMPLETED',
        data: { type: 'commit', offset: 8 << 20 },
      });
    });
    expect(backingOf('top.qcow2')).toContain('base.qcow2');
    same('top.qcow2');
    run('qemu-img', 'check', 'base.qcow2');
  });

  it('commits the active image and goes on with its base', async () => {
    await withChain(async (client) => {
      await client.execute('block-commit', { device: 'd0' });
      expect(await event(client, 'BLOCK_JOB_READY')).toMatchObject({ data: { type: 'commit' } });
      await client.execute('block-job-complete', { device: 'd0' });
      expect(await event(client, ...ends)).toMatchObject({ name: 'BLOCK_JOB_COMPLETED' });
      const [info] = (await client.execute('query-block')) as { inserted: { file: string; ro: boolean } }[];
      expect(info?.inserted).toMatchObject({ file: at('base.qcow2'), ro: false });
    });
    same('base.qcow2');
  });

  it.each(['full', 'top', 'none'] as const)('mirrors a drive with sync=%s and pivots', async (sync) => {
    await withChain(async (client) => {
      await client.execute('drive-mirror', { device: 'd0', target: at('m.qcow2'), sync, 'node-name': 'nm' });
      await event(client, 'BLOCK_JOB_READY');
      await client.execute('block-job-complete', { device: 'd0' });
      expect(await event(client, ...ends)).toMatchObject({ name: 'BLOCK_JOB_COMPLETED', data: { type: 'mirror' } });
      const [info] = (await client.execute('query-block')) as { inserted: { file: string } }[];
      expect(info?.inserted).toMatchObject({ file: at('m.qcow2'), 'node-name': 'nm' });
    });
    same('m.qcow2');
    run('qemu-img', 'check', 'm.qcow2');
  });

  it('ends a mirror that is ready without a pivot when it is cancelled', async () => {
    await withChain(async (client) => {
      await client.execute('drive-mirror', { device: 'd0', target: at('m.raw'), format: 'raw', sync: 'full' });
      await event(client, 'BLOCK_JOB_READY');
      await client.execute('block-job-cancel', { device: 'd0' });
      expect((await event(client, ...ends)).name).toBe('BLOCK_JOB_COMPLETED');
      const [info] = (await client.execute('query-block')) as { inserted: { file: string } }[];
      expect(info?.inserted.file).toBe(at('top.qcow2'));
    });
    same('m.raw');
  });

  it.each(['full', 'top'] as const)('backs a drive up with sync=%s', async (sync) => {
    await withChain(async (client) => {
      await client.execute('drive-backup', { device: 'd0', target: at('b.qcow2'), sync });
      expect(await event(client, ...ends)).toMatchObject({ name: 'BLOCK_JOB_COMPLETED', data: { type: 'backup' } });
    });
    same('b.qcow2');
    run('qemu-img', 'check', 'b.qcow2');
  });

  it('keeps what a disk was when a backup began, while it is written to', async () => {
    await withChain(async (client) => {
      await client.execute('drive-backup', { device: 'd0', target: at('b.qcow2'), sync: 'none' });
      const backend = client.layer.backend('d0');
      await backend?.write(0, Buffer.alloc(1 << 20, 9));
      await backend?.write(7 << 20, Buffer.alloc(70_000, 9));
      await client.execute('block-job-cancel', { device: 'd0' });
      expect((await event(client, ...ends)).name).toBe('BLOCK_JOB_CANCELLED');
    });
    run('qemu-img', 'rebase', '-u', '-F', 'raw', '-b', 'before.raw', 'b.qcow2');
    same('b.qcow2');
  });

  it('makes a chain of incremental backups with a bitmap', async () => {
    await withChain(async (client) => {
      await client.execute('transaction', {
        actions: [
          { type: 'block-dirty-bitmap-add', data: { node: 'd0', name: 'b' } },
          { type: 'drive-backup', data: { device: 'd0', target: at('full.qcow2'), sync: 'full' } },
        ],
      });
      await event(client, ...ends);
      client.events.length = 0;
      await client.layer.backend('d0')?.write(5 << 20, Buffer.alloc(300_000, 7));
      run('qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', 'full.qcow2', 'inc.qcow2');
      await client.execute('drive-backup', {
        device: 'd0',
        target: at('inc.qcow2'),
        sync: 'incremental',
        bitmap: 'b',
        mode: 'existing',
        format: 'qcow2',
      });
      expect(await event(client, ...ends)).toMatchObject({
        name: 'BLOCK_JOB_COMPLETED',
        data: { offset: 5 * 65_536, len: 5 * 65_536 },
      });
    });
    same('full.qcow2');
    run('qemu-img', 'compare', 'inc.qcow2', 'top.qcow2');
  });
});
