import { type Qcow2Header, readHeader } from '../../../../../runtime/block/drivers/qcow2/format/header.js';
import { refcountWidth } from '../../../../../runtime/block/drivers/qcow2/format/refcount-width.js';
import { MemoryChild } from '../../memory-child.js';

const bitmapsExtension = 0x2385_2875;

/** Changes an image in memory, to its disadvantage. */
export class Damager {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly header: Qcow2Header;

  private constructor(bytes: Uint8Array, header: Qcow2Header) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.header = header;
  }

  static async of(bytes: Uint8Array): Promise<Damager> {
    return new Damager(bytes, await readHeader(new MemoryChild(bytes)));
  }

  /** Where the L1 entry is. */
  l1(index: number): number {
    return this.header.l1Offset + index * 8;
  }

  /** Where the entry of the first L2 table that there is is. */
  l2(index: number): number {
    for (let entry = 0; ; entry++) {
      const table = this.offsetAt(this.l1(entry));
      if (table !== 0) return table + index * 8;
    }
  }

  /** The offset that the table entry at `at` holds. */
  offsetAt(at: number): number {
    return Number(this.view.getBigUint64(at) & 0x00ff_ffff_ffff_fe00n);
  }

  xor(at: number, bits: bigint): void {
    this.view.setBigUint64(at, this.view.getBigUint64(at) ^ bits);
  }

  set(at: number, value: bigint | number): void {
    this.view.setBigUint64(at, BigInt(value));
  }

  /** The bytes of the header's numbers, and of all entries of tables that are not 0. */
  metadataPlaces(): number[] {
    const { header } = this;
    const places = Array.from({ length: 96 }, (_, index) => index + 8);
    const entries = (offset: number, length: number): number[] => {
      const found: number[] = [];
      for (let at = offset; at < offset + length && at + 8 <= this.bytes.length; at += 8) {
        if (this.view.getBigUint64(at) !== 0n) found.push(at);
      }
      places.push(...found.flatMap((at) => [0, 1, 2, 3, 4, 5, 6, 7].map((byte) => at + byte)));
      return found;
    };
    for (const at of entries(header.l1Offset, header.l1Entries * 8)) entries(this.offsetAt(at), header.clusterSize);
    for (const at of entries(header.refcountTableOffset, header.refcountTableClusters * header.clusterSize)) {
      entries(this.offsetAt(at), header.clusterSize);
    }
    if (header.snapshotCount > 0) entries(header.snapshotTableOffset, 80);
    // What the extensions say, names of features apart.
    entries(104, 24);
    const kept = header.extensions.find(({ type }) => type === bitmapsExtension)?.data;
    if (kept !== undefined) {
      const view = new DataView(kept.buffer, kept.byteOffset);
      const directory = Number(view.getBigUint64(16));
      entries(directory, Number(view.getBigUint64(8)));
      entries(this.offsetAt(directory), header.clusterSize);
    }
    return places;
  }

  /** Sets the refcount of the cluster with the byte `offset`. Its refcount block is the first. */
  refcount(offset: number, change: (count: number, most: number) => number): void {
    const { refcountTableOffset, clusterSize, refcountOrder } = this.header;
    const width = refcountWidth(refcountOrder);
    const perBlock = (clusterSize * 8) / width.bits;
    const cluster = Math.floor(offset / clusterSize);
    const block = this.offsetAt(refcountTableOffset + Math.floor(cluster / perBlock) * 8);
    const place = this.bytes.subarray(block, block + clusterSize);
    const index = cluster % perBlock;
    width.set(place, index, change(width.get(place, index), width.most));
  }
}

/** A way of damaging an image. */
export interface Damage {
  readonly name: string;
  /** Nothing but new refcounts helps. */
  readonly rebuild?: true;
  /** An offset within a cluster is needed. */
  readonly largeClusters?: true;
  readonly inflict: (image: Damager) => void;
}

const copied = 1n << 63n;

