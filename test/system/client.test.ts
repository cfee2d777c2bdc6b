import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import type { JsonObject } from '../../runtime/json/value.js';
import { connect } from '../../runtime/qmp/client.js';
import { QmpError } from '../../runtime/qmp/error.js';
import { QmpConnectionError } from '../../runtime/qmp/failure.js';
import { runJob } from '../../runtime/qmp/job.js';
import type { JobProgress } from '../../runtime/qmp/job-options.js';
import { type SpawnOptions, spawnQemu, spawnStorageDaemon } from '../../runtime/qmp/spawn.js';
import { supports } from '../../runtime/qmp/supports.js';
import { checkedBy, type SchemaDifference, type SchemaTables } from '../../runtime/qmp/validation.js';
import { describeWithCorpus } from '../corpus.js';
import { compileGenerated } from '../generator/emit/compile.js';
import { generateRelease, loadRelease, RELEASE } from './generated-7.2.js';
import { describeWithPrograms } from './programs.js';
import { corpusOf, has } from './release.js';

const MEBIBYTE = 2 ** 20;

/** A folder with the images that a test works on. */
function images(...names: string[]): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-images-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = (name: string): string => join(folder, name);
  for (const name of names) {
    const { status, stderr } = spawnSync('qemu-img', ['create', '-q', '-f', 'qcow2', path(name), '4M']);
    if (status !== 0) throw new Error(String(stderr));
  }
  return path;
}

async function storageDaemon(options: SpawnOptions = {}) {
  const daemon = await spawnStorageDaemon(options);
  onTestFinished(async () => void (await daemon.close()));
  return daemon;
}

async function emulator(options: SpawnOptions = {}) {
  const qemu = await spawnQemu(options);
  onTestFinished(async () => void (await qemu.close()));
  return qemu;
}

const qcow2 = (name: string, filename: string): JsonObject => ({
  driver: 'qcow2',
  'node-name': name,
  file: { driver: 'file', filename },
});

