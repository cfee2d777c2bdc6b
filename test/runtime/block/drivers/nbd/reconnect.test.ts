import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nbd } from '../../../../../runtime/block/drivers/nbd/driver.js';
import type { BlockNode } from '../../../../../runtime/block/graph/node.js';
import { giveUpWaiting } from '../../../../../runtime/block/graph/walk.js';
import { NbdServer } from '../../../../../runtime/block/nbd/server.js';
import { MemoryExport } from '../../nbd/memory-export.js';
import { outcomeOf, SmallGraph } from '../small-graph.js';
import { type Peer, ScriptedServer } from './scripted-server.js';

let folder: string;
let path: string;
let small: SmallGraph;
let disk: MemoryExport;
let server: NbdServer;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nbd-reconnect-'));
  path = join(folder, 's');
  small = new SmallGraph(nbd);
  disk = new MemoryExport('', 1 << 20);
  server = await serving(disk);
});
afterEach(async () => {
  await small.graph.close();
  await server.close();
  rmSync(folder, { recursive: true });
});

async function serving(exported: MemoryExport): Promise<NbdServer> {
  const started = new NbdServer();
  started.add(exported);
  await started.listen({ path });
  return started;
}

const open = (options: object = {}): Promise<BlockNode> =>
  small.add({ driver: 'nbd', 'node-name': 'n', server: { type: 'unix', path }, ...options });

const read = (node: BlockNode): Promise<string> => outcomeOf(node.requests.read(0, Buffer.alloc(512)));

const lost = () => vi.waitFor(() => expect(small.warnings.at(-1)).toMatch(/connection is lost/));
const back = () => vi.waitFor(() => expect(small.warnings.at(-1)).toMatch(/connected again/));

/** Moves the clock on by a second until the server is reached. */
const reached = () =>
  vi.waitFor(async () => {
    await small.clock.advance(1e9);
    expect(small.warnings.at(-1)).toMatch(/connected again/);
  });

describe('when the server of the driver nbd goes away', () => {
  it('requests fail, those in flight and later ones, until it is back', async () => {
    const node = await open();
    disk.read = () => new Promise(() => {});
    const inFlight = [read(node), read(node), outcomeOf(node.requests.write(512, Buffer.alloc(512)))];
    await vi.waitFor(() => expect(disk.allocated[0]).toBe(1));
    await server.close();
    expect(await Promise.all(inFlight)).toEqual(['EIO', 'EIO', 'ok']);
    expect(await read(node)).toBe('EIO');
    server = await serving(new MemoryExport('', 1 << 20));
    await reached();
    expect(await read(node)).toBe('ok');
  });

  it('requests that wait for it fail when what has made them is cancelled, and so do others while it is away', async () => {
    const node = await open({ 'reconnect-delay': 5 });
    await server.close();
    await lost();
    const waiting = read(node);
    giveUpWaiting(node);
    expect([await waiting, await read(node)]).toEqual(['EIO', 'EIO']);
    server = await serving(disk);
    await reached();
    expect(await read(node)).toBe('ok');
  });

  it('requests wait as long as reconnect-delay says, and what was in flight is done', async () => {
    const node = await open({ 'reconnect-delay': 5 });
    await server.close();
    await lost();
    const waiting = [read(node), outcomeOf(node.requests.write(0, Buffer.alloc(512, 6)))];
    disk = new MemoryExport('', 1 << 20);
    server = await serving(disk);
    await reached();
    expect(await Promise.all(waiting)).toEqual(['ok', 'ok']);
    expect(disk.data.subarray(0, 512)).toEqual(Buffer.alloc(512, 6));
  });

  it('requests wait no longer than reconnect-delay says', async () => {
    const node = await open({ 'reconnect-delay': 5 });
    await server.close();
    await lost();
    let done = false;
    const waiting = read(node).finally(() => {
      done = true;
    });
    await small.clock.advance(4.9e9);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(done).toBe(false);
    await small.clock.advance(0.2e9);
    expect(await waiting).toBe('EIO');
    // From now on nothing waits.
    expect(await read(node)).toBe('EIO');
  });

  it('a request that ends each server does not wait again and again', async () => {
    await server.close();
    const script = async (peer: Peer) => {
      await peer.negotiate();
      await peer.request();
      peer.socket.destroy();
    };
    await using fragile = new ScriptedServer(script);
    await fragile.listen(path);
    const node = await open({ 'reconnect-delay': 10 });
    let outcome: string | undefined;
    void read(node).then((code) => {
      outcome = code;
    });
    await vi.waitFor(
      async () => {
        await small.clock.advance(1e9);
        expect(outcome).toBe('EIO');
      },
      { interval: 20 },
    );
    // At once, after 1, 2 and 4 seconds; 8 more are too long.
    expect(fragile.connections).toBeLessThanOrEqual(6);
  });

  it('a server that comes back with another export is not used', async () => {
    const node = await open();
    await server.close();
    await lost();
    server = await serving(new MemoryExport('', 4096));
    await vi.waitFor(async () => {
      await small.clock.advance(1e9);
      expect(small.warnings.at(-1)).toMatch(/not the same/);
    });
    expect(await read(node)).toBe('EIO');
    await server.close();
    server = await serving(new MemoryExport('', 1 << 20, true));
    const before = small.warnings.length;
    await vi.waitFor(async () => {
      await small.clock.advance(16e9);
      expect(small.warnings.length).toBeGreaterThan(before);
    });
    expect(small.warnings.at(-1)).toMatch(/not the same/);
    expect(await read(node)).toBe('EIO');
  });

  it('closing the node ends all attempts, and the requests that wait fail', async () => {
    const node = await open({ 'reconnect-delay': 1000 });
    await server.close();
    await lost();
    const waiting = read(node);
    await node.instance?.close();
    expect(await waiting).toBe('EIO');
    expect(small.clock.pending).toBe(0);
  });

  it('a server that is still there is connected to again at once', async () => {
    const node = await open();
    server.remove('');
    server.add(disk);
    await back();
    expect(await read(node)).toBe('ok');
  });
});

describe('open-timeout of the driver nbd', () => {
  it('tries again for as long to reach a server', async () => {
    await server.close();
    const opening = open({ 'open-timeout': 5 });
    await vi.waitFor(() => expect(small.clock.pending).toBe(1));
    server = await serving(disk);
    await small.clock.advance(1e9);
    expect((await opening).length).toBe(1 << 20);
  });

  it('fails in the end as it does at once without', async () => {
    await server.close();
    const opening = outcomeOf(open({ 'open-timeout': 2 }));
    await vi.waitFor(() => expect(small.clock.pending).toBe(1));
    await small.clock.advance(1e9);
    await vi.waitFor(() => expect(small.clock.pending).toBe(1));
    await small.clock.advance(1e9);
    expect(await opening).toBe('ENOENT');
    expect(await outcomeOf(open())).toBe('ENOENT');
  });
});
