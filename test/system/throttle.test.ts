import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BlockDeviceStats, BlockInfo, BlockStats } from '../../generated/index.js';
import { readDrive } from '../../runtime/block/drive/read-drive.js';
import { isQmpFailure } from '../../runtime/qmp/error.js';
import type { AnySchema } from '../../runtime/qmp/schema.js';
import { type SpawnedProgram, spawnQemu } from '../../runtime/qmp/spawn.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms, seed } from './programs.js';

const run = promisify(execFile);
const MiB = 1 << 20;
const limit = 8 * MiB;
const seconds = 10;

/**
 * In real time, by intent: what is proved is the rate that a client gets. The rate is counted between two readings of the
 * statistics while clients always have requests waiting, so that the burst at the start has no part in it.
 */
describeWithPrograms('a limited drive', ['qemu-io'], () => {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-throttle-'));
  const socket = join(folder, 'socket');
  const client = new LayerClient();

  const addDrive = (text: string) => client.layer.addDrive(readDrive(text, client.layer.registry));
  const stats = async (device: string): Promise<BlockDeviceStats> => {
    const all = (await client.execute('query-blockstats')) as BlockStats[];
    return (all.find((entry) => entry.device === device) as BlockStats).stats;
  };

  beforeAll(async () => {
    for (const id of ['bytes', 'operations']) await addDrive(`id=${id},if=none,driver=null-co,size=64M`);
    await client.execute('nbd-server-start', { addr: { type: 'unix', data: { path: socket } } });
    for (const device of ['bytes', 'operations']) await client.execute('nbd-server-add', { device, writable: true });
  });
  afterAll(async () => {
    await client.layer.close();
    rmSync(folder, { recursive: true });
  });

  /** A client that asks for more at a time than the limits allow, until it is stopped. */
  function greedy(device: string, command: string): { stop(): Promise<void> } {
    const stopping = new AbortController();
    const commands = Array.from({ length: 4000 }, () => ['-c', command]).flat();
    const uri = `nbd+unix:///${device}?socket=${socket}`;
    const done = run('qemu-io', ['-f', 'raw', ...commands, uri], { signal: stopping.signal, maxBuffer: 64 * MiB }).then(
      ({ stdout }) => `finished: ${stdout.slice(-500)}`,
      (error: Error) => error.name,
    );
    return {
      async stop() {
        stopping.abort();
        expect(await done).toBe('AbortError');
      },
    };
  }

  async function rates(device: string): Promise<{ readonly bytes: number; readonly operations: number }> {
    const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
    await wait(2000);
    const [before, start] = [await stats(device), performance.now()];
    await wait(seconds * 1000);
    const [after, end] = [await stats(device), performance.now()];
    const per = (count: (of: BlockDeviceStats) => number) => ((count(after) - count(before)) * 1000) / (end - start);
    return {
      bytes: per((of) => Number(of.rd_bytes) + Number(of.wr_bytes)),
      operations: per((of) => Number(of.rd_operations) + Number(of.wr_operations)),
    };
  }

  const unlimited = { bps: 0, bps_rd: 0, bps_wr: 0, iops: 0, iops_rd: 0, iops_wr: 0 };

  it('serves NBD clients at the rate that was set, within a tenth', async () => {
    // Bursts of a second let the server catch up on a machine that does not let it run for a while.
    const bytesLimit = { ...unlimited, bps: limit, bps_max: limit };
    const operationsLimit = { ...unlimited, iops: 200, iops_max: 200, iops_size: 4096 };
    await client.execute('block_set_io_throttle', { device: 'bytes', ...bytesLimit });
    await client.execute('block_set_io_throttle', { device: 'operations', ...operationsLimit });
    const clients = [
      greedy('bytes', 'aio_write 0 192k'),
      greedy('bytes', 'aio_read 1M 64k'),
      // Each counts as one and a half.
      greedy('operations', 'aio_read 0 6k'),
      greedy('operations', 'aio_write 0 6k'),
    ];
    const [bytes, operations] = await Promise.all([rates('bytes'), rates('operations')]);
    for (const { stop } of clients) await stop();
    const reached = [bytes.bytes / limit, operations.operations / (200 / 1.5)];
    process.stderr.write(`Of the limits were reached: ${reached.map((part) => part.toFixed(3)).join(', ')}\n`);
    for (const part of reached) {
      expect(part).toBeGreaterThan(0.9);
      expect(part).toBeLessThan(1.1);
    }
  });
});

