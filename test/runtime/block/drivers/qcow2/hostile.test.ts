import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { check } from '../../../../../runtime/block/drivers/qcow2/check/check.js';
import { longestStructure } from '../../../../../runtime/block/drivers/qcow2/check/context.js';
import { repair } from '../../../../../runtime/block/drivers/qcow2/check/repair.js';
import { readHeader, serialiseHeader } from '../../../../../runtime/block/drivers/qcow2/format/header.js';
import { BlockError, ioError } from '../../../../../runtime/block/error.js';
import { largestSize } from '../../../../../runtime/block/limits.js';
import { MemoryChild } from '../../memory-child.js';
import { Damager, damages } from './damage.js';
import { createImage, snapshotInfo } from './images.js';
import { filled, type Opened, openOn } from './opened.js';

const KiB = 1024;
/** More requests than any of these small images is worth, and more bytes. */
const requestBudget = 20_000;
const byteBudget = 256 * KiB * KiB;
const dataByte = 0xd5;

/** The places in the first cluster that are written, and how many bytes there. */
const headerFields = new Map([
  [24, [8]],
  // The L1 table alone, or with the refcount table.
  [36, [12, 24]],
  [48, [12]],
  [60, [12]],
  [72, [8]],
  [88, [8]],
]);

/** Fails the test when what is done to it is out of bounds: these errors are no BlockErrors. */
class GuardedChild extends MemoryChild {
  requests = 0;
  moved = 0;
  readonly #longest: number;
  readonly #clusterSize: number;
  readonly #repairing: boolean;

