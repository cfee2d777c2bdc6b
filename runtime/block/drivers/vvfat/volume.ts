import { BlockError } from '../../error.js';
import { roundUp, sectorSize } from '../../limits.js';
import { bootSector, copySector, freeCount, infoSector, masterBootRecord, mediaOf } from './boot.js';
import { folderEntries } from './folder.js';
import { fats, type Geometry, rootEntries } from './geometry.js';
import type { HostEntry } from './scan.js';

/** The cluster that is the first one. */
const firstCluster = 2;
const entryLength = 32;

/** A stretch of the disk that is not zero. */
export interface Piece {
  /** Bytes. */
  readonly start: number;
  readonly length: number;
  /** Its contents, or the file that has them. */
  readonly from: Buffer | HostEntry;
}

/** Lays out a volume: its pieces in the order of the disk. @throws BlockError (ENOSPC) when it has no room for all */
export function layOut(root: HostEntry, geometry: Geometry, label: Buffer): Piece[] {
  const volume = new Volume(root, geometry);
  const { fat, sectorsPerFat, boot, bits } = geometry;
  const table = volume.table();
  const sectors: [number, Buffer][] = [[boot, bootSector(geometry, label)]];
  if (boot > 0) sectors.unshift([0, masterBootRecord(geometry)]);
  if (bits === 32) {
    const info = freeCount(geometry.clusters - volume.used, firstCluster + volume.used);
    const first = bootSector(geometry, label);
    sectors.push([boot + infoSector, info], [boot + copySector, first], [boot + copySector + infoSector, info]);
  }
  for (let copy = 0; copy < fats; copy++) sectors.push([fat + copy * sectorsPerFat, table]);
  const pieces = sectors.map(([sector, from]) => ({ start: sector * sectorSize, length: from.length, from }));
  return [...pieces, ...volume.contents(label)];
}

/** Which clusters the files and folders of a volume have: those of each lie side by side. */
class Volume {
  readonly #geometry: Geometry;
  readonly #first = new Map<HostEntry, number>();
  readonly #above = new Map<HostEntry, HostEntry>();
  /** In the order of their clusters: a folder comes before what is in it. */
  readonly #order: HostEntry[];
  /** Clusters that are in use. */
  used = 0;

  constructor(root: HostEntry, geometry: Geometry) {
    this.#geometry = geometry;
    this.#order = [root];
    for (const entry of this.#order) {
      for (const child of entry.entries ?? []) {
        this.#above.set(child, entry);
        this.#order.push(child);
      }
      const length = this.#lengthOf(entry);
      if (length === 0) continue;
      this.#first.set(entry, firstCluster + this.used);
      this.used += this.#clustersOf(length);
      if (this.used > geometry.clusters) this.#refuse(root.path);
    }
  }

  /** Bytes of clusters that the root folder takes. @throws BlockError when it has a place of its own, and that is too small */
  #rootLength(root: HostEntry): number {
    const length = folderLength(root) + entryLength;
    if (this.#geometry.bits === 32) return length;
    if (length > rootEntries * entryLength) {
      throw new BlockError(
        `'${root.path}' has too many files: the root folder of a FAT${this.#geometry.bits} volume has ${rootEntries} entries, ` +
          'of which long names take several. FAT32 has no such limit',
        { code: 'ENOSPC' },
      );
    }
    return 0;
  }

  #refuse(path: string): never {
    const { bits, clusters, clusterSectors } = this.#geometry;
    const room = ((clusters * clusterSectors * sectorSize) / 2 ** 20).toFixed(1);
    throw new BlockError(`'${path}' has more than fits on a FAT${bits} volume of ${room} MiB`, { code: 'ENOSPC' });
  }

  #clustersOf(length: number): number {
    return Math.ceil(length / (this.#geometry.clusterSectors * sectorSize));
  }

  #placeOf(cluster: number): number {
    return (this.#geometry.data + (cluster - firstCluster) * this.#geometry.clusterSectors) * sectorSize;
  }

  /** The allocation table: each cluster's next one. */
  table(): Buffer {
    const { bits, sectorsPerFat } = this.#geometry;
    const end = bits === 32 ? 0x0fff_ffff : 2 ** bits - 1;
    const bytes = Buffer.alloc(roundUp(Math.ceil(((firstCluster + this.used) * bits) / 8) + 1, sectorSize));
    setEntry(bytes, bits, 0, end - 0xff + mediaOf(this.#geometry));
    setEntry(bytes, bits, 1, end);
    for (const [entry, first] of this.#first) {
      const last = first + this.#clustersOf(this.#lengthOf(entry)) - 1;
      for (let cluster = first; cluster < last; cluster++) setEntry(bytes, bits, cluster, cluster + 1);
      setEntry(bytes, bits, last, end);
    }
    return bytes.subarray(0, sectorsPerFat * sectorSize);
  }

  #lengthOf(entry: HostEntry): number {
    return entry === this.#order[0] ? this.#rootLength(entry) : lengthOf(entry);
  }

  /** The folders and files. */
  contents(label: Buffer): Piece[] {
    return this.#order.flatMap((entry): Piece[] => {
      const first = this.#first.get(entry);
      const parent = this.#above.get(entry);
      const start = first === undefined ? this.#geometry.root * sectorSize : this.#placeOf(first);
      if (entry.entries === undefined)
        return first === undefined ? [] : [{ start, length: entry.stats.size, from: entry }];
      const clusterOf = (child: HostEntry): number => this.#first.get(child) ?? 0;
      // The root folder counts as cluster 0, wherever it is.
      const above = parent === undefined || parent === this.#order[0] ? 0 : clusterOf(parent);
      const own = parent === undefined ? { label } : { own: { cluster: first ?? 0, above, parent } };
      const from = folderEntries(entry, { clusterOf, ...own });
      return [{ start, length: from.length, from }];
    });
  }
}

/** Bytes of a file, or of the entries of a folder but for the root. */
function lengthOf(entry: HostEntry): number {
  return entry.entries === undefined ? entry.stats.size : folderLength(entry) + 2 * entryLength;
}

function folderLength({ entries = [] }: HostEntry): number {
  return entries.reduce((sum, { name }) => sum + (1 + Math.ceil(name.length / 13)) * entryLength, 0);
}

function setEntry(table: Buffer, bits: Geometry['bits'], index: number, value: number): void {
  if (bits === 32) table.writeUInt32LE(value, index * 4);
  else if (bits === 16) table.writeUInt16LE(value, index * 2);
  else {
    const at = (index * 3) >> 1;
    const old = table.readUInt16LE(at);
    table.writeUInt16LE(index % 2 === 0 ? (old & 0xf000) | value : (old & 0x000f) | (value << 4), at);
  }
}
