import type { Stats } from 'node:fs';
import { longNameEntries, ShortNames } from './names.js';
import type { HostEntry } from './scan.js';

const entryLength = 32;
const attribute = { label: 0x28, folder: 0x10, file: 0x20 };

/** What is known of a folder when its entries are made. */
export interface FolderPlaces {
  /** The first cluster of each of what is in it; 0 for empty files. */
  clusterOf(entry: HostEntry): number;
  /** Its own first cluster and that above it (0: the root), with the folder above. Absent for the root. */
  readonly own?: { readonly cluster: number; readonly above: number; readonly parent: HostEntry };
  /** The name of the volume, which the root has. */
  readonly label?: Buffer;
}

/** The entries of a folder. */
export function folderEntries(folder: HostEntry, { clusterOf, own, label }: FolderPlaces): Buffer {
  const parts: Buffer[] = [];
  if (label !== undefined) parts.push(labelEntry(label));
  if (own !== undefined) {
    parts.push(shortEntry('.'.padEnd(11), folder, own.cluster), shortEntry('..'.padEnd(11), own.parent, own.above));
  }
  const names = new ShortNames();
  for (const entry of folder.entries ?? []) {
    const short = names.take(entry.name);
    parts.push(longNameEntries(entry.name, short), shortEntry(short, entry, clusterOf(entry)));
  }
  return Buffer.concat(parts);
}

function labelEntry(label: Buffer): Buffer {
  const entry = Buffer.alloc(entryLength);
  label.copy(entry);
  entry[11] = attribute.label;
  return entry;
}

function shortEntry(short: string, { entries, stats }: HostEntry, cluster: number): Buffer {
  const entry = Buffer.alloc(entryLength);
  entry.write(short, 'latin1');
  entry[11] = entries === undefined ? attribute.file : attribute.folder;
  const { ctime, atime, mtime } = datesOf(stats);
  entry.writeUInt16LE(timeOf(ctime), 14);
  entry.writeUInt16LE(dateOf(ctime), 16);
  entry.writeUInt16LE(dateOf(atime), 18);
  entry.writeUInt16LE(Math.floor(cluster / 0x1_0000), 20);
  entry.writeUInt16LE(timeOf(mtime), 22);
  entry.writeUInt16LE(dateOf(mtime), 24);
  entry.writeUInt16LE(cluster % 0x1_0000, 26);
  if (entries === undefined) entry.writeUInt32LE(stats.size, 28);
  return entry;
}

/** FAT knows the years from 1980 to 2107. */
function datesOf({ ctime, atime, mtime }: Stats): Pick<Stats, 'ctime' | 'atime' | 'mtime'> {
  const known = (date: Date): Date => {
    const year = date.getFullYear();
    return year < 1980 ? new Date(1980, 0, 1) : year > 2107 ? new Date(2107, 11, 31) : date;
  };
  return { ctime: known(ctime), atime: known(atime), mtime: known(mtime) };
}

/** In local time, as guests have it; in steps of two seconds. */
function timeOf(date: Date): number {
  return (date.getSeconds() >> 1) + (date.getMinutes() << 5) + (date.getHours() << 11);
}

function dateOf(date: Date): number {
  return date.getDate() + ((date.getMonth() + 1) << 5) + ((date.getFullYear() - 1980) << 9);
}
