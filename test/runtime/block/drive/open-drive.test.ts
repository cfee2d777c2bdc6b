import { describe, expect, it } from 'vitest';
import type { BlockInfo, BlockStats } from '../../../../generated/index.js';
import type { Backend } from '../../../../runtime/block/backend/backend.js';
import { readDrive } from '../../../../runtime/block/drive/read-drive.js';
import { LayerClient } from '../layer-client.js';
import { SimulatedClock } from '../simulated-clock.js';

const second = 1e9;

async function drive(text: string) {
  const clock = new SimulatedClock();
  const client = new LayerClient({ clock });
  await client.layer.addDrive(readDrive(text, client.layer.registry));
  const info = async () => ((await client.execute('query-block')) as BlockInfo[])[0] as BlockInfo;
  const stats = async () => ((await client.execute('query-blockstats')) as BlockStats[])[0]?.stats;
  const [backend] = [...client.layer.backends] as [Backend];
  return { clock, client, info, stats, backend };
}

/** A disk whose first write finds the host out of space. */
const full =
  'format=raw,file.driver=blkdebug,file.image.driver=null-co,file.image.size=1M,file.inject-error.0.event=write_aio,' +
  'file.inject-error.0.errno=28,file.inject-error.0.once=on';

describe('a drive', () => {
  it('reports a failed request of a drive with a device as its policies say', async () => {
    const { client, info, stats, backend } = await drive(`if=virtio,id=vda,${full}`);
    expect(await info()).toMatchObject({ 'io-status': 'ok' });
    await expect(backend.write(0, new Uint8Array(512))).rejects.toThrow(expect.objectContaining({ code: 'ENOSPC' }));
    expect(await info()).toMatchObject({ device: 'vda', removable: false, locked: false, 'io-status': 'nospace' });
    expect(client.events).toEqual([
      {
        name: 'BLOCK_IO_ERROR',
        data: {
          'qom-path': '/machine/peripheral/vda',
          device: 'vda',
          'node-name': (await info()).inserted?.['node-name'],
          operation: 'write',
          action: 'stop',
          nospace: true,
          reason: 'No space left on device',
        },
      },
    ]);
    await backend.write(512, new Uint8Array(512));
    expect(await stats()).toMatchObject({ failed_wr_operations: 1, wr_operations: 1, wr_bytes: 512 });
  });

  it('ignores failures when the policy is ignore', async () => {
    const { client, info, backend } = await drive(`if=virtio,id=vda,werror=ignore,rerror=report,${full}`);
    await backend.write(0, new Uint8Array(512));
    expect(client.events).toMatchObject([{ name: 'BLOCK_IO_ERROR', data: { action: 'ignore' } }]);
    expect(await info()).not.toHaveProperty('io-status');
  });

  it('fails the request of a drive without a device, without an event', async () => {
    const { client, info, backend } = await drive(`if=none,id=d0,${full}`);
    await expect(backend.write(0, new Uint8Array(512))).rejects.toThrow(expect.objectContaining({ code: 'ENOSPC' }));
    expect(client.events).toEqual([]);
    expect(await info()).not.toHaveProperty('io-status');
  });

  it('measures latencies in the intervals of its options', async () => {
    const { clock, stats, backend } = await drive(
      'if=none,id=d0,driver=null-co,size=1M,latency-ns=500000000,stats-intervals.0=2,stats-account-failed=off',
    );
    const reads = [backend.read(0, new Uint8Array(512)), backend.read(512, new Uint8Array(512))];
    await clock.advance(second);
    await Promise.all(reads);
    expect(await stats()).toMatchObject({
      rd_operations: 2,
      rd_total_time_ns: second,
      idle_time_ns: second / 2,
      account_failed: false,
      timed_stats: [{ interval_length: 2, min_rd_latency_ns: second / 2, avg_rd_queue_depth: 1 }],
    });
  });

  it('applies the limits of its options from the start', async () => {
    const { clock, info, backend } = await drive('if=none,id=d0,driver=null-co,size=1M,iops=10,iops_max=10');
    expect((await info()).inserted).toMatchObject({ iops: 10, iops_max: 10, group: 'd0' });
    let done = 0;
    for (let index = 0; index < 40; index++) void backend.read(0, new Uint8Array(1)).then(() => done++);
    await clock.advance(second);
    expect(done).toBe(21);
  });
});
