import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, it, vi } from 'vitest';
import { readDrive } from '../../runtime/block/drive/read-drive.js';
import type { BlockNode } from '../../runtime/block/graph/node.js';
import { RequestFlag } from '../../runtime/block/request-flag.js';
import { spawnStorageDaemon } from '../../runtime/qmp/spawn.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms } from './programs.js';
import { endChild, startUnixServer } from './unix-server.js';

const MiB = 1 << 20;
const folder = mkdtempSync(join(tmpdir(), 'nbd-driver-'));
const at = (name: string): string => join(folder, name);
const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { cwd: folder, encoding: 'utf8' });

const qemuNbd = (...args: string[]): Promise<ChildProcess> => {
  rmSync(at('s'), { force: true });
  return startUnixServer(at('s'), ['qemu-nbd', '-t', '-e', '10', '-k', at('s'), ...args]);
};

const server = { type: 'unix', path: at('s') };
const uri = `nbd+unix:///?socket=${at('s')}`;

/** Writes, zeroes and discards all over a node of 8 MiB, many at a time, and returns what it holds then. */
async function scribble(node: BlockNode): Promise<Buffer> {
  const { requests } = node;
  const model = Buffer.alloc(8 * MiB);
  const write = async (offset: number, length: number, byte: number, flags = 0): Promise<void> => {
    model.fill(byte, offset, offset + length);
    await requests.write(offset, Buffer.alloc(length, byte), flags);
  };
  const zero = async (offset: number, length: number, flags = 0): Promise<void> => {
    model.fill(0, offset, offset + length);
    await requests.writeZeroes(offset, length, flags);
  };
  await write(0, 8 * MiB, 0xff);
  await Promise.all([
    ...Array.from({ length: 60 }, (_, index) => write(index * 65_536, 65_536, index, index % 3 ? 0 : RequestFlag.fua)),
    write(4 * MiB + 7, 4111, 0x77),
    zero(5 * MiB, MiB, RequestFlag.mayUnmap),
    zero(6 * MiB, 65_536),
    zero(7 * MiB + 100, 200),
    requests.flush(),
  ]);
  await requests.flush();
  return model;
}

/** Reads in pieces that overlap, all at the same time. */
async function contents(node: BlockNode): Promise<Buffer> {
  const whole = Buffer.alloc(8 * MiB);
  await Promise.all(
    Array.from({ length: 50 }, (_, index) => {
      const offset = index * 170_000;
      return node.requests.read(offset, whole.subarray(offset, Math.min(offset + 200_000, whole.length)));
    }),
  );
  return whole;
}

async function withClient(work: (client: LayerClient) => Promise<void>): Promise<void> {
  const client = new LayerClient();
  try {
    await work(client);
  } finally {
    await client.layer.close();
  }
}

async function add(client: LayerClient, options: object): Promise<BlockNode> {
  await client.execute('blockdev-add', { options });
  return client.layer.graph.namedNode((options as { 'node-name': string })['node-name']);
}

async function event(
  client: LayerClient,
  ...names: string[]
): Promise<{ name: string; data: Record<string, unknown> }> {
  return vi.waitFor(
    () => {
      const found = client.events.find(({ name }) => names.includes(name));
      if (found === undefined) throw new Error(`no ${names}`);
      return found as never;
    },
    { timeout: 30_000, interval: 10 },
  );
}

const ends = ['BLOCK_JOB_COMPLETED', 'BLOCK_JOB_CANCELLED'];