  constructor(bytes: Uint8Array, repairing: boolean) {
    super(bytes.slice());
    this.#repairing = repairing;
    // The largest table there may be, and a bit.
    this.#longest = bytes.length + longestStructure + 16 * KiB * KiB;
    const bits = new DataView(bytes.buffer, bytes.byteOffset).getUint32(20);
    this.#clusterSize = bits >= 9 && bits <= 21 ? 2 ** bits : 512;
    this.onRequest = (kind, offset, length) => {
      this.requests++;
      this.moved += length;
      if (this.requests > requestBudget) throw new Error('too many requests');
      if (this.moved > byteBudget) throw new Error('too many bytes');
      if (offset < 0 || Number.isNaN(offset)) throw new Error(`no such place: ${offset}`);
      if (offset + length > largestSize) throw ioError('EINVAL');
      if (kind === 'read' || offset + length <= this.#longest) return;
      // An image may say that something of it is far away. Nothing new is put there.
      if (this.#repairing) throw new Error(`a ${kind} far beyond the end: ${offset}`);
      throw ioError('EFBIG');
    };
  }

  override write(offset: number, data: Uint8Array): Promise<void> {
    const isHeader =
      (offset === 0 && data.length === this.#clusterSize) || headerFields.get(offset)?.includes(data.length);
    if (offset < this.#clusterSize && !isHeader) throw new Error(`a write of ${data.length} bytes into the header`);
    if (data.length > 0 && data.every((byte) => byte === dataByte)) this.#guardTables(offset, data.length);
    return super.write(offset, data);
  }

  /** Guest data must not go where the header says that tables are. */
  #guardTables(offset: number, length: number): void {
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset);
    const tables = [
      [Number(view.getBigUint64(40)), view.getUint32(36) * 8],
      [Number(view.getBigUint64(48)), view.getUint32(56) * this.#clusterSize],
    ] as const;
    for (const [start, size] of tables) {
      if (offset < start + size && start < offset + length) throw new Error(`data written over a table at ${offset}`);
    }
  }
}

/** Awaits something that may fail as hostile images make it fail, but not otherwise. */
async function survive<Result>(attempt: Promise<Result>): Promise<Result | undefined> {
  try {
    return await attempt;
  } catch (error) {
    if (error instanceof BlockError) return undefined;
    throw error;
  }
}

/** Opens an image with the options that it needs: a file for its data, or the key to it. */
async function openImage(file: MemoryChild, readOnly: boolean): Promise<Opened> {
  const header = await readHeader(file);
  const data = new MemoryChild(new Uint8Array(Math.min(header.size, 2 ** 20)));
  const secret = header.encryption === 2 ? { 'encrypt.key-secret': 'right' } : {};
  return openOn(file, { flags: { readOnly }, options: secret, data });
}

/** Does to an image all that a guest can, and then some. */
async function use(bytes: Uint8Array, readOnly: boolean): Promise<MemoryChild | undefined> {
  const file = new GuardedChild(bytes, false);
  const opened = await survive(openImage(file, readOnly));
  if (opened === undefined) return undefined;
  const { instance } = opened;
  for (const { name } of instance.bitmaps.kept) await survive(instance.bitmaps.load(name, () => {}));
  const places = [0, 4 * KiB, 63.5 * KiB, Math.floor(instance.length / 2 / 512) * 512].filter(
    (place) => place + 1024 <= instance.length,
  );
  for (const place of places) {
    await survive(instance.read(place, new Uint8Array(1024), 0));
    await survive(instance.blockStatus(place, 1024));
  }
  if (!readOnly) {
    await Promise.all(places.map((place) => survive(instance.write(place, filled(1024, dataByte), 0))));
    for (const place of places) {
      await survive(instance.write(place + 512, filled(512, dataByte), 0));
      await survive(instance.writeZeroes(place, 512, 0));
    }
    await survive(instance.discard(0, Math.min(instance.length, 8 * KiB)));
    await survive(instance.writeCompressed(0, filled(512, 1)));
    await survive(instance.flushToOs());
    await survive(instance.snapshots.create?.({ ...snapshotInfo, id: '', name: 'new' }) ?? Promise.resolve());
    await survive(instance.write(0, filled(1024, dataByte), 0));
    await survive(instance.snapshots.delete?.('1') ?? Promise.resolve());
    for (const { name } of instance.bitmaps.kept) await survive(instance.bitmaps.remove(name));
    await survive(instance.truncate(instance.length + 64 * KiB));
    await survive(instance.changeBackingFile({ name: 'other', format: 'raw' }));
    await survive(instance.makeEmpty());
  }
  instance.snapshots.list();
  await survive(instance.close());
  return file;
}

async function examine(bytes: Uint8Array): Promise<void> {
  const header = await survive(readHeader(new GuardedChild(bytes, true)));
  const file = new GuardedChild(bytes, true);
  const found = await survive(check(file));
  if (header !== undefined && found !== undefined) expect(file.steps).toEqual([]);
  const broken = new GuardedChild(bytes, true);
  await survive(repair(broken, 'leaks'));
  await survive(repair(broken, 'all'));
}

async function everything(bytes: Uint8Array): Promise<void> {
  await examine(bytes);
  await use(bytes, true);
  await use(bytes, false);
}

const bitmap = {
  ...{ name: 'kept', granularity: 512, recording: true, inconsistent: false },
  runs: () => [{ offset: 8 * KiB, length: 24 * KiB }],
};

const luks = { 'encrypt.format': 'luks', 'encrypt.key-secret': 'right', 'encrypt.iter-time': 0 };

/** An image with a bit of everything: data, zeroes, compressed clusters, holes, a bitmap, and a snapshot that shares all of it. */
async function richImage(options: object): Promise<Uint8Array> {
  const file = await createImage(96 * KiB, { cluster_size: 512, ...options });
  const { instance } = await openImage(file, false);
  await instance.write(0, filled(8 * KiB, 1), 0);
  await instance.write(63 * KiB, filled(4 * KiB, 2), 0);
  // Refcounts of one bit allow neither clusters that share a host cluster, nor snapshots.
  await survive(instance.writeCompressed(32 * KiB, filled(512, 3)));
  await survive(instance.writeCompressed(32.5 * KiB, filled(512, 4)));
  await survive(instance.writeZeroes(70 * KiB, 2 * KiB, 0));
  await survive(instance.snapshots.create?.(snapshotInfo) ?? Promise.resolve());
  await instance.write(4 * KiB, filled(8 * KiB, 5), 0);
  if ((await readHeader(file)).version === 3) instance.bitmaps.keepFrom(() => [bitmap]);
  await instance.close();
  return file.bytes;
}

interface Mutation {
  readonly place: number;
  readonly value: number;
}

const mutations = fc.array(
  fc.record<Mutation>({
    place: fc.nat({ max: 2 ** 20 }),
    value: fc.oneof(fc.constantFrom(0, 1, 2, 0x10, 0x40, 0x80, 0xc0, 0xff), fc.nat({ max: 255 })),
  }),
  { minLength: 1, maxLength: 8 },
);

function mutate(sound: Uint8Array, places: readonly number[], changes: readonly Mutation[]): Uint8Array {
  const bytes = sound.slice();
  for (const { place, value } of changes) bytes[places[place % places.length] ?? 0] = value;
  return bytes;
}

/** One entry, pointing anywhere that may be of interest. */
const redirections = fc.array(
  fc.record({
    place: fc.nat({ max: 2 ** 20 }),
    cluster: fc.oneof(fc.nat({ max: 200 }), fc.constantFrom(2 ** 31, 2 ** 40, 2 ** 45)),
    flags: fc.constantFrom(0n, 1n, 1n << 63n, (1n << 63n) | 1n, 1n << 62n),
  }),
  { minLength: 1, maxLength: 6 },
);

/** Mutations that have done harm once. */
const foundMutations: [Mutation[]][] = [
  // With refcounts to be rebuilt, a bitmap whose table claims to be 128 MiB long.
  [
    [
      { place: 749512, value: 64 },
      { place: 943456, value: 1 },
    ],
  ],
];

/** Options of an image, and how many mutants of each kind there are. */
const variants: readonly (readonly [options: object, runs: number])[] = [
  ...[{}, { compat: '0.10' }, { refcount_bits: 1 }, { lazy_refcounts: true }].map((options) => [options, 25] as const),
  ...[
    { extended_l2: true, cluster_size: 16384 },
    { compression_type: 'zstd' },
    { data_file: 'data' },
    { data_file: 'data', data_file_raw: true },
    luks,
  ].map((options) => [options, 8] as const),
];

describe.each(variants)('a hostile image %j', (options, runs) => {
  let sound: Uint8Array;
  let places: readonly number[];

  beforeAll(async () => {
    sound = await richImage(options);
    places = (await Damager.of(sound)).metadataPlaces();
  });

  it('the image is sound before, and after it was used', async () => {
    expect(await check(new MemoryChild(sound.slice()))).toMatchObject({ corruptions: 0 });
    const used = await use(sound, false);
    expect(used && (await check(used))).toMatchObject({ corruptions: 0, leaks: 0, checkErrors: 0 });
    await everything(sound);
  });

  it('an image does no harm with any bytes of its metadata changed', { timeout: 60_000 }, () =>
    fc.assert(
      fc.asyncProperty(mutations, (changes) => everything(mutate(sound, places, changes))),
      { numRuns: runs, examples: foundMutations },
    ),
  );

  it('an image does no harm with its tables pointing anywhere', { timeout: 60_000 }, () =>
    fc.assert(
      fc.asyncProperty(redirections, async (changes) => {
        const bytes = sound.slice();
        const view = new DataView(bytes.buffer, bytes.byteOffset);
        for (const { place, cluster, flags } of changes) {
          const at = places[96 + (place % (places.length - 96))] ?? 0;
          view.setBigUint64(at - (at % 8), (BigInt(cluster) * 512n) | flags);
        }
        await everything(bytes);
      }),
      { numRuns: runs },
    ),
  );

  it.each(damages)('an image does no harm with $name', async ({ inflict }) => {
    const bytes = sound.slice();
    inflict(await Damager.of(bytes));
    await everything(bytes);
  });
});

describe('a hostile header', () => {
  it('a header of random bytes is refused, or harmless', { timeout: 60_000 }, async () => {
    const sound = serialiseHeader((await Damager.of((await createImage(64 * KiB)).bytes)).header).subarray(0, 512);
    const field = fc.record({ at: fc.nat({ max: 127 }), value: fc.uint8Array({ minLength: 1, maxLength: 8 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(field, { maxLength: 6 }), async (fields) => {
        const bytes = sound.slice();
        for (const { at, value } of fields) bytes.set(value, at);
        await everything(bytes);
      }),
      { numRuns: 100 },
    );
  });

  it('a header without an image, cut anywhere, is refused, or harmless', async () => {
    const { bytes } = await createImage(64 * KiB, { cluster_size: 512 });
    for (let length = 0; length < bytes.length; length += 37) await everything(bytes.subarray(0, length));
  });

  it('a header with tables of the largest size costs little memory and time', async () => {
    const { header } = await Damager.of((await createImage(64 * KiB)).bytes);
    const largest = {
      l1Entries: 2 ** 22,
      refcountTableClusters: 128,
      snapshotCount: 65536,
      snapshotTableOffset: 2 ** 40,
    };
    await everything(serialiseHeader({ ...header, ...largest }));
  });
});
