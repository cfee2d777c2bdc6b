/* Images in formats that no program here writes, made after their descriptions. */

import { execFileSync } from 'node:child_process';
import { deflateSync } from 'node:zlib';
import type { Chunk } from '../../../../../runtime/block/drivers/dmg/chunks.js';
import { packLzfse } from '../dmg/lzfse-encoder.js';

const sector = 512;

/** A disk in the format of Bochs: sectors that are zero are not in it. */
export function makeBochs(contents: Buffer, { version = 2, extent = 4096, bitmap = 512 } = {}): Buffer {
  const extents = Math.ceil(contents.length / extent);
  const catalog = Buffer.alloc(extents * 4, 0xff);
  const parts: Buffer[] = [];
  // The last extent comes first: they are in the order in which they were written.
  for (let index = extents - 1; index >= 0; index--) {
    const data = Buffer.alloc(extent);
    contents.copy(data, 0, index * extent);
    if (data.every((byte) => byte === 0)) continue;
    catalog.writeUInt32LE(parts.length, index * 4);
    const bits = Buffer.alloc(Math.ceil(bitmap / sector) * sector);
    for (let at = 0; at < extent / sector; at++) {
      const own = data.subarray(at * sector, (at + 1) * sector);
      if (own.some((byte) => byte !== 0)) bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7));
      // What was never written may be anything.
      else own.fill(0xdd);
    }
    parts.push(Buffer.concat([bits, data]));
  }
  const header = Buffer.alloc(sector);
  header.write('Bochs Virtual HD Image');
  header.write('Redolog', 32);
  header.write('Growing', 48);
  for (const [index, value] of [version * 0x1_0000, sector, extents, bitmap, extent].entries()) {
    header.writeUInt32LE(value, 64 + index * 4);
  }
  header.writeBigUInt64LE(BigInt(contents.length), version === 1 ? 84 : 88);
  return Buffer.concat([header, catalog, ...parts]);
}

/** A compressed CD. Its last block is filled up with zeroes. */
export function makeCloop(contents: Buffer, blockSize = 65_536): Buffer {
  const blocks = Array.from({ length: Math.ceil(contents.length / blockSize) }, (_, index) => {
    const block = Buffer.alloc(blockSize);
    contents.copy(block, 0, index * blockSize);
    return deflateSync(block);
  });
  const head = Buffer.alloc(136 + (blocks.length + 1) * 8);
  head.write('#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n');
  head.writeUInt32BE(blockSize, 128);
  head.writeUInt32BE(blocks.length, 132);
  let offset = head.length;
  for (const [index, block] of blocks.entries()) {
    head.writeBigUInt64BE(BigInt(offset), 136 + index * 8);
    offset += block.length;
  }
  head.writeBigUInt64BE(BigInt(offset), 136 + blocks.length * 8);
  return Buffer.concat([head, ...blocks]);
}

/** How a chunk of a `dmg` image is stored. */
type DmgKind = 'zero' | 'raw' | 'ignored' | 'adc' | 'zlib' | 'bzip2' | 'lzfse';

const dmgTypes: { readonly [kind in DmgKind]: number } = {
  zero: 0,
  raw: 1,
  ignored: 2,
  adc: 0x8000_0004,
  zlib: 0x8000_0005,
  bzip2: 0x8000_0006,
  lzfse: 0x8000_0007,
};

/** What of a `dmg` image can be chosen. */
export interface DmgShape {
  /** Bytes of a chunk. */
  readonly chunk?: number;
  /** How chunks with data are stored, in turn. Default: zlib, raw, ADC. */
  readonly kinds?: readonly DmgKind[];
  /** The tables are in a resource fork instead of a property list. */
  readonly resources?: boolean;
  /** How many tables there are. */
  readonly tables?: number;
  /** Bytes in front of the data. */
  readonly front?: number;
  /** Bytes behind the trailer. */
  readonly behind?: number;
}

/** A disk image of macOS. Chunks of zeroes are stored as such, in both ways that there are. */
export function makeDmg(
  contents: Buffer,
  { chunk = 8192, kinds = ['zlib', 'raw', 'adc'], resources = false, tables = 2, front = 0, behind = 0 }: DmgShape = {},
): Buffer {
  const data: Buffer[] = [];
  let place = 0;
  const chunks: Chunk[] = [];
  for (let start = 0, count = 0; start < contents.length; start += chunk, count++) {
    const piece = contents.subarray(start, start + chunk);
    const empty = piece.every((byte) => byte === 0);
    const kind = empty ? (count % 2 === 0 ? 'zero' : 'ignored') : (kinds[count % kinds.length] ?? 'raw');
    const stored = empty ? Buffer.alloc(0) : pack(kind, piece);
    chunks.push({ type: dmgTypes[kind], start, length: piece.length, place, stored: stored.length });
    data.push(stored);
    place += stored.length;
  }
  const perTable = Math.ceil(chunks.length / tables);
  const mishes = Array.from({ length: tables }, (_, index) =>
    mish(chunks.slice(index * perTable, (index + 1) * perTable)),
  );
  const fork = resources ? resourceFork(mishes) : propertyList(mishes);
  const trailer = Buffer.alloc(512);
  trailer.write('koly');
  trailer.writeUInt32BE(4, 4);
  trailer.writeUInt32BE(512, 8);
  trailer.writeBigUInt64BE(BigInt(place), 0x20);
  trailer.writeBigUInt64BE(BigInt(front), 0x18);
  trailer.writeBigUInt64BE(BigInt(front + place), resources ? 0x28 : 0xd8);
  trailer.writeBigUInt64BE(BigInt(fork.length), resources ? 0x30 : 0xe0);
  trailer.writeBigUInt64BE(BigInt(contents.length / sector), 0x1ec);
  return Buffer.concat([Buffer.alloc(front, 0xee), ...data, fork, trailer, Buffer.alloc(behind)]);
}