describeWithPrograms('a storage daemon', ['qemu-storage-daemon', 'qemu-img', 'nbdinfo'], () => {
  test('the client connects to the storage daemon', async () => {
    const { client, socket } = await storageDaemon();
    expect(client.oob).toBe(true);
    expect(await client.execute('query-version')).toEqual(client.greeting.version);
    await expect(connect(socket, { connectTimeout: 200 })).rejects.toThrow(/may be busy with another client/);
  });

  test('the client reports what the storage daemon supports', async () => {
    const { client } = await storageDaemon();
    expect(await supports(client, { command: 'blockdev-mirror', argument: 'copy-mode', value: 'write-blocking' })).toBe(
      true,
    );
    expect(await supports(client, { command: 'blockdev-add', argument: 'backing.file.filename' })).toBe(true);
    expect(await supports(client, { command: 'device_add' })).toBe(false);
    expect(await supports(client, { event: 'BLOCK_JOB_READY', member: 'len' })).toBe(true);
  });

  test('adds nodes, nested and by reference, and reports errors', async () => {
    const { client } = await storageDaemon();
    const path = images('base', 'top');
    await client.execute('blockdev-add', { ...qcow2('top', path('top')), backing: qcow2('base', path('base')) });
    await client.execute('blockdev-add', { driver: 'raw', 'node-name': 'filter', file: 'top', size: MEBIBYTE });
    const nodes = (await client.execute('query-named-block-nodes')) as JsonObject[];
    expect(nodes.map((node) => node['node-name'])).toEqual(expect.arrayContaining(['top', 'base', 'filter']));
    const wrong = client.execute('blockdev-add', qcow2('other', path('none')));
    await expect(wrong).rejects.toThrow(QmpError);
    await expect(wrong).rejects.toMatchObject({ command: 'blockdev-add', class: 'GenericError', description: /none/ });
    await expect(client.execute('blockdev-add', { driver: 'null-co', 'node-name': 'n', size: 'big' })).rejects.toThrow(
      /size/,
    );
  });

  test('mirrors a disk to another file', async () => {
    const { client } = await storageDaemon();
    const path = images('source', 'target');
    await client.execute('blockdev-add', qcow2('source', path('source')));
    await client.execute('blockdev-add', qcow2('target', path('target')));
    const mirror = { 'job-id': 'm', device: 'source', target: 'target', sync: 'full' };
    expect(await runJob(client, 'blockdev-mirror', mirror)).toEqual({
      id: 'm',
      // Both are empty, and what is zero in both is not copied.
      offset: has('mirrors count what they copy') ? 0 : 4 * MEBIBYTE,
      length: has('mirrors count what they copy') ? 0 : 4 * MEBIBYTE,
    });
    // The other way round, now that the target has the place of the source, and by hand.
    const manual = { ...mirror, 'auto-finalize': false, 'auto-dismiss': false };
    expect(await runJob(client, 'blockdev-mirror', manual, { onReady: () => 'cancel' })).toMatchObject({ id: 'm' });
    expect(await client.execute('query-jobs')).toEqual([]);
  });

  test('backs up a disk, with progress, at a limited speed, until it is cancelled', async () => {
    const { client } = await storageDaemon();
    const path = images('source', 'target');
    await client.execute('blockdev-add', qcow2('source', path('source')));
    await client.execute('blockdev-add', qcow2('target', path('target')));
    const backup = { 'job-id': 'b', device: 'source', target: 'target', sync: 'full' };
    expect(await runJob(client, 'blockdev-backup', { ...backup, 'auto-dismiss': false })).toMatchObject({ id: 'b' });
    const controller = new AbortController();
    const progress: JobProgress[] = [];
    const slow = runJob(
      client,
      'blockdev-backup',
      { ...backup, speed: 65_536 },
      {
        signal: controller.signal,
        progressInterval: 20,
        onProgress: (now) => {
          progress.push(now);
          if (progress.length === 3) controller.abort(new Error('enough'));
        },
      },
    );
    await expect(slow).rejects.toThrow('enough');
    expect(progress.at(-1)).toMatchObject({ total: 4 * MEBIBYTE, status: 'running' });
    expect(await client.execute('query-jobs')).toEqual([]);
  });

  test('reports why a job fails', async () => {
    const { client } = await storageDaemon();
    const create = { 'job-id': 'c', options: { driver: 'file', filename: '/no/such/folder/image', size: MEBIBYTE } };
    await expect(runJob(client, 'blockdev-create', create)).rejects.toThrow(/^job c failed: .*image/);
    const path = images('source', 'target');
    await client.execute('blockdev-add', {
      driver: 'blkdebug',
      'node-name': 'faulty',
      image: qcow2('source', path('source')),
      'inject-error': [{ event: 'read_aio', errno: 5, sector: 0 }],
    });
    await client.execute('blockdev-add', qcow2('target', path('target')));
    const backup = { 'job-id': 'b', device: 'faulty', target: 'target', sync: 'full' };
    const seen: string[] = [];
    await runJob(client, 'blockdev-backup', backup, { onError: ({ action }) => seen.push(String(action)) }).then(
      () => expect(seen).toEqual([]),
      (error: Error) => expect(error.message).toMatch(/job b failed: /),
    );
  });

  test('executes transactions, and reverts those that fail', async () => {
    const { client } = await storageDaemon();
    const path = images('disk');
    await client.execute('blockdev-add', qcow2('disk', path('disk')));
    const bitmap = (name: string): JsonObject => ({ type: 'block-dirty-bitmap-add', data: { node: 'disk', name } });
    const names = async (): Promise<unknown[]> => {
      const nodes = (await client.execute('query-named-block-nodes')) as JsonObject[];
      const disk = nodes.find((node) => node['node-name'] === 'disk');
      return ((disk?.['dirty-bitmaps'] ?? []) as JsonObject[]).map(({ name }) => name);
    };
    await client.execute('transaction', { actions: [bitmap('a'), bitmap('b')] });
    expect((await names()).sort()).toEqual(['a', 'b']);
    await expect(client.execute('transaction', { actions: [bitmap('c'), bitmap('a')] })).rejects.toThrow(QmpError);
    expect((await names()).sort()).toEqual(['a', 'b']);
    await client.execute('block-dirty-bitmap-merge', { node: 'disk', target: 'a', bitmaps: ['b'] });
    await client.execute('block-dirty-bitmap-remove', { node: 'disk', name: 'b' });
    expect(await names()).toEqual(['a']);
  });

  test('exports a disk over NBD', async () => {
    const { client } = await storageDaemon();
    const path = images('disk');
    await client.execute('blockdev-add', qcow2('disk', path('disk')));
    await client.execute('nbd-server-start', { addr: { type: 'unix', data: { path: path('nbd.sock') } } });
    await client.execute('block-export-add', {
      type: 'nbd',
      id: 'e',
      'node-name': 'disk',
      name: 'disk',
      writable: true,
    });
    const { stdout } = await promisify(execFile)('nbdinfo', ['--json', `nbd+unix:///disk?socket=${path('nbd.sock')}`]);
    expect(JSON.parse(stdout)).toMatchObject({ exports: [{ 'export-name': 'disk', 'export-size': 4 * MEBIBYTE }] });
    const deleted = client.waitFor('BLOCK_EXPORT_DELETED', ({ data }) => data.id === 'e', { timeout: 5000 });
    await client.execute('block-export-del', { id: 'e' });
    await deleted;
    await client.execute('nbd-server-stop');
  });

  test('answers many commands at once, in order', async () => {
    const { client } = await storageDaemon();
    const order: number[] = [];
    const one = async (index: number): Promise<void> => {
      await client.execute('query-jobs');
      order.push(index);
    };
    await Promise.all(Array.from({ length: 200 }, (_, index) => one(index)));
    expect(order).toEqual(Array.from({ length: 200 }, (_, index) => index));
  });

  test('the program quits, and leaves nothing behind', async () => {
    const daemon = await spawnStorageDaemon();
    expect(await daemon.client.execute('quit')).toEqual({});
    expect(await daemon.exited).toEqual({ code: 0, signal: null });
    expect(await daemon.client.closed).toBeInstanceOf(QmpConnectionError);
    await daemon.close();
    expect(spawnSync('ls', [daemon.socket]).status).not.toBe(0);
  });

  test('reports why a program cannot start', async () => {
    await expect(spawnStorageDaemon({ args: ['--no-such-option'] })).rejects.toThrow(
      /^qemu-storage-daemon ended with status 1 before it could be connected to: .*no-such-option/s,
    );
    await expect(spawnStorageDaemon({ program: 'no-such-program' })).rejects.toThrow(
      'cannot start no-such-program: it is not installed',
    );
  });

  test('connects over standard input and output', async () => {
    const child = spawn('qemu-storage-daemon', ['--chardev', 'stdio,id=c', '--monitor', 'chardev=c'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const client = await connect(child);
    expect(await client.execute('query-jobs')).toEqual([]);
    expect(await client.execute('quit')).toEqual({});
  });

  test('reads replies that are spread over lines', async () => {
    const path = images();
    const socket = path('pretty.sock');
    await storageDaemon({
      args: ['--chardev', `socket,id=p,path=${socket},server=on,wait=off`, '--monitor', 'chardev=p,pretty=on'],
    });
    await using client = await connect(socket);
    expect(await client.execute('query-jobs')).toEqual([]);
    await expect(client.execute('job-cancel', { id: 'none' })).rejects.toThrow('Job not found');
  });
});

describeWithPrograms('a system emulator', ['qemu-system-x86_64'], () => {
  test('stops and continues the emulator', async () => {
    const { client } = await emulator();
    const events = client.events('*');
    const resumed = client.waitFor('RESUME', undefined, { timeout: 5000 });
    await client.execute('stop');
    await client.execute('cont');
    const { date } = await resumed;
    expect(Math.abs(Date.now() - date.getTime())).toBeLessThan(60_000);
    await events.return();
  });

  test('executes commands out of band while another one blocks', async () => {
    const { client } = await emulator();
    const path = images();
    const fifo = path('fifo');
    expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
    const answered: string[] = [];
    const blocked = client
      .execute('blockdev-add', {
        driver: 'blkdebug',
        'node-name': 'blocked',
        config: fifo,
        image: { driver: 'null-co', 'read-zeroes': true },
      })
      .then(() => answered.push('blocked'));
    const queued = client.execute('query-name').then(() => answered.push('queued'));
    await client.execute('query-yank', undefined, { oob: true });
    answered.push('ahead');
    await expect(client.execute('query-status', undefined, { oob: true })).rejects.toThrow(/OOB/);
    // Opening the other end of the pipe lets the command go on.
    await (await open(fifo, 'w')).close();
    await Promise.all([blocked, queued]);
    expect(answered).toEqual(['ahead', 'blocked', 'queued']);
  });

  test('connects to the emulator over a TCP port', async () => {
    const qemu = await emulator({
      args: ['-machine', 'none', '-display', 'none', '-nodefaults', '-qmp', 'tcp:127.0.0.1:0,server=on,wait=off', '-S'],
    });
    const chardevs = (await qemu.client.execute('query-chardev')) as JsonObject[];
    const where = chardevs.map(({ filename }) => /tcp:(127\.0\.0\.1:\d+)/.exec(String(filename))?.[1]).find(Boolean);
    await using client = await connect(where as string);
    expect(await client.execute('query-status')).toMatchObject({ status: 'prelaunch' });
  });
});

/** What asks for a part of a machine or of the host that may not be there. All other queries must be answered. */
const UNANSWERED: Readonly<Record<string, readonly string[]>> = {
  'qemu-system-x86_64': [
    'query-acpi-ospm-status',
    'query-balloon',
    'query-firmware-log',
    'query-gic-capabilities',
    'query-hotpluggable-cpus',
    'query-hv-balloon-status-report',
    'query-s390x-cpu-polarization',
    'query-sev-capabilities',
    'query-sev-launch-measure',
    'query-sgx',
    'query-sgx-capabilities',
    'query-vm-generation-id',
  ],
  'qemu-storage-daemon': [],
};

describeWithCorpus('with the schema of its release', corpusOf('qemu-system-x86_64'), () => {
  let schema: SchemaTables;
  beforeAll(async () => {
    schema = await loadRelease('qapi', corpusOf('qemu-system-x86_64'));
  }, 60_000);

  describeWithPrograms('every query without arguments', ['qemu-storage-daemon', 'qemu-system-x86_64'], () => {
    test.each(['qemu-storage-daemon', 'qemu-system-x86_64'] as const)(
      '%s answers as its schema says',
      async (program) => {
        const differences: SchemaDifference[] = [];
        const checked: SpawnOptions = {
          validate: 'report',
          schema: checkedBy(schema),
          onDifference: (difference) => differences.push(difference),
        };
        const { client } = program === 'qemu-storage-daemon' ? await storageDaemon(checked) : await emulator(checked);
        const offered = new Set(
          ((await client.execute('query-commands')) as JsonObject[]).map(({ name }) => String(name)),
        );
        const unanswered: string[] = [];
        let answered = 0;
        for (const [name, entry] of schema.commands) {
          if (!name.startsWith('query-') || !offered.has(name) || entry.arguments.examine({}).length > 0) continue;
          await client.execute(name).then(
            () => answered++,
            () => unanswered.push(name),
          );
        }
        expect(differences).toEqual([]);
        expect(unanswered.filter((name) => !UNANSWERED[program]?.includes(name))).toEqual([]);
        expect(answered).toBeGreaterThan(program === 'qemu-storage-daemon' ? 8 : 40);
      },
    );
  });
});

describeWithCorpus('with the schema of 7.2', RELEASE, () => {
  test('a program is typed by it', async () => {
    const program = `
      import { connect, runJob } from 'qapi-ts/runtime';
      import type { Commands, Events } from '../generated/index.js';
      interface Schema { commands: Commands; events: Events }
      export async function main(): Promise<number> {
        await using client = await connect<Schema>('/run/qmp.sock');
        const nodes = await client.execute('query-named-block-nodes', { flat: true });
        await client.execute('blockdev-add', { driver: 'qcow2', 'node-name': 'n', file: { driver: 'file', filename: 'x' } });
        // @ts-expect-error no such driver
        await client.execute('blockdev-add', { driver: 'qcow9', 'node-name': 'n', file: 'x' });
        // @ts-expect-error of another driver
        await client.execute('blockdev-add', { driver: 'null-co', 'node-name': 'n', filename: 'x' });
        // @ts-expect-error no such command
        await client.execute('query-stauts');
        // @ts-expect-error it takes none
        await client.execute('query-status', { verbose: true });
        await client.execute('query-yank', undefined, { oob: true });
        await runJob(client, 'blockdev-backup', { 'job-id': 'b', device: 'n', target: 't', sync: 'full' });
        for await (const event of client.events('BLOCK_JOB_*')) {
          if (event.event === 'BLOCK_JOB_ERROR') return event.data.action === 'stop' ? nodes.length : 0;
        }
        const { data } = await client.waitFor('JOB_STATUS_CHANGE', ({ data }) => data.status === 'concluded');
        return data.id.length;
      }
    `;
    const files = { generated: await generateRelease(), program: [{ path: 'main.ts', text: program }] };
    expect(await compileGenerated(files)).toEqual([]);
  });
});
