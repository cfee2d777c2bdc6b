import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { BlockHost } from '../../../../../../runtime/block/driver.js';
import { IncompatibleFeature, readHeader } from '../../../../../../runtime/block/drivers/qcow2/format/header.js';
import type { OptionValue } from '../../../../../../runtime/block/options.js';
import type { MemoryChild } from '../../../memory-child.js';
import { createImage, testHost } from '../images.js';
import { filled, openOn } from '../opened.js';

const cluster = 4096;
/** The places of an image of 1 MiB with clusters of 4 KiB, in clusters. */
const place = { refcountTable: 1, refcountBlock: 2, l1: 3, l2: 4, data: 5 };

interface Seen {
  readonly host: BlockHost;
  readonly events: { readonly name: string; readonly data: unknown }[];
}

function watched(): Seen {
  const events: { name: string; data: unknown }[] = [];
  return { events, host: { ...testHost, events: { emit: (name, data) => void events.push({ name, data }) } } };
}

/** An image with its first cluster written, whose entry is then made to point elsewhere. */
async function doctored(target: number, version = '1.1', flags = 0x8000_0000): Promise<MemoryChild> {
  const file = await createImage(2 ** 20, { compat: version, cluster_size: cluster });
  const { instance } = await openOn(file);
  await instance.write(0, filled(cluster, 1), 0);
  await instance.close();
  const view = new DataView(file.bytes.buffer, file.bytes.byteOffset);
  expect(view.getUint32(place.l2 * cluster + 4)).toBe(place.data * cluster);
  view.setUint32(place.l2 * cluster, flags);
  view.setUint32(place.l2 * cluster + 4, target);
  file.steps.length = 0;
  return file;
}

async function incompatible(file: MemoryChild): Promise<number> {
  return (await readHeader(file)).incompatible;
}

describe('a write where metadata are', () => {
  it.each([
    ['the refcount table', place.refcountTable],
    ['a refcount block', place.refcountBlock],
    ['the active L1 table', place.l1],
    ['an active L2 table', place.l2],
  ])('refuses a write that would overwrite metadata: %s', async (name, target) => {
    const file = await doctored(target * cluster);
    const { host, events } = watched();
    const { instance } = await openOn(file, { host });
    const before = file.bytes.slice();
    await expect(instance.write(0, filled(512, 2), 0)).rejects.toMatchObject({ code: 'EIO' });
    expect(events).toEqual([
      {
        name: 'BLOCK_IMAGE_CORRUPTED',
        data: {
          device: 'drive0',
          'node-name': 'test',
          msg: `A write would overwrite ${name}`,
          offset: target * cluster,
          size: 512,
          fatal: true,
        },
      },
    ]);
    expect(await incompatible(file)).toBe(IncompatibleFeature.corrupt);
    expect(instance.specificInfo()).toMatchObject({ data: { corrupt: true } });
    for (const request of [
      () => instance.read(cluster, filled(512, 0), 0),
      () => instance.write(cluster, filled(512, 0), 0),
      () => instance.writeZeroes(0, cluster, 0),
      () => instance.discard(0, cluster),
      () => instance.flushToOs(),
      () => instance.blockStatus(0, 512),
      () => instance.truncate(2 ** 21),
    ]) {
      await expect(request()).rejects.toMatchObject({ code: 'ENOMEDIUM' });
    }
    await instance.close();
    file.bytes[79] = 0;
    expect(Buffer.compare(file.bytes, before)).toBe(0);
  });

  it('stops an image of version 2 without marking it', async () => {
    const file = await doctored(place.l1 * cluster, '0.10');
    const before = file.bytes.slice();
    const { host, events } = watched();
    const { instance } = await openOn(file, { host });
    await expect(instance.write(0, filled(512, 2), 0)).rejects.toMatchObject({ code: 'EIO' });
    await expect(instance.read(cluster, filled(512, 0), 0)).rejects.toMatchObject({ code: 'ENOMEDIUM' });
    expect(events).toHaveLength(1);
    await instance.close();
    expect(Buffer.compare(file.bytes, before)).toBe(0);
  });

  const passing: readonly (readonly [title: string, options: { [name: string]: OptionValue }, target: number])[] = [
    ['all', { 'overlap-check': 'none' }, place.l1],
    ['by template', { 'overlap-check.template': 'constant' }, place.l2],
    ['one by one', { 'overlap-check': 'all', 'overlap-check.active-l2': false }, place.l2],
    ['one by one', { 'overlap-check.refcount-block': 'off' }, place.refcountBlock],
  ];
  it.each(passing)('lets the write pass where the check is turned off, %s: %o', async (_, options, target) => {
    const file = await doctored(target * cluster);
    const { instance } = await openOn(file, { options });
    await instance.write(0, filled(512, 2), 0);
    expect(file.bytes[target * cluster]).toBe(2);
  });

  it('refuses the write where only that check is turned on', async () => {
    const file = await doctored(place.l1 * cluster);
    const options = { 'overlap-check.template': 'none', 'overlap-check.active-l1': true };
    const { instance } = await openOn(file, { options });
    await expect(instance.write(0, filled(512, 2), 0)).rejects.toMatchObject({ code: 'EIO' });
  });
});

