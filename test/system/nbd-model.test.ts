import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { NbdExtent } from '../../runtime/block/nbd/export.js';
import { NbdServer } from '../../runtime/block/nbd/server.js';
import { folderWith } from '../cli/command-line.js';
import { MemoryExport } from '../runtime/block/nbd/memory-export.js';
import { run } from './interop-images.js';
import { guestRequests, JudgedDisk } from './judged-disk.js';
import { NbdClient } from './nbd-client.js';
import { describeWithPrograms } from './programs.js';
import { startUnixServer } from './unix-server.js';

const size = 2 ** 20 + 512;

/** Sends groups of requests. @throws Error when anything is not as it must be */
async function work(socket: string, groups: number, seed: number): Promise<void> {
  const clients = [await NbdClient.connect(socket, 'disk'), await NbdClient.connect(socket, 'disk')];
  const disk = new JudgedDisk(clients, Buffer.alloc(size), Buffer.alloc(size));
  const batches = fc.array(guestRequests(size, 65_536), { minLength: 1, maxLength: 12 });
  try {
    for (const batch of fc.sample(batches, { numRuns: groups, seed })) await disk.run(batch);
    await disk.compare();
  } finally {
    for (const client of clients) await client.close();
  }
}

async function served(disk: MemoryExport): Promise<string> {
  const folder = folderWith({});
  const server = new NbdServer({});
  server.add(disk);
  await server.listen({ path: join(folder, 'socket') });
  onTestFinished(() => server.close());
  return join(folder, 'socket');
}

/** Disks that do nearly everything right. Each makes its mistake once in so many times. */
class LosesWrites extends MemoryExport {
  #writes = 0;
  override async write(offset: number, data: Uint8Array, options: { fua: boolean }): Promise<void> {
    if (++this.#writes % 50 !== 0) await super.write(offset, data, options);
  }
}

class WritesElsewhere extends MemoryExport {
  #writes = 0;
  override write(offset: number, data: Uint8Array, options: { fua: boolean }): Promise<void> {
    const elsewhere = ++this.#writes % 50 === 0 && offset > 0;
    return super.write(elsewhere ? offset - 1 : offset, data, options);
  }
}

class ZeroesTooMuch extends MemoryExport {
  override writeZeroes(offset: number, length: number, options: { unmap: boolean }): Promise<void> {
    return super.writeZeroes(offset, Math.min(length + 1, this.size - offset), options);
  }
}

class ReadsThePast extends MemoryExport {
  #before = Buffer.alloc(0);
  override async write(offset: number, data: Uint8Array, options: { fua: boolean }): Promise<void> {
    this.#before = Buffer.from(this.data);
    await super.write(offset, data, options);
  }
  override async read(offset: number, buffer: Uint8Array): Promise<void> {
    const old = offset % 64 === 0 && this.#before.length > 0;
    buffer.set((old ? this.#before : this.data).subarray(offset, offset + buffer.length));
  }
}

class CallsDataZeroes extends MemoryExport {
  override async blockStatus(offset: number, length: number): Promise<NbdExtent[]> {
    const extents = await super.blockStatus(offset, length);
    return extents.map((extent) => (extent.length < 20_000 ? { ...extent, zero: true } : extent));
  }
}

describe('the judge of disks', () => {
  test('finds no fault with a disk that has none', async () => {
    await work(await served(new MemoryExport('disk', size)), 100, 1);
  });

  test.each([
    ['loses writes', LosesWrites],
    ['writes elsewhere', WritesElsewhere],
    ['zeroes too much', ZeroesTooMuch],
    ['reads what was there before', ReadsThePast],
    ['calls data zeroes', CallsDataZeroes],
  ])('finds a disk that %s', async (_, Faulty) => {
    const socket = await served(new Faulty('disk', size));
    await expect(work(socket, 300, 1)).rejects.toThrow(/^at \d+ there is|bytes at \d+ are said to be zero/);
  });
});

describeWithPrograms('the real server', ['qemu-img', 'qemu-nbd'], () => {
  test.each(['raw', 'qcow2'])('the judge finds no fault with a served disk: %s', async (format) => {
    const folder = folderWith({});
    const [image, socket] = [join(folder, 'image'), join(folder, 'socket')];
    await run('qemu-img', ['create', '-q', '-f', format, image, String(size)]);
    const args = ['-k', socket, '-x', 'disk', '-f', format, '-e', '2', '-t', '--discard=unmap', image];
    await startUnixServer(socket, ['qemu-nbd', ...args]);
    await work(socket, 40, 2);
  });
});