/** Ways of damaging an image that has, in its first L2 table, entries 0 and 1 with data. */
export const damages: readonly Damage[] = [
  { name: 'nothing', inflict: () => {} },
  { name: 'a leaked cluster', inflict: (image) => image.set(image.l2(0), 0) },
  { name: 'a leaked table', inflict: (image) => image.set(image.l2(0) - (image.l2(0) % image.header.clusterSize), 0) },
  {
    name: 'a refcount that is too high',
    inflict: (image) => image.refcount(image.offsetAt(image.l2(0)), (count, most) => Math.min(most, count + 1)),
  },
  { name: 'a refcount of the header that is too high', inflict: (image) => image.refcount(0, (_, most) => most) },
  {
    name: 'a refcount of 0',
    rebuild: true,
    inflict: (image) => image.refcount(image.offsetAt(image.l2(0)), () => 0),
  },
  { name: 'a wrong mark in an L2 table', inflict: (image) => image.xor(image.l2(0), copied) },
  { name: 'a wrong mark in the L1 table', inflict: (image) => image.xor(image.l2(0) && image.l1(0), copied) },
  {
    name: 'two clusters of the disk in one of the file',
    inflict: (image) => image.set(image.l2(1), image.view.getBigUint64(image.l2(0))),
  },
  {
    name: 'a cluster that is not aligned',
    largeClusters: true,
    inflict: (image) => image.set(image.l2(0), BigInt(image.offsetAt(image.l2(0)) + 512) | copied),
  },
  {
    name: 'a cluster beyond the end',
    inflict: (image) => image.set(image.l2(0), (1n << 40n) | copied),
  },
  {
    name: 'a cluster just beyond the end',
    inflict: (image) => {
      const { clusterSize } = image.header;
      const end = Math.ceil(image.bytes.length / clusterSize) * clusterSize;
      image.set(image.l2(0), BigInt(end + clusterSize) | copied);
    },
  },
  { name: 'reserved bits in an L2 entry', inflict: (image) => image.xor(image.l2(0), 1n << 57n) },
  { name: 'reserved bits in an L1 entry', inflict: (image) => image.xor(image.l1(0), 1n << 57n) },
  {
    name: 'an L1 entry that is not aligned',
    largeClusters: true,
    inflict: (image) => image.set(image.l1(0), BigInt(image.offsetAt(image.l1(0)) + 512) | copied),
  },
  {
    name: 'an L2 table that is the L1 table',
    inflict: (image) => image.set(image.l1(0), BigInt(image.header.l1Offset) | copied),
  },
  { name: 'an L2 table that is the header', inflict: (image) => image.set(image.l1(0), copied) },
  {
    name: 'a missing refcount block',
    rebuild: true,
    inflict: (image) => image.set(image.header.refcountTableOffset, 0),
  },
  {
    name: 'a refcount block beyond the end',
    rebuild: true,
    inflict: (image) => image.set(image.header.refcountTableOffset, 1n << 33n),
  },
  {
    name: 'a refcount block that is not aligned',
    largeClusters: true,
    rebuild: true,
    inflict: (image) =>
      image.set(image.header.refcountTableOffset, image.offsetAt(image.header.refcountTableOffset) + 512),
  },
  {
    name: 'reserved bits in the refcount table',
    rebuild: true,
    inflict: (image) => image.xor(image.header.refcountTableOffset, 4n),
  },
  {
    name: 'a refcount block that holds data',
    rebuild: true,
    inflict: (image) => image.set(image.l2(0), BigInt(image.offsetAt(image.header.refcountTableOffset)) | copied),
  },
  {
    name: 'a compressed cluster that is marked as copied',
    inflict: (image) => image.xor(image.l2(0), 1n << 62n),
  },
  {
    name: 'a snapshot that does not say its disk size',
    inflict: ({ header, view, bytes }) => {
      if (header.snapshotCount === 0) return;
      const at = header.snapshotTableOffset;
      const names = at + 40 + view.getUint32(at + 36);
      bytes.copyWithin(at + 48, names, names + view.getUint16(at + 12) + view.getUint16(at + 14));
      view.setUint32(at + 36, 8);
    },
  },
  {
    name: 'the marks of being dirty and corrupt',
    inflict: (image) => {
      if (image.header.version === 3) image.xor(72, 3n);
    },
  },
];
