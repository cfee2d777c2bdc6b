import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nbd } from '../../../../../runtime/block/drivers/nbd/driver.js';
import type { BlockNode } from '../../../../../runtime/block/graph/node.js';
import { NbdServer } from '../../../../../runtime/block/nbd/server.js';
import { BlockOptions } from '../../../../../runtime/block/options.js';
import { RequestFlag } from '../../../../../runtime/block/request-flag.js';
import { MemoryExport } from '../../nbd/memory-export.js';
import { outcomeOf, readAt, SmallGraph } from '../small-graph.js';

const MiB = 1 << 20;

let folder: string;
let path: string;
let server: NbdServer;
let disk: MemoryExport;
let small: SmallGraph;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nbd-driver-'));
  path = join(folder, 's');
  server = new NbdServer();
  disk = new MemoryExport('disk', 2 * MiB);
  server.add(disk);
  await server.listen({ path });
  small = new SmallGraph(nbd);
});
afterEach(async () => {
  await small.graph.close();
  await server.close();
  rmSync(folder, { recursive: true });
});

function open(options: object = {}): Promise<BlockNode> {
  const server = { type: 'unix', path };
  return small.add({ driver: 'nbd', 'node-name': 'n', server, export: 'disk', discard: 'unmap', ...options });
}

const named = (filename: string, options: object = {}): Promise<BlockNode> =>
  small.graph.open({ filename, role: 'protocol', options: BlockOptions.flatten(options) });