describe('reserved bits', () => {
  it.each([
    ['low', 5 * cluster + 0x1fe, 0x8000_0000],
    ['high', 5 * cluster, 0xbf00_0000],
  ])('an entry with all reserved bits of its %s half is read and written as one without', async (_, low, high) => {
    const file = await doctored(low, '1.1', high);
    const { host, events } = watched();
    const { instance } = await openOn(file, { host });
    const buffer = filled(cluster, 0);
    await instance.read(0, buffer, 0);
    expect(buffer).toEqual(filled(cluster, 1));
    await instance.write(512, filled(512, 2), 0);
    await instance.read(0, buffer, 0);
    expect(buffer.subarray(512, 1024)).toEqual(filled(512, 2));
    await instance.writeZeroes(0, cluster, 0);
    await instance.close();
    const again = await openOn(file, { host });
    await again.instance.read(0, buffer, 0);
    expect(buffer).toEqual(filled(cluster, 0));
    expect(events).toEqual([]);
    expect(await incompatible(file)).toBe(0);
  });
});

describe('impossible entries', () => {
  it.each([
    ['not at the beginning of a cluster', 5 * cluster + 512, 0x8000_0000],
    ['beyond all files', 5 * cluster, 0x00ff_0000],
    ['compressed, beyond all files', 0, 0x40ff_ffff],
  ])('an impossible entry stops an image that can be written: %s', async (_, low, high) => {
    const file = await doctored(low, '1.1', high);
    const { host, events } = watched();
    const { instance } = await openOn(file, { host });
    await expect(instance.read(0, filled(512, 0), 0)).rejects.toMatchObject({ code: 'EIO' });
    expect(events).toMatchObject([{ data: { fatal: true, offset: place.l2 * cluster, size: 8 } }]);
    await expect(instance.read(0, filled(512, 0), 0)).rejects.toMatchObject({ code: 'ENOMEDIUM' });
    expect(await incompatible(file)).toBe(IncompatibleFeature.corrupt);
  });

  it('reports impossible entries of a read-only image once, and still reads the rest', async () => {
    const file = await doctored(5 * cluster + 512);
    const { host, events } = watched();
    const { instance } = await openOn(file, { host, flags: { readOnly: true } });
    for (let time = 0; time < 2; time++) {
      await expect(instance.read(0, filled(512, 0), 0)).rejects.toMatchObject({ code: 'EIO' });
    }
    expect(events).toMatchObject([{ data: { fatal: false } }]);
    await instance.read(cluster, filled(512, 0), 0);
    await instance.close();
    expect(file.steps).toEqual([]);
  });

  it('impossible entries in the L1 table stop the image, too', async () => {
    const file = await doctored(5 * cluster);
    new DataView(file.bytes.buffer, file.bytes.byteOffset).setUint32(place.l1 * cluster + 4, place.l2 * cluster + 512);
    const { host, events } = watched();
    const { instance } = await openOn(file, { host });
    await expect(instance.write(0, filled(512, 0), 0)).rejects.toMatchObject({ code: 'EIO' });
    expect(events).toMatchObject([{ data: { fatal: true } }]);
  });

  it('treats zero entries as impossible in version 2', async () => {
    const file = await doctored(1, '0.10', 0);
    const { instance } = await openOn(file);
    await expect(instance.read(0, filled(512, 0), 0)).rejects.toMatchObject({ code: 'EIO' });
  });

  it('compressed data that do not fill exactly one cluster fail the request only', async () => {
    const longer = deflateRawSync(filled(2 * cluster, 1));
    const shorter = deflateRawSync(filled(cluster - 1, 1));
    for (const content of [filled(cluster, 0xff), new Uint8Array(cluster), longer, shorter]) {
      const file = await doctored(5 * cluster, '1.1', 0x4000_0000);
      file.bytes.set(content, 5 * cluster);
      const { instance } = await openOn(file);
      await expect(instance.read(0, filled(512, 0), 0)).rejects.toMatchObject({ code: 'EIO' });
      await instance.read(cluster, filled(512, 0), 0);
      expect(await incompatible(file)).toBe(0);
    }
  });
});
