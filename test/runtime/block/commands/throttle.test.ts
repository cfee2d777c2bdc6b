import { describe, expect, it } from 'vitest';
import type { BlockInfo } from '../../../../generated/index.js';
import { VirtualDevice } from '../../../../runtime/block/backend/virtual-device.js';
import { readDrive } from '../../../../runtime/block/drive/read-drive.js';
import { LayerClient } from '../layer-client.js';
import { SimulatedClock } from '../simulated-clock.js';

const none = { bps: 0, bps_rd: 0, bps_wr: 0, iops: 0, iops_rd: 0, iops_wr: 0 };
const second = 1e9;

async function layer(...drives: string[]) {
  const clock = new SimulatedClock();
  const client = new LayerClient({ clock });
  for (const text of drives) await client.layer.addDrive(readDrive(text, client.layer.registry));
  const limit = (args: object): Promise<unknown> => client.execute('block_set_io_throttle', { ...none, ...args });
  const shown = async (device: string): Promise<BlockInfo['inserted']> => {
    const infos = (await client.execute('query-block')) as BlockInfo[];
    return infos.find((info) => info.device === device)?.inserted;
  };
  return { clock, client, limit, shown };
}

const disk = (id: string, more = ''): string => `id=${id},if=none,driver=null-co,size=1M${more}`;

describe('block_set_io_throttle', () => {
  it('sets and removes limits, all of them each time', async () => {
    const { limit, shown } = await layer(disk('d0'));
    await limit({ device: 'd0', iops: 1000, iops_max: 5000, iops_max_length: 3, iops_size: 4096, group: 'gg' });
    expect(await shown('d0')).toMatchObject({
      ...none,
      iops: 1000,
      iops_max: 5000,
      iops_max_length: 3,
      iops_size: 4096,
      group: 'gg',
    });
    await limit({ device: 'd0', bps_rd: 2000 });
    const inserted = await shown('d0');
    expect(inserted).toMatchObject({ ...none, bps_rd: 2000, group: 'gg' });
    for (const name of ['iops_max', 'iops_max_length', 'iops_size']) expect(inserted).not.toHaveProperty(name);
    await limit({ device: 'd0', group: 'ignored' });
    expect(await shown('d0')).toMatchObject(none);
    expect(await shown('d0')).not.toHaveProperty('group');
  });

  it('checks the names, the medium and the limits, in this order, and changes nothing when they are wrong', async () => {
    const { limit, shown } = await layer(disk('d0', ',iops=5'), 'id=empty,if=none');
    const contradictory = { bps: 1, bps_rd: 1 };
    await expect(limit(contradictory)).rejects.toMatchObject({ class: 'GenericError', message: /^Exactly one of/ });
    await expect(limit({ ...contradictory, device: 'd9' })).rejects.toMatchObject({ class: 'DeviceNotFound' });
    await expect(limit({ ...contradictory, device: 'empty' })).rejects.toMatchObject({
      class: 'GenericError',
      message: "Device 'empty' has no medium",
    });
    await expect(limit({ ...contradictory, device: 'd0' })).rejects.toMatchObject({ class: 'GenericError' });
    expect(await shown('d0')).toMatchObject({ ...none, iops: 5, group: 'd0' });
  });

  it('names a new group after the device, or after its id', async () => {
    const { client, limit, shown } = await layer(disk('d0'), disk('d1'));
    for (const name of ['d0', 'd1']) {
      const backend = client.layer.backend(name);
      if (backend) backend.device = new VirtualDevice({ kind: 'disk', id: `dev-${name}` });
    }
    await limit({ device: 'd0', iops: 1 });
    await limit({ id: 'dev-d1', iops: 1 });
    expect(await shown('d0')).toMatchObject({ group: 'd0' });
    expect(await shown('d1')).toMatchObject({ group: 'dev-d1' });
  });

  it('refuses limits beyond all bounds with their exact digits', async () => {
    const { limit } = await layer(disk('d0'));
    await expect(limit({ device: 'd0', bps: 2n ** 62n + 1n })).rejects.toThrow('bps-total is 4611686018427387905,');
    const length = { device: 'd0', iops: 1, iops_max: 1, iops_max_length: 2n ** 62n };
    await expect(limit(length)).rejects.toThrow('iops-total-max-length is 4611686018427387904,');
  });

  it('sets the limits of a whole group, which a device keeps when others leave', async () => {
    const { limit, shown } = await layer(disk('d0', ',iops=10,group=g'), disk('d1', ',iops=20,group=g'), disk('d2'));
    expect(await shown('d0')).toMatchObject({ iops: 20, group: 'g' });
    await limit({ device: 'd2', bps: 500, group: 'g' });
    for (const name of ['d0', 'd1', 'd2']) expect(await shown(name)).toMatchObject({ ...none, bps: 500, group: 'g' });
    await limit({ device: 'd1' });
    await limit({ device: 'd2', bps: 9, group: 'other' });
    expect(await shown('d0')).toMatchObject({ bps: 500, group: 'g' });
    expect(await shown('d1')).not.toHaveProperty('group');
    expect(await shown('d2')).toMatchObject({ bps: 9, group: 'other' });
  });

  it('holds requests back, and releases those that wait when the limits are removed', async () => {
    const { clock, client, limit } = await layer(disk('d0'));
    await limit({ device: 'd0', bps_wr: 1000 });
    const backend = client.layer.backend('d0');
    let done = 0;
    for (let index = 0; index < 6; index++) void backend?.write(0, new Uint8Array(1000)).then(() => done++);
    await clock.advance(2 * second);
    expect(done).toBe(3);
    await limit({ device: 'd0' });
    await clock.advance(0);
    expect(done).toBe(6);
  });
});
