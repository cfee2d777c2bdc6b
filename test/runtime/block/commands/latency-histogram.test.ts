import { writeFileSync } from 'node:fs';
import { beforeEach, expect, it } from 'vitest';
import type { BlockStats } from '../../../../generated/index.js';
import { readDevice } from '../../../../runtime/block/drive/device.js';
import { JobClient } from '../jobs/job-client.js';

let client: JobClient;

beforeEach(async () => {
  client = await JobClient.withChain();
  await client.layer.addDevice(readDevice('disk,drive=d0,id=dev'));
});

const set = (more: object, id = 'dev') => client.execute('block-latency-histogram-set', { id, ...more });

async function bins() {
  const [disk] = (await client.execute('query-blockstats')) as BlockStats[];
  const histograms = Object.entries(disk?.stats ?? {}).filter(([name]) => name.endsWith('_histogram'));
  return Object.fromEntries(histograms.map(([name, { bins }]) => [name.replace('_latency_histogram', ''), bins]));
}

async function requests(): Promise<void> {
  const backend = client.backend('d0');
  await backend.read(0, Buffer.alloc(512));
  await backend.read(512, Buffer.alloc(512));
  await backend.write(0, Buffer.alloc(512, 1));
  await backend.flush();
  await backend.discard(4096, 512);
}

/** A boundary that no request here takes as long as, in nanoseconds: an hour. */
const hour = 3600e9;

it('shows no histogram before one is asked for', async () => {
  await requests();
  expect(await bins()).toEqual({});
});

it('counts each kind of request by how long it took, from the command on', async () => {
  await requests();
  await set({ boundaries: [hour] });
  expect(await bins()).toEqual({ rd: [0, 0], wr: [0, 0], zone_append: [0, 0], flush: [0, 0] });
  await requests();
  expect(await bins()).toEqual({ rd: [2, 0], wr: [1, 0], zone_append: [0, 0], flush: [1, 0] });
});

it('prefers the boundaries of a kind, leaves other histograms as they are, and empties those that it sets', async () => {
  await set({ boundaries: [hour], 'boundaries-write': [1, hour] });
  await requests();
  expect(await bins()).toEqual({ rd: [2, 0], wr: [0, 1, 0], zone_append: [0, 0], flush: [1, 0] });
  await expect(set({ 'boundaries-read': [] })).rejects.toThrow('there must be some');
  await set({ 'boundaries-read': [1] });
  expect(await bins()).toEqual({ rd: [0, 0], wr: [0, 1, 0], zone_append: [0, 0], flush: [1, 0] });
});

it('sets a histogram of one kind alone, and removes all without boundaries', async () => {
  await set({ 'boundaries-flush': [5] });
  expect(Object.keys(await bins())).toEqual(['flush']);
  await set({});
  expect(await bins()).toEqual({});
});

it('counts failed requests, also where they count in no other statistics', async () => {
  writeFileSync(client.at('e.raw'), Buffer.alloc(65_536));
  const rule = 'file.driver=blkdebug,file.inject-error.0.event=read_aio,file.inject-error.0.errno=5';
  await client.drive(
    `${rule},file.image.driver=file,file.image.filename=${client.at('e.raw')},driver=raw,id=e,stats-account-failed=off`,
  );
  await client.execute('block-latency-histogram-set', { id: 'e', boundaries: [hour] });
  await expect(client.backend('e').read(0, Buffer.alloc(512))).rejects.toThrow();
  const all = (await client.execute('query-blockstats')) as BlockStats[];
  expect(all.find(({ device }) => device === 'e')?.stats).toMatchObject({
    failed_rd_operations: 1,
    rd_total_time_ns: 0,
    rd_latency_histogram: { bins: [1, 0] },
  });
});

it.each([
  ['read', { boundaries: [5, 5] }],
  ['read', { 'boundaries-read': [0] }],
  ['write', { boundaries: [5], 'boundaries-write': [2, 1] }],
  ['append write', { 'boundaries-zap': [1, 1] }],
  ['flush', { boundaries: [5], 'boundaries-flush': [3, 2] }],
])('names the wrong boundaries of kind %s in %j, and sets none', async (kind, boundaries) => {
  await expect(set(boundaries)).rejects.toThrow(`Device 'dev' set ${kind} boundaries fail`);
  expect(await bins()).toEqual({});
});

it.each(['dev', 'd0', '/machine/peripheral/dev', '/machine/peripheral/dev/virtio-backend'])(
  'finds the device that %s names',
  async (id) => {
    await set({ boundaries: [5] }, id);
    expect(Object.keys(await bins())).toHaveLength(4);
  },
);

it('reports the class DeviceNotFound for a device that does not exist', async () => {
  await expect(set({}, 'nope')).rejects.toMatchObject({ class: 'DeviceNotFound' });
});
