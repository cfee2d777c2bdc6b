/* Reads a volume with FAT as a guest does, from what stands in its boot sector. */

/** What is on a volume: files with their contents, folders with nothing. */
export type FatFiles = Map<string, Buffer | undefined>;

const entryLength = 32;

/** The files of a disk, by their long names. Throws where the volume contradicts itself. */
export function readFat(disk: Buffer): { bits: number; label: string; files: FatFiles } {
  const start = disk.readUInt32LE(454) * 512;
  const partitioned = disk[0] !== 0xeb;
  const volume = disk.subarray(partitioned ? start : 0);
  const perCluster = (volume[13] ?? 0) * 512;
  const fatStart = volume.readUInt16LE(14) * 512;
  const rootEntries = volume.readUInt16LE(17);
  const total = volume.readUInt16LE(19) || volume.readUInt32LE(32);
  const fatLength = (volume.readUInt16LE(22) || volume.readUInt32LE(36)) * 512;
  const root = fatStart + 2 * fatLength;
  const data = root + rootEntries * entryLength;
  const clusters = Math.floor((total * 512 - data) / perCluster);
  const bits = clusters < 4085 ? 12 : clusters < 65_525 ? 16 : 32;
  if (total * 512 > volume.length) throw new Error('the volume is longer than the disk');
  const fat = volume.subarray(fatStart, fatStart + fatLength);
  if (!fat.equals(volume.subarray(fatStart + fatLength, root))) throw new Error('the copies of the table differ');
  if (((clusters + 2) * bits) / 8 > fatLength) throw new Error('the table is too short');
  const seen = new Set<number>();
  const files: FatFiles = new Map();
  let label = '';

  function next(cluster: number): number {
    if (bits === 32) return fat.readUInt32LE(cluster * 4) & 0x0fff_ffff;
    if (bits === 16) return fat.readUInt16LE(cluster * 2);
    return (fat.readUInt16LE((cluster * 3) >> 1) >> (cluster % 2 === 0 ? 0 : 4)) & 0xfff;
  }

  function chain(first: number): Buffer {
    const parts: Buffer[] = [];
    for (let cluster = first; cluster < 2 ** Math.min(bits, 28) - 8; cluster = next(cluster)) {
      if (cluster < 2 || cluster >= clusters + 2 || seen.has(cluster)) throw new Error(`cluster ${cluster} is wrong`);
      seen.add(cluster);
      parts.push(volume.subarray(data + (cluster - 2) * perCluster, data + (cluster - 1) * perCluster));
    }
    return Buffer.concat(parts);
  }

  function readFolder(entries: Buffer, path: string, own: number, above: number): void {
    const shorts = new Set<string>();
    let long = '';
    for (let at = 0; at < entries.length && entries[at] !== 0; at += entryLength) {
      const entry = entries.subarray(at, at + entryLength);
      const short = entry.toString('latin1', 0, 11);
      const cluster = entry.readUInt16LE(26) + entry.readUInt16LE(20) * 0x1_0000;
      if (entry[11] === 0x0f) {
        const piece = Buffer.concat([entry.subarray(1, 11), entry.subarray(14, 26), entry.subarray(28, 32)]);
        long = (piece.toString('utf16le').split('\0')[0] ?? '') + long;
        continue;
      }
      if (((entry[11] ?? 0) & 8) !== 0) {
        label = short;
        continue;
      }
      if (short.startsWith('.')) {
        if (cluster !== (short.startsWith('..') ? above : own))
          throw new Error(`${path}: ${short} leads to ${cluster}`);
        continue;
      }
      if (shorts.has(short)) throw new Error(`${path} has ${short} twice`);
      shorts.add(short);
      const name = `${path}/${long}`;
      long = '';
      if (((entry[11] ?? 0) & 0x10) !== 0) {
        files.set(name, undefined);
        readFolder(chain(cluster), name, cluster, own);
      } else {
        const length = entry.readUInt32LE(28);
        const contents = cluster === 0 ? Buffer.alloc(0) : chain(cluster);
        if (contents.length < length || contents.length - length >= perCluster)
          throw new Error(`${name}: wrong length`);
        files.set(name, contents.subarray(0, length));
      }
    }
  }

  readFolder(bits === 32 ? chain(2) : volume.subarray(root, data), '', 0, 0);
  return { bits, label, files };
}