describeWithPrograms('limits', ['qemu-system-x86_64'], () => {
  const ours = new LayerClient();
  let theirs: SpawnedProgram<AnySchema>;
  const devices = ['d0', 'd1', 'd2'] as const;

  beforeAll(async () => {
    const drives = devices.map((id) => `if=none,id=${id},driver=null-co,size=1M`);
    for (const text of drives) await ours.layer.addDrive(readDrive(text, ours.layer.registry));
    theirs = await spawnQemu({
      args: ['-machine', 'none', '-nodefaults', '-display', 'none', ...drives.flatMap((text) => ['-drive', text])],
    });
  });
  afterAll(async () => {
    await theirs.close();
    await ours.layer.close();
  });

  const names = ['bps', 'bps_rd', 'bps_wr', 'iops', 'iops_rd', 'iops_wr'] as const;
  const often = <T>(usual: fc.Arbitrary<T>, rare: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 6, arbitrary: usual }, { weight: 1, arbitrary: rare });
  const rate = often(fc.constant(0), fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.constantFrom(-1, 1e15, 1e15 + 1)));
  const request = fc.record(
    {
      device: often<string>(fc.constantFrom(...devices), fc.constant('missing')),
      group: fc.constantFrom('g1', 'g2'),
      iops_size: often(fc.constant(0), fc.constant(4096)),
      ...Object.fromEntries(names.map((name) => [name, rate])),
      ...Object.fromEntries(names.map((name) => [`${name}_max`, rate])),
      ...Object.fromEntries(names.map((name) => [`${name}_max_length`, often(fc.constant(1), fc.nat(5))])),
    },
    { requiredKeys: ['device', ...names] as never },
  );

  const outcome = (execution: Promise<unknown>): Promise<string> =>
    execution.then(
      () => 'success',
      (error: unknown) => (isQmpFailure(error) ? error.class : Promise.reject(error)),
    );

  /** What is shown of limits; not how bursts work out that were not set, which later releases do not show. */
  function view({ inserted }: BlockInfo): object {
    const shown = Object.entries(inserted ?? {}).filter(([name]) => /^(bps|iops|group)/.test(name));
    const limits = new Map(shown);
    for (const name of names) {
      if (Number(limits.get(`${name}_max`) ?? 0) >= Number(limits.get(name))) continue;
      limits.delete(`${name}_max`);
      limits.delete(`${name}_max_length`);
    }
    return Object.fromEntries(limits);
  }

  it('refuses, sets and shows limits as QEMU does', async () => {
    await fc.assert(
      fc.asyncProperty(request, async (args) => {
        // Later releases than ours also refuse a burst of more than 10^15 altogether.
        const numbers = args as unknown as { readonly [name: string]: number | undefined };
        const burst = (name: string) => (numbers[`${name}_max`] ?? 0) * (numbers[`${name}_max_length`] ?? 1);
        fc.pre(names.every((name) => burst(name) <= 1e15));
        const made = await outcome(ours.execute('block_set_io_throttle', args));
        expect(made).toBe(await outcome(theirs.client.execute('block_set_io_throttle', args)));
        const [ourInfo, theirInfo] = [await ours.execute('query-block'), await theirs.client.execute('query-block')];
        expect((ourInfo as BlockInfo[]).map(view)).toEqual((theirInfo as unknown as BlockInfo[]).map(view));
      }),
      { numRuns: 1500, seed, endOnFailure: true },
    );
  });
});