beforeEach(() => {
  writeFileSync(at('disk.raw'), Buffer.alloc(8 * MiB));
  rmSync(at('s'), { force: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describeWithPrograms(
  'the driver nbd with the programs of QEMU',
  ['qemu-nbd', 'qemu-img', 'qemu-io', 'qemu-storage-daemon'],
  () => {
    it.each([
      ['raw', []],
      ['qcow2', ['--discard=unmap', '--detect-zeroes=unmap']],
    ])('reads what it wrote to qemu-nbd with %s, and so does qemu-img', async (format, args) => {
      run('qemu-img', 'create', '-q', '-f', format, 'disk', '8M');
      const child = await qemuNbd('-f', format, ...args, at('disk'));
      await withClient(async (client) => {
        const node = await add(client, { driver: 'nbd', 'node-name': 'n', server, discard: 'unmap' });
        const model = await scribble(node);
        expect((await contents(node)).equals(model)).toBe(true);
        await node.requests.discard(MiB, MiB);
        writeFileSync(at('model.raw'), model);
      });
      await endChild(child, 'SIGTERM');
      run('qemu-io', '-f', format, '-c', 'write -z 1M 1M', 'disk');
      run('qemu-io', '-f', 'raw', '-c', 'write -z 1M 1M', 'model.raw');
      run('qemu-img', 'compare', '-f', format, '-F', 'raw', 'disk', 'model.raw');
    });

    it('zeroes, discards and maps more than 4 GiB at a time, with whatever headers qemu-nbd has', async () => {
      run('qemu-img', 'create', '-q', '-f', 'qcow2', 'large', '20G');
      run(
        'qemu-io',
        '-f',
        'qcow2',
        '-c',
        'write -P 1 1G 64k',
        '-c',
        'write -P 1 9G 64k',
        '-c',
        'write -P 1 19G 64k',
        'large',
      );
      const child = await qemuNbd('-f', 'qcow2', '--discard=unmap', at('large'));
      await withClient(async (client) => {
        const node = await add(client, { driver: 'nbd', 'node-name': 'n', server, discard: 'unmap' });
        await node.requests.writeZeroes(2 ** 29, 6 * 2 ** 30, RequestFlag.mayUnmap);
        await node.requests.discard(8 * 2 ** 30, 8 * 2 ** 30);
        let [hole, data] = [0, 0];
        for (let at = 0; at < node.length; ) {
          const status = await node.instance?.blockStatus?.(at, node.length - at);
          if (status?.data) data += status.length;
          else hole += status?.length ?? 0;
          at += status?.length ?? node.length;
        }
        expect([hole, data]).toEqual([20 * 2 ** 30 - 65_536, 65_536]);
      });
      await endChild(child, 'SIGTERM');
      const map = JSON.parse(run('qemu-img', 'map', '-f', 'qcow2', '--output=json', 'large')) as { data: boolean }[];
      expect(map.filter(({ data }) => data)).toMatchObject([{ start: 19 * 2 ** 30, length: 65_536 }]);
    });

    it('shows the same map of an export of the storage daemon as qemu-img, also when it exports it again', async () => {
      run('qemu-img', 'create', '-q', '-f', 'qcow2', 'base.qcow2', '8M');
      run('qemu-io', '-c', 'write -P 1 1M 1M', '-c', 'write -z 3M 128k', '-c', 'write -P 2 5M 64k', 'base.qcow2');
      await using daemon = await spawnStorageDaemon();
      const { client: qsd } = daemon;
      const execute = qsd.execute.bind(qsd) as (name: string, args?: object) => Promise<unknown>;
      await execute('blockdev-add', {
        driver: 'qcow2',
        'node-name': 'q',
        file: { driver: 'file', filename: at('base.qcow2') },
      });
      await execute('nbd-server-start', { addr: { type: 'unix', data: { path: at('s') } } });
      await execute('block-export-add', { type: 'nbd', id: 'e', 'node-name': 'q', name: 'e', writable: true });
      await withClient(async (client) => {
        const node = await add(client, { driver: 'nbd', 'node-name': 'n', server, export: 'e' });
        expect(node.filename).toBe(`nbd+unix:///e?socket=${at('s')}`);
        await client.execute('nbd-server-start', { addr: { type: 'unix', data: { path: at('again') } } });
        await client.execute('nbd-server-add', { device: 'n', writable: true });
        const map = (name: string): unknown =>
          JSON.parse(run('qemu-img', 'map', '--output=json', '--image-opts', name));
        const direct = map(`driver=nbd,server.type=unix,server.path=${at('s')},export=e`) as unknown[];
        expect(direct.length).toBeGreaterThan(4);
        const again = `driver=nbd,server.type=unix,server.path=${at('again')},export=n`;
        // In another process, as this one has to answer.
        const child = spawn('qemu-img', ['map', '--output=json', '--image-opts', again]);
        let text = '';
        child.stdout.on('data', (data: Buffer) => {
          text += data;
        });
        await once(child, 'close');
        expect(JSON.parse(text)).toEqual(direct);
      });
    });

    it('shows what a dirty bitmap of the storage daemon has, with x-dirty-bitmap', async () => {
      run('qemu-img', 'create', '-q', '-f', 'qcow2', 'bitmap.qcow2', '8M');
      await using daemon = await spawnStorageDaemon();
      const execute = daemon.client.execute.bind(daemon.client) as (name: string, args?: object) => Promise<unknown>;
      const file = { driver: 'file', filename: at('bitmap.qcow2') };
      await execute('blockdev-add', { driver: 'qcow2', 'node-name': 'q', file });
      await execute('block-dirty-bitmap-add', { node: 'q', name: 'b', granularity: 65_536 });
      await execute('nbd-server-start', { addr: { type: 'unix', data: { path: at('s') } } });
      const exported = { type: 'nbd', id: 'e', 'node-name': 'q', writable: true, bitmaps: ['b'] };
      await execute('block-export-add', exported);
      await withClient(async (client) => {
        const options = { driver: 'nbd', server, export: 'q' };
        const node = await add(client, { ...options, 'node-name': 'n' });
        await node.requests.write(MiB, Buffer.alloc(100, 1));
        const view = await add(client, { ...options, 'node-name': 'v', 'x-dirty-bitmap': 'qemu:dirty-bitmap:b' });
        // As in QEMU, what is dirty shows as a hole.
        const status = (offset: number) => view.instance?.blockStatus?.(offset, 8 * MiB - offset);
        expect(await status(0)).toMatchObject({ length: MiB, data: true, zero: false });
        expect(await status(MiB)).toMatchObject({ length: 65_536, data: false, zero: false });
        expect(await status(MiB + 65_536)).toMatchObject({ length: 7 * MiB - 65_536, data: true });
      });
    });

    it('names exports as the storage daemon does', async () => {
      await qemuNbd('-f', 'raw', '-x', 'ex', at('disk.raw'));
      await using daemon = await spawnStorageDaemon();
      const theirs = daemon.client.execute.bind(daemon.client) as (name: string, args?: object) => Promise<unknown>;
      await withClient(async (client) => {
        for (const [index, extra] of [{}, { 'reconnect-delay': 3 }, { 'open-timeout': 1 }].entries()) {
          const options = { driver: 'nbd', 'node-name': `n${index}`, server, export: 'ex', ...extra };
          await theirs('blockdev-add', options);
          const { filename } = await add(client, options);
          const nodes = (await theirs('query-named-block-nodes')) as { 'node-name': string; file: string }[];
          expect(filename).toBe(nodes.find((node) => node['node-name'] === `n${index}`)?.file);
        }
      });
    });

    it('probes the format of what an export holds, and names it in the header of an overlay', async () => {
      run('qemu-img', 'create', '-q', '-f', 'qcow2', 'inner.qcow2', '8M');
      run('qemu-io', '-c', 'write -P 9 0 1M', 'inner.qcow2');
      await qemuNbd('-f', 'raw', at('inner.qcow2'));
      run('qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', uri, 'over.qcow2');
      await withClient(async (client) => {
        await client.layer.addDrive(readDrive(`file=nbd:unix:${at('s')},if=none,id=d`, client.layer.registry));
        await client.layer.addDrive(readDrive(`file=${at('over.qcow2')},if=none,id=o`, client.layer.registry));
        const infos = (await client.execute('query-block')) as {
          device: string;
          inserted: { drv: string; file: string; image: { 'backing-image'?: { format: string } } };
        }[];
        const [direct, over] = ['d', 'o'].map((name) => infos.find(({ device }) => device === name)?.inserted);
        expect([direct?.drv, direct?.file]).toEqual(['qcow2', `nbd+unix://?socket=${at('s')}`]);
        expect(over?.image['backing-image']?.format).toBe('qcow2');
        const line = (device: string) =>
          client.execute('human-monitor-command', { 'command-line': `qemu-io ${device} "read -P 9 0 1M"` });
        expect(await line('d')).toMatch(/read 1048576/);
        expect(await line('o')).not.toMatch(/verification failed/);
      });
    });

    const source = async (client: LayerClient): Promise<void> => {
      run('qemu-img', 'create', '-q', '-f', 'qcow2', 'source.qcow2', '8M');
      run('qemu-io', '-c', 'write -P 1 0 3M', '-c', 'write -z 1M 256k', '-c', 'write -P 4 7M 512k', 'source.qcow2');
      run('qemu-img', 'convert', '-O', 'raw', 'source.qcow2', 'before.raw');
      await client.layer.addDrive(readDrive(`file=${at('source.qcow2')},if=none,id=d0`, client.layer.registry));
    };
    const jobs = [
      ['drive-mirror', `nbd:unix:${at('s')}`],
      ['drive-mirror', uri],
      ['drive-backup', uri],
    ] as const;

    it.each(jobs)('%s to %s of qemu-nbd leaves a copy there', async (command, target) => {
      const child = await qemuNbd('-f', 'raw', at('disk.raw'));
      await withClient(async (client) => {
        await source(client);
        const job = { device: 'd0', target, sync: 'full', mode: 'existing', format: 'raw' };
        await client.execute(command, job);
        if (command === 'drive-mirror') {
          await event(client, 'BLOCK_JOB_READY');
          await client.execute('block-job-cancel', { device: 'd0' });
        }
        expect(await event(client, ...ends)).toMatchObject({ name: 'BLOCK_JOB_COMPLETED' });
      });
      await endChild(child, 'SIGTERM');
      run('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', 'disk.raw', 'before.raw');
    });

    it('a mirror goes on at an export of our own, after it has taken its place', async () => {
      await using other = new LayerClient();
      await add(other, { driver: 'raw', 'node-name': 't', file: { driver: 'file', filename: at('disk.raw') } });
      await other.execute('nbd-server-start', { addr: { type: 'unix', data: { path: at('s') } } });
      await other.execute('nbd-server-add', { device: 't', writable: true });
      await withClient(async (client) => {
        await source(client);
        const target = `nbd:unix:${at('s')}:exportname=t`;
        await client.execute('drive-mirror', { device: 'd0', target, sync: 'full', mode: 'existing', format: 'raw' });
        await event(client, 'BLOCK_JOB_READY');
        await client.execute('block-job-complete', { device: 'd0' });
        expect(await event(client, ...ends)).toMatchObject({ name: 'BLOCK_JOB_COMPLETED' });
        const [info] = (await client.execute('query-block')) as { inserted: { file: string } }[];
        expect(info?.inserted.file).toBe(`nbd+unix:///t?socket=${at('s')}`);
        await client.execute('human-monitor-command', { 'command-line': 'qemu-io d0 "write -P 8 2M 64k"' });
      });
      await other.execute('nbd-server-stop');
      await other.layer.close();
      run('qemu-io', '-f', 'raw', '-c', 'write -P 8 2M 64k', 'before.raw');
      run('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', 'disk.raw', 'before.raw');
    });

    it('makes a qcow2 image in an export, for a backup', async () => {
      truncateSync(at('disk.raw'), 16 * MiB);
      const child = await qemuNbd('-f', 'raw', at('disk.raw'));
      await withClient(async (client) => {
        await source(client);
        await client.execute('drive-backup', { device: 'd0', target: uri, sync: 'full', format: 'qcow2' });
        expect(await event(client, ...ends)).toMatchObject({ name: 'BLOCK_JOB_COMPLETED' });
      });
      await endChild(child, 'SIGTERM');
      run('qemu-img', 'check', '-f', 'qcow2', 'disk.raw');
      run('qemu-img', 'compare', '-f', 'qcow2', '-F', 'raw', 'disk.raw', 'before.raw');
    });

    it('fails a job whose target is killed, and reaches the server again when it is back', async () => {
      const child = await qemuNbd('-f', 'raw', at('disk.raw'));
      await withClient(async (client) => {
        const node = await add(client, { driver: 'nbd', 'node-name': 'n', server });
        await source(client);
        await client.execute('drive-mirror', {
          device: 'd0',
          target: uri,
          sync: 'full',
          mode: 'existing',
          format: 'raw',
        });
        await event(client, 'BLOCK_JOB_READY');
        await endChild(child);
        await client.execute('human-monitor-command', { 'command-line': 'qemu-io d0 "write -P 8 2M 64k"' });
        expect(await event(client, 'BLOCK_JOB_ERROR')).toMatchObject({
          data: { operation: 'write', action: 'report' },
        });
        expect(await event(client, ...ends)).toMatchObject({ data: { error: 'Input/output error' } });
        await expect(node.requests.read(0, Buffer.alloc(512))).rejects.toMatchObject({ code: 'EIO' });
        await qemuNbd('-f', 'raw', at('disk.raw'));
        await vi.waitFor(() => node.requests.read(0, Buffer.alloc(512)), { timeout: 20_000, interval: 100 });
      });
    });
  },
);

describeWithPrograms('the driver nbd with nbdkit', ['nbdkit', 'qemu-img'], () => {
  const nbdkit = (...args: string[]): Promise<ChildProcess> => {
    rmSync(at('s'), { force: true });
    return startUnixServer(at('s'), ['nbdkit', '-f', '-U', at('s'), ...args]);
  };

  it.each([
    ['everything', []],
    ['no structured replies', ['--no-sr']],
    ['no fixed newstyle', ['--mask-handshake=0']],
    ['no zeroes', ['--filter=nozero']],
    ['no extents', ['--filter=noextents']],
    ['no FUA', ['--filter=fua']],
    [
      'blocks of 4 KiB, and requests of at most 64 KiB',
      [
        '--filter=blocksize-policy',
        'blocksize-minimum=4096',
        'blocksize-maximum=65536',
        'blocksize-error-policy=error',
      ],
    ],
    ['replies that overtake each other', ['--filter=delay', 'delay-write=1ms', 'delay-read=2ms']],
  ])('reads what it wrote to a server with %s', async (_, args) => {
    const filters = args.filter((arg) => arg.startsWith('--'));
    const settings = args.filter((arg) => !arg.startsWith('--'));
    const child = await nbdkit(...filters, 'file', at('disk.raw'), ...settings);
    await withClient(async (client) => {
      const node = await add(client, { driver: 'nbd', 'node-name': 'n', server, discard: 'unmap' });
      const model = await scribble(node);
      expect((await contents(node)).equals(model)).toBe(true);
      writeFileSync(at('model.raw'), model);
    });
    await endChild(child, 'SIGTERM');
    run('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', 'disk.raw', 'model.raw');
  });

  it('reports the errors of a server as they are', async () => {
    await nbdkit(
      '--filter=error',
      'memory',
      '8M',
      'error-pwrite=ENOSPC',
      'error-pwrite-rate=100%',
      'error-pread=EPERM',
      'error-pread-rate=100%',
    );
    await withClient(async (client) => {
      const node = await add(client, { driver: 'nbd', 'node-name': 'n', server });
      await expect(node.requests.write(0, Buffer.alloc(512))).rejects.toMatchObject({ code: 'ENOSPC' });
      await expect(node.requests.read(0, Buffer.alloc(512))).rejects.toMatchObject({ code: 'EPERM' });
    });
  });

  it('goes on when a server that has failed works again, and when one that ended is followed by another', async () => {
    const failing = at('failing');
    const filters = ['--filter=error', '--filter=delay', '--filter=exitlast'];
    const settings = ['error=EIO', 'error-rate=100%', `error-file=${failing}`, 'rdelay=1ms'];
    const serve = () => nbdkit(...filters, 'file', at('disk.raw'), ...settings);
    const first = await serve();
    await withClient(async (client) => {
      const node = await add(client, { driver: 'nbd', 'node-name': 'n', server, 'reconnect-delay': 60 });
      await node.requests.write(0, Buffer.alloc(512, 5));
      writeFileSync(failing, '');
      await expect(node.requests.read(0, Buffer.alloc(512))).rejects.toMatchObject({ code: 'EIO' });
      await expect(node.requests.write(0, Buffer.alloc(512, 6))).rejects.toMatchObject({ code: 'EIO' });
      rmSync(failing);
      const read = Buffer.alloc(512);
      await node.requests.read(0, read);
      expect(read[0]).toBe(5);
      await endChild(first);
      const reading = node.requests.read(0, read.fill(0));
      const second = await serve();
      await reading;
      expect(read[0]).toBe(5);
      await client.execute('blockdev-del', { 'node-name': 'n' });
      // The last client has left.
      if (second.exitCode === null) await once(second, 'exit');
    });
  });

  it('refuses the old style, and an export that is only for reading', async () => {
    const child = await nbdkit('--oldstyle', 'memory', '8M');
    await withClient(async (client) => {
      const options = { driver: 'nbd', 'node-name': 'n', server };
      await expect(add(client, options)).rejects.toThrow(/old style of NBD/);
      await endChild(child, 'SIGTERM');
      await nbdkit('-r', 'memory', '8M');
      await expect(add(client, options)).rejects.toThrow(/read-only/);
      expect((await add(client, { ...options, 'read-only': true })).length).toBe(8 * MiB);
    });
  });
});
