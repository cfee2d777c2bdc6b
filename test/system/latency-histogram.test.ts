import { expect, it, onTestFinished } from 'vitest';
import type { BlockStats } from '../../generated/index.js';
import { readDevice } from '../../runtime/block/drive/device.js';
import { readDrive } from '../../runtime/block/drive/read-drive.js';
import type { JsonObject } from '../../runtime/json/value.js';
import { spawnQemu } from '../../runtime/qmp/spawn.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms } from './programs.js';
import { has } from './release.js';

type Execute = (command: string, args?: JsonObject) => Promise<unknown>;

const path = '/machine/peripheral/dev/virtio-backend';

/** Sets histograms of a disk without a guest. @returns what came of each command, and what was shown then */
async function shown(execute: Execute): Promise<unknown[]> {
  const results: unknown[] = [];
  for (const args of [
    { id: path, boundaries: [10, 50, 100] },
    { id: path, 'boundaries-write': [1000, 5000] },
    ...(has('histograms have boundaries') ? [{ id: path, boundaries: [], 'boundaries-flush': [7] }] : []),
    { id: path, 'boundaries-read': [5, 5] },
    { id: path, 'boundaries-flush': [0] },
    { id: path, boundaries: [2 ** 40], 'boundaries-read': [1] },
    { id: 'nope' },
    { id: path },
  ]) {
    let problem: string | undefined;
    try {
      await execute('block-latency-histogram-set', args);
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    const [disk] = (await execute('query-blockstats')) as BlockStats[];
    const { rd_latency_histogram: rd, wr_latency_histogram: wr, flush_latency_histogram: flush } = disk?.stats ?? {};
    results.push({ args, problem: problem?.replace(/ fail: .*/, ' fail'), rd, wr, flush });
  }
  return results;
}

describeWithPrograms('block-latency-histogram-set', ['qemu-system-x86_64'], () => {
  it('accepts, refuses and shows what the emulator does', async () => {
    const qemu = await spawnQemu({
      args: [
        ...['-machine', 'pc', '-nodefaults', '-display', 'none', '-S'],
        ...['-blockdev', 'null-co,node-name=n', '-device', 'virtio-blk-pci,drive=n,id=dev'],
      ],
    });
    onTestFinished(async () => void (await qemu.close()));
    const real = await shown((command, args) => qemu.client.execute(command, args));
    await using ours = new LayerClient();
    await ours.layer.addDrive(readDrive('file=null-co://,format=raw,if=none,id=d', ours.layer.registry));
    await ours.layer.addDevice(readDevice('disk,drive=d,id=dev'));
    expect(await shown((command, args) => ours.execute(command, args))).toEqual(real);
  }, 60_000);
});