describe('the driver nbd', () => {
  it('reads and writes what the server has', async () => {
    const node = await open();
    expect([node.length, node.requestAlignment]).toEqual([2 * MiB, 1]);
    await node.requests.write(12_345, Buffer.alloc(54_321, 7));
    expect(disk.data.subarray(12_345, 12_345 + 54_321)).toEqual(Buffer.alloc(54_321, 7));
    disk.data.fill(9, MiB, MiB + 100);
    expect(await readAt(node, MiB - 1, 102)).toEqual(Buffer.concat([Buffer.of(0), Buffer.alloc(100, 9), Buffer.of(0)]));
  });

  it('holds the contents of a model, whatever is asked for at the same time', async () => {
    const node = await open();
    const model = Buffer.alloc(2 * MiB);
    const change = fc.record({
      at: fc.nat(15),
      blocks: fc.integer({ min: 1, max: 4 }),
      byte: fc.integer({ min: 0, max: 255 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 20 }), async (changes) => {
        // Those of one round do not overlap.
        const taken = new Set<number>();
        const round = changes.filter(({ at }) => !taken.has(at) && taken.add(at));
        await Promise.all(
          round.map(async ({ at, blocks, byte }) => {
            const [offset, length] = [at * 0x20000 + 13, blocks * 0x7000];
            model.fill(byte, offset, offset + length);
            if (byte === 0) await node.requests.writeZeroes(offset, length, RequestFlag.mayUnmap);
            else await node.requests.write(offset, Buffer.alloc(length, byte));
          }),
        );
        const reads = await Promise.all(
          Array.from({ length: 32 }, (_, index) => readAt(node, index * 0x10000, 0x10000)),
        );
        expect(Buffer.compare(Buffer.concat(reads), model)).toBe(0);
      }),
      { numRuns: 20 },
    );
    expect(Buffer.compare(disk.data, model)).toBe(0);
  });

  it('does in pieces what is too long for one request', async () => {
    const large = new MemoryExport('large', 40 * MiB);
    server.add(large);
    const node = await open({ export: 'large' });
    const data = Buffer.alloc(40 * MiB, 5);
    data.fill(6, 32 * MiB - 1, 32 * MiB + 1);
    await node.requests.write(0, data);
    expect(large.data.equals(data)).toBe(true);
    expect((await readAt(node, 0, 40 * MiB)).equals(data)).toBe(true);
    await node.requests.writeZeroes(0, 40 * MiB);
    expect(large.data.equals(Buffer.alloc(40 * MiB))).toBe(true);
  });

  it('reports holes and zeroes as the server does, and passes on what may be deallocated', async () => {
    const node = await open();
    await node.requests.write(MiB, Buffer.alloc(8192, 1));
    const { instance } = node;
    const status = (offset: number) => instance?.blockStatus?.(offset, 2 * MiB - offset);
    expect(await status(0)).toMatchObject({ length: MiB, allocated: true, data: false, zero: true, offset: 0 });
    expect(await status(MiB + 100)).toMatchObject({ length: 8092, data: true, zero: false });
    await node.requests.writeZeroes(MiB, 4096, 0);
    expect(await status(MiB)).toMatchObject({ length: 8192, data: true, zero: false });
    await node.requests.writeZeroes(MiB, 4096, RequestFlag.mayUnmap);
    expect(await status(MiB)).toMatchObject({ length: 4096, data: false, zero: true });
    await node.requests.discard(MiB, 8192);
    expect(await status(0)).toMatchObject({ length: 2 * MiB, data: false, zero: true });
  });

  it('flushes, and writes through where that is asked for', async () => {
    const node = await open();
    await node.requests.write(0, Buffer.alloc(512, 1));
    expect(disk.flushes).toBe(0);
    await node.requests.flush();
    expect(disk.flushes).toBe(1);
    await node.requests.write(0, Buffer.alloc(512, 1), RequestFlag.fua);
    expect(disk.flushes).toBe(2);
  });

  it.each(['EPERM', 'EIO', 'ENOMEM', 'EINVAL', 'ENOSPC', 'EOVERFLOW', 'ENOTSUP', 'ESHUTDOWN'])(
    'reports the failure %s of the server as that, and goes on',
    async (code) => {
      const node = await open();
      disk.failure = Object.assign(new Error('no'), { code });
      expect(await outcomeOf(node.requests.read(0, Buffer.alloc(512)))).toBe(code);
      disk.failure = Object.assign(new Error('no'), { code });
      expect(await outcomeOf(node.requests.write(0, Buffer.alloc(512)))).toBe(code);
      expect(await outcomeOf(node.requests.write(0, Buffer.alloc(512)))).toBe('ok');
    },
  );

  it('refuses to make an export longer, and to write what lies behind its end', async () => {
    const node = await open();
    expect(await outcomeOf(node.requests.truncate(2 * MiB))).toBe('ok');
    expect(await outcomeOf(node.requests.truncate(2 * MiB + 512))).toBe('EINVAL');
    expect(await outcomeOf(node.requests.write(2 * MiB - 256, Buffer.alloc(512)))).toBe('ENOSPC');
    expect(await outcomeOf(node.requests.writeZeroes(2 * MiB, 512))).toBe('ENOSPC');
  });

  it('opens an export that is read-only for reading only', async () => {
    server.add(new MemoryExport('safe', MiB, true));
    await expect(open({ export: 'safe' })).rejects.toMatchObject({ code: 'EACCES', message: /read-only/ });
    const node = await open({ export: 'safe', 'read-only': true });
    expect(await readAt(node, 0, 3)).toEqual(Buffer.alloc(3));
    await expect(node.instance?.prepareReopen?.({ ...node.flags, readOnly: false })).rejects.toMatchObject({
      code: 'EACCES',
    });
  });

  it('shows names as QEMU does, and names that open the same', async () => {
    for (const [name, shown] of [
      [`nbd:unix:${path}:exportname=disk`, `nbd+unix:///disk?socket=${path}`],
      [`nbd+unix:///disk?socket=${path}`, `nbd+unix:///disk?socket=${path}`],
    ] as const) {
      const node = await named(name);
      expect(node.filename).toBe(shown);
      await small.graph.release(node);
    }
    expect((await open()).filename).toBe(`nbd+unix:///disk?socket=${path}`);
    server.add(new MemoryExport('a?b', MiB));
    const odd = await open({ 'node-name': 'odd', export: 'a?b' });
    const options = { driver: 'nbd', 'server.type': 'unix', 'server.path': path, export: 'a?b' };
    expect(JSON.parse(odd.filename.replace('json:', ''))).toEqual(options);
    expect((await named(odd.filename)).length).toBe(MiB);
  });

  it('connects by TCP, also where the options of old say so', async () => {
    const tcp = new NbdServer();
    tcp.add(new MemoryExport('', MiB));
    await tcp.listen({ host: '127.0.0.1', port: 0 });
    const port = `${tcp.port}`;
    const node = await open({ server: { type: 'inet', host: '127.0.0.1', port, ipv6: false }, export: '' });
    expect(node.length).toBe(MiB);
    const old = await small.add({ driver: 'nbd', 'node-name': 'old', host: '127.0.0.1', port });
    expect(old.filename).toBe(`nbd://127.0.0.1:${port}`);
    expect((await named(`nbd:127.0.0.1:${port}`)).filename).toBe(`nbd://127.0.0.1:${port}`);
    await small.graph.close();
    await tcp.close();
  });

  it('asks for permission for each server, and for sockets again when they are connected to', async () => {
    await open();
    expect(small.authorized).toEqual([path, path]);
    await expect(named('nbd://127.0.0.1:1/x')).rejects.toMatchObject({
      code: 'ECONNREFUSED',
      message: "Failed to connect to '127.0.0.1:1': Connection refused",
    });
    expect(small.authorized.slice(2)).toEqual(['nbd://127.0.0.1:1']);
  });

  it('says what cannot be connected to, and that there is no such export', async () => {
    await expect(open({ server: { type: 'unix', path: join(folder, 'no') } })).rejects.toMatchObject({
      code: 'ENOENT',
      message: `Failed to connect to '${join(folder, 'no')}': No such file or directory`,
    });
    await expect(open({ export: 'other' })).rejects.toMatchObject({
      code: 'ENOENT',
      message: /Requested export 'other' not available: the server says/,
    });
  });

  const unix = { type: 'unix', path: 's' };
  it.each([
    [{}, /needs the address of a server as option 'server'/],
    [{ server: { path: 's' } }, /'server.type' is missing/],
    [{ server: { type: 'unix' } }, /'server.path' is missing/],
    [{ server: { type: 'unix', path: 'a\0b' } }, /NUL/],
    [{ server: { type: 'inet', host: 'h' } }, /'server.port' are needed/],
    [{ server: { type: 'inet', host: 'h', port: 'x' } }, /'x' is not a TCP port/],
    [{ server: { type: 'inet', host: 'h', port: '1', to: 2 } }, /'server.to' does not go with/],
    [{ server: { type: 'inet', host: 'h', port: '1', ipv4: false, ipv6: false } }, /Cannot disable IPv4/],
    [{ server: { type: 'inet', host: 'h', port: '1', mptcp: true } }, /mptcp/],
    [{ server: { type: 'fd', str: '7' } }, /file descriptor '7' was not given/],
    [{ server: { type: 'vsock' } }, /'server.type'|one of inet/],
    [{ server: unix, path: 's' }, /named twice/],
    [{ server: unix, filename: 'nbd:h:1' }, /named twice/],
    [{ port: '1' }, /needs a 'host'/],
    [{ filename: 'nbd:h:1:exportname=a', export: 'b' }, /export is named twice/],
    [{ filename: 'nbd+unix:///e?socket=a%00b' }, /NUL/],
    [{ server: unix, export: 'x'.repeat(4097) }, /more than 4096 bytes/],
    [{ server: unix, 'x-dirty-bitmap': 'x'.repeat(4097) }, /more than 4096 bytes/],
    [{ server: unix, 'tls-creds': 't' }, /No TLS credentials with id 't'/],
    [{ server: unix, 'reconnect-delay': -1 }, /'reconnect-delay'/],
  ])('refuses the options %j', async (options, problem) => {
    await expect(small.add({ driver: 'nbd', 'node-name': 'n', ...options })).rejects.toThrow(problem);
    expect(small.authorized).toEqual([]);
  });

  it('makes images of an export: what was a header is wiped, and it must be large enough', async () => {
    disk.data.fill(0xee);
    const name = `nbd+unix:///disk?socket=${path}`;
    await nbd.createFile?.(name, MiB, new BlockOptions(), small.host);
    expect(disk.data.subarray(0, 514)).toEqual(Buffer.concat([Buffer.alloc(512), Buffer.alloc(2, 0xee)]));
    await expect(nbd.createFile?.(name, 3 * MiB, new BlockOptions(), small.host)).rejects.toMatchObject({
      code: 'ENOSPC',
    });
    const unknown = new BlockOptions([['preallocation', 'full']]);
    await expect(nbd.createFile?.(name, 0, unknown, small.host)).rejects.toThrow(/'preallocation'/);
  });
});