function pack(kind: DmgKind, piece: Buffer): Buffer {
  if (kind === 'zlib') return deflateSync(piece);
  if (kind === 'bzip2') return execFileSync('bzip2', ['-c'], { input: piece });
  if (kind === 'lzfse') return packLzfse(piece);
  return kind === 'adc' ? packAdc(piece) : piece;
}

/** Repeats what came just before, near and far, and has the rest as it is. */
export function packAdc(data: Buffer): Buffer {
  const packed: number[] = [];
  let plain: number[] = [];
  const flush = (): void => {
    if (plain.length > 0) packed.push(0x7f + plain.length, ...plain);
    plain = [];
  };
  for (let at = 0; at < data.length; ) {
    const [distance, length] = longestMatch(data, at);
    if (length < (distance > 1024 ? 4 : 3)) {
      plain.push(data[at++] ?? 0);
      if (plain.length === 128) flush();
      continue;
    }
    flush();
    const far = distance > 1024 || length > 18;
    if (far && length < 4) throw new Error('no such code');
    if (far) packed.push(0x40 + length - 4, (distance - 1) >> 8, (distance - 1) & 0xff);
    else packed.push(((length - 3) << 2) + ((distance - 1) >> 8), (distance - 1) & 0xff);
    at += length;
  }
  flush();
  return Buffer.from(packed);
}

function longestMatch(data: Buffer, at: number): [distance: number, length: number] {
  let best: [number, number] = [0, 0];
  for (const distance of [1, 2, 7, 512, 1024, 1025, 3000, 4096]) {
    let length = 0;
    while (
      distance <= at &&
      length < 67 &&
      at + length < data.length &&
      data[at + length] === data[at + length - distance]
    ) {
      length++;
    }
    if (length > best[1]) best = [distance, length];
  }
  return best;
}

/** A table: places in it count from its first chunk. */
function mish(chunks: readonly Chunk[]): Buffer {
  const [first] = chunks;
  const table = Buffer.alloc(204 + (chunks.length + 2) * 40);
  table.write('mish');
  table.writeUInt32BE(1, 4);
  table.writeBigUInt64BE(BigInt((first?.start ?? 0) / sector), 8);
  table.writeBigUInt64BE(BigInt(chunks.reduce((sum, { length }) => sum + length / sector, 0)), 16);
  table.writeBigUInt64BE(BigInt(first?.place ?? 0), 0x18);
  table.writeUInt32BE(chunks.length + 2, 200);
  const put = (index: number, fields: readonly number[], type: number): void => {
    table.writeUInt32BE(type, 204 + index * 40);
    for (const [at, field] of fields.entries()) table.writeBigUInt64BE(BigInt(field), 212 + index * 40 + at * 8);
  };
  put(0, [0, 0, 0, 0], 0x7fff_fffe);
  for (const [index, { type, start, length, place, stored }] of chunks.entries()) {
    const fields = [(start - (first?.start ?? 0)) / sector, length / sector, place - (first?.place ?? 0), stored];
    put(index + 1, fields, type);
  }
  const last = chunks.at(-1);
  const end = last === undefined ? 0 : last.start + last.length - (first?.start ?? 0);
  put(chunks.length + 1, [end / sector, 0, 0, 0], 0xffff_ffff);
  return table;
}

function propertyList(tables: readonly Buffer[]): Buffer {
  const entries = tables.map((table, index) => {
    const text = table.toString('base64').replace(/.{52}/g, '$&\n\t\t\t\t');
    return `\t\t\t<dict>\n\t\t\t\t<key>Data</key>\n\t\t\t\t<data>\n\t\t\t\t${text}\n\t\t\t\t</data>\n\t\t\t\t<key>ID</key>\n\t\t\t\t<string>${index}</string>\n\t\t\t</dict>\n`;
  });
  // Other resources have data, too.
  const other = `<key>plst</key><array><dict><key>Data</key><data>${Buffer.alloc(260).toString('base64')}</data></dict></array>`;
  return Buffer.from(
    '<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0">\n<dict>\n\t<key>resource-fork</key>\n\t<dict>\n' +
      `\t\t<key>blkx</key>\n\t\t<array>\n${entries.join('')}\t\t</array>\n\t\t${other}\n\t</dict>\n</dict>\n</plist>\n`,
  );
}

function resourceFork(tables: readonly Buffer[]): Buffer {
  const resources = tables.flatMap((table) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(table.length);
    return [length, table];
  });
  const data = Buffer.concat(resources);
  const head = Buffer.alloc(256);
  head.writeUInt32BE(256, 0);
  head.writeUInt32BE(256 + data.length, 4);
  head.writeUInt32BE(data.length, 8);
  return Buffer.concat([head, data, Buffer.alloc(30)]);
}
