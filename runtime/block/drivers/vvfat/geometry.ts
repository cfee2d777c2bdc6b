import { sectorSize } from '../../limits.js';
import type { FatBits, VolumeOptions } from './options.js';

/** Where what is, in sectors of the disk; those of QEMU but for FAT32, which needs more clusters and a root folder among them. */
export interface Geometry {
  readonly bits: FatBits;
  readonly cylinders: number;
  readonly heads: number;
  /** Of a track. */
  readonly sectors: number;
  /** Of the disk. */
  readonly total: number;
  /** Where the volume begins: its boot sector. */
  readonly boot: number;
  readonly fat: number;
  readonly sectorsPerFat: number;
  /** Where the root folder is; with FAT32, where clusters are. */
  readonly root: number;
  /** Where clusters begin. */
  readonly data: number;
  readonly clusterSectors: number;
  /** How many there are. The first one has number 2. */
  readonly clusters: number;
}

/** Copies of the file allocation table. */
export const fats = 2;
/** Entries of a root folder that is not made of clusters. */
export const rootEntries = 512;
const entryBytes = 32;
/** FAT32 has a copy of the boot sector, and a count of free clusters, in front of its tables. */
const reserved32 = 32;

/** The places on a volume. */
export function geometryOf({ bits, floppy, small }: Pick<VolumeOptions, 'bits' | 'floppy' | 'small'>): Geometry {
  const [cylinders, heads, sectors] = floppy ? [80, 2, small ? 18 : 36] : [bits === 12 ? 64 : 1024, 16, 63];
  const total = cylinders * heads * sectors;
  const boot = floppy ? 0 : sectors;
  // A guest takes a volume with fewer than 65,525 clusters for FAT16.
  const clusterSectors = bits === 32 ? 8 : 16;
  const perSector = 1 + (clusterSectors * sectorSize * 8) / bits;
  const fit = Math.floor(perSector);
  const sectorsPerFat = Math.floor((total - boot + fit) / fit);
  const fat = boot + (bits === 32 ? reserved32 : 1);
  const root = fat + fats * sectorsPerFat;
  const data = bits === 32 ? root : root + (rootEntries * entryBytes) / sectorSize;
  const clusters = Math.floor((total - data) / clusterSectors);
  return { bits, cylinders, heads, sectors, total, boot, fat, sectorsPerFat, root, data, clusterSectors, clusters };
}
