import { sectorSize } from '../../limits.js';
import { fats, type Geometry, rootEntries } from './geometry.js';

const diskId = 0xbe1a_fdfa;
const volumeId = 0xfabe_1afd;
/** The types of a partition, where its end has a place in cylinders, heads and sectors, and where it has not. */
const partitionTypes = { 12: [0x01, 0x01], 16: [0x06, 0x0e], 32: [0x0b, 0x0c] } as const;
/** FAT32: the sectors of the volume with the count of free clusters, and with the copy of the boot sector. */
export const infoSector = 1;
export const copySector = 6;

/** The first sector of a disk with one partition. */
export function masterBootRecord({ bits, boot, total, heads, sectors }: Geometry): Buffer {
  const sector = Buffer.alloc(sectorSize);
  sector.writeUInt32LE(diskId, 440);
  sector[446] = 0x80;
  const start = putPlace(sector, 447, boot, heads, sectors);
  const end = putPlace(sector, 451, total - 1, heads, sectors);
  sector[450] = partitionTypes[bits][start && end ? 0 : 1];
  sector.writeUInt32LE(boot, 454);
  sector.writeUInt32LE(total - boot, 458);
  return signed(sector);
}

/** @returns whether a sector has a place in so many bits */
function putPlace(record: Buffer, at: number, sector: number, heads: number, sectors: number): boolean {
  const cylinder = Math.floor(sector / sectors / heads);
  const fits = cylinder < 1024;
  record[at] = fits ? Math.floor(sector / sectors) % heads : 0xff;
  record[at + 1] = fits ? ((cylinder >> 2) & 0xc0) + (sector % sectors) + 1 : 0xff;
  record[at + 2] = fits ? cylinder & 0xff : 0xff;
  return fits;
}

/** The first sector of the volume. @param label in 11 characters */
export function bootSector(geometry: Geometry, label: Buffer): Buffer {
  const { bits, boot, total, heads, sectors, fat, sectorsPerFat, clusterSectors } = geometry;
  const sector = Buffer.alloc(sectorSize);
  sector.set([0xeb, bits === 32 ? 0x58 : 0x3e, 0x90]);
  sector.write('MSWIN4.1', 3);
  sector.writeUInt16LE(sectorSize, 11);
  sector[13] = clusterSectors;
  sector.writeUInt16LE(fat - boot, 14);
  sector[16] = fats;
  sector.writeUInt16LE(bits === 32 ? 0 : rootEntries, 17);
  const length = total - boot;
  if (length <= 0xffff) sector.writeUInt16LE(length, 19);
  else sector.writeUInt32LE(length, 32);
  sector[21] = mediaOf(geometry);
  sector.writeUInt16LE(bits === 32 ? 0 : sectorsPerFat, 22);
  sector.writeUInt16LE(sectors, 24);
  sector.writeUInt16LE(heads, 26);
  sector.writeUInt32LE(boot, 28);
  let more = 36;
  if (bits === 32) {
    sector.writeUInt32LE(sectorsPerFat, 36);
    sector.writeUInt32LE(2, 44);
    sector.writeUInt16LE(infoSector, 48);
    sector.writeUInt16LE(copySector, 50);
    more = 64;
  }
  sector[more] = boot === 0 ? 0 : 0x80;
  sector[more + 2] = 0x29;
  sector.writeUInt32LE(volumeId, more + 3);
  label.copy(sector, more + 7);
  sector.write(`FAT${bits}   `, more + 18);
  return signed(sector);
}

/** FAT32's count of free clusters. */
export function freeCount(free: number, next: number): Buffer {
  const sector = Buffer.alloc(sectorSize);
  sector.write('RRaA', 0);
  sector.write('rrAa', 484);
  sector.writeUInt32LE(free, 488);
  sector.writeUInt32LE(next, 492);
  return signed(sector);
}

/** The byte that names the kind of medium. */
export function mediaOf({ boot }: Geometry): number {
  return boot === 0 ? 0xf0 : 0xf8;
}

function signed(sector: Buffer): Buffer {
  sector.set([0x55, 0xaa], 510);
  return sector;
}
