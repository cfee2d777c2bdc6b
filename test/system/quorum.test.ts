import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { blkverify } from '../../runtime/block/drivers/blkverify.js';
import { quorum } from '../../runtime/block/drivers/quorum/driver.js';
import { type Errno, errnoNumber, strerror } from '../../runtime/block/errno.js';
import { BlockError, ioError } from '../../runtime/block/error.js';
import { SmallGraph } from '../runtime/block/drivers/small-graph.js';
import { describeWithPrograms } from './programs.js';

const run = promisify(execFile);
const size = 8192;

/** A child: what it is full of, or why it cannot be read. */
type ChildCase = number | Errno;

/** What a read has come to: the byte that was read or the error, and the events of it. */
interface Outcome {
  readonly result: number | string;
  readonly events: unknown[];
}

const sorted = (events: unknown[]) => events.map((event) => JSON.stringify(event)).sort();
const inOrder = (event: { event: string; data: Record<string, unknown> }) => [
  event.event,
  Object.entries(event.data).sort(([a], [b]) => (a < b ? -1 : 1)),
];

describeWithPrograms('quorum beside the real one', ['qemu-io', 'qemu-storage-daemon'], () => {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-quorum-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Reads sectors 2 and 3 of a real quorum: in qemu-io for the result, and in a storage daemon, which tells the events. */
  async function real(children: readonly ChildCase[], options: object): Promise<Outcome> {
    const socket = join(folder, 'socket');
    const nodes = children.map((child, index) => {
      const file = { driver: 'file', filename: join(folder, `child${index}`) };
      if (typeof child === 'number') return { ...file, 'node-name': `c${index}` };
      const rules = [{ event: 'none', errno: errnoNumber(child) }];
      return { driver: 'blkdebug', 'node-name': `c${index}`, image: file, 'inject-error': rules };
    });
    const fill = () => {
      for (const [index, child] of children.entries()) {
        writeFileSync(join(folder, `child${index}`), Buffer.alloc(size, typeof child === 'number' ? child : 0));
      }
    };
    fill();
    const node = { driver: 'quorum', 'node-name': 'q', ...options };
    const stdout = await read(`json:${JSON.stringify({ ...node, children: nodes })}`);
    const byte = /^00000400: {2}([0-9a-f]{2}) /m.exec(stdout)?.[1];
    const result = byte === undefined ? (/failed: (.*)/.exec(stdout)?.[1] ?? stdout) : Number.parseInt(byte, 16);
    fill();
    const names = nodes.map((child) => child['node-name']);
    const daemon = spawn('qemu-storage-daemon', [
      ...['--chardev', 'stdio,id=monitor', '--monitor', 'chardev=monitor'],
      ...[...nodes, { ...node, children: names }].flatMap((definition) => ['--blockdev', JSON.stringify(definition)]),
      ...['--nbd-server', `addr.type=unix,addr.path=${socket}`],
      ...['--export', 'type=nbd,id=export,node-name=q,name=q'],
    ]);
    try {
      const events: { event: string; data: Record<string, unknown> }[] = [];
      const lines = createInterface(daemon.stdout)[Symbol.asyncIterator]();
      /** Executes a command, and keeps the events that come before its reply. */
      const execute = async (command: string) => {
        daemon.stdin.write(`${JSON.stringify({ execute: command })}\n`);
        for (;;) {
          const { value, done } = await lines.next();
          if (done) throw new Error('the daemon has ended');
          const message = JSON.parse(value);
          if ('event' in message) events.push(message);
          if ('return' in message || 'error' in message) return;
        }
      };
      await execute('qmp_capabilities');
      await read('-r', '-f', 'raw', `nbd+unix:///q?socket=${socket}`);
      await execute('query-version');
      return { result, events: sorted(events.map(inOrder)) };
    } finally {
      daemon.kill();
      await new Promise((resolve) => daemon.on('exit', resolve));
    }
  }

  async function read(...image: string[]): Promise<string> {
    const reading = run('qemu-io', ['-c', 'read -v 1024 1024', ...image]);
    return (await reading.catch((error: { stdout: string }) => error)).stdout;
  }

  async function ours(children: readonly ChildCase[], options: object): Promise<Outcome> {
    const small = new SmallGraph(quorum);
    const nodes = children.map((child, index) => {
      const disk = small.disk(`child${index}`, size, typeof child === 'number' ? child : 0);
      disk.onRequest = () => {
        if (typeof child === 'string') throw ioError(child);
      };
      return { driver: 'file', filename: `child${index}`, 'node-name': `c${index}` };
    });
    const node = await small.add({ driver: 'quorum', 'node-name': 'q', children: nodes, ...options });
    const buffer = Buffer.alloc(1024);
    const result = await node.requests.read(1024, buffer).then(
      () => buffer[0] ?? 0,
      (error: unknown) => (error instanceof BlockError ? strerror(error.code) : String(error)),
    );
    return {
      result,
      events: sorted(small.events.map(({ name, data }) => inOrder({ event: name, data: data as object as never }))),
    };
  }

  it.each<[ChildCase[], object]>([
    [[7, 7, 7], { 'vote-threshold': 2 }],
    [[9, 7, 7], { 'vote-threshold': 2 }],
    [[9, 7, 7], { 'vote-threshold': 3 }],
    [[7, 8, 9], { 'vote-threshold': 1 }],
    [[7, 8, 8, 7], { 'vote-threshold': 2 }],
    [[8, 7, 8, 7], { 'vote-threshold': 2 }],
    [[7, 'ENOSPC', 7], { 'vote-threshold': 2 }],
    [['ENOSPC', 7, 8], { 'vote-threshold': 2 }],
    [['ENOSPC', 'EIO'], { 'vote-threshold': 1 }],
    [['EIO', 'ENOSPC'], { 'vote-threshold': 1 }],
    [['EIO', 'ENOSPC', 'EIO', 7], { 'vote-threshold': 2 }],
    [[7, 8], { 'vote-threshold': 2, 'read-pattern': 'fifo' }],
    [['EIO', 8, 7], { 'vote-threshold': 2, 'read-pattern': 'fifo' }],
    [['EIO', 'ENOSPC'], { 'vote-threshold': 1, 'read-pattern': 'fifo' }],
    [[9, 7, 7], { 'vote-threshold': 2, 'rewrite-corrupted': true }],
  ])('reads %j with %j as QEMU does, and reports the same', async (children, options) => {
    expect(await ours(children, options)).toEqual(await real(children, options));
  });

  it.each(['quorum', 'blkverify'])('ends the program when two differ that must not, like %s', async (driver) => {
    const names = ['a', 'b'].map((name) => join(folder, name));
    const small = new SmallGraph(quorum, blkverify);
    for (const name of names) {
      const disk = small.disk(name, size, 7);
      if (name === names[1]) disk.bytes[1500] = 8;
      writeFileSync(name, disk.bytes);
    }
    const [raw, test] = names.map((filename) => ({ driver: 'file', filename }));
    const options =
      driver === 'quorum'
        ? { driver, children: [raw, test], 'vote-threshold': 2, blkverify: true }
        : { driver, raw, test };
    const read = (offset: number) =>
      run('qemu-io', ['-r', '-c', `read ${offset} 1024`, `json:${JSON.stringify(options)}`]);
    await read(2048);
    await expect(read(1024)).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/contents mismatch/) });
    const node = await small.add({ ...options, 'node-name': 'n' });
    await node.requests.read(2048, Buffer.alloc(1024));
    expect(small.fatal).toEqual([]);
    await expect(node.requests.read(1024, Buffer.alloc(1024))).rejects.toThrow();
    expect(small.fatal).toEqual([expect.stringMatching(/offset 1024: contents differ at offset 1500/)]);
  });
});
