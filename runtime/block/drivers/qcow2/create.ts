import type { Child, CreateRequest } from '../../driver.js';
import { BlockError } from '../../error.js';
import { BlockOptions } from '../../options.js';
import { viewOf } from '../shared/big-endian.js';
import { newVolume } from '../shared/luks/create.js';
import { placeAt } from '../shared/luks/place.js';
import { writeOutZeroes } from '../shared/zeroed.js';
import { type Choices, takeChoices } from './create-options.js';
import { secretOption } from './encryption.js';
import {
  AutoclearFeature,
  CompatibleFeature,
  CompressionType,
  Encryption,
  l1EntriesFor,
  l2EntrySize,
  limits,
  type Qcow2Header,
  serialiseHeader,
} from './format/header.js';
import { refcountWidth } from './format/refcount-width.js';
import { copiedFlag, zeroFlag } from './format/table-entry.js';
import { allSubclusters, setSubclusters } from './map/subclusters.js';
import { dataFileName } from './open-data.js';

/**
 * Where everything goes, in clusters: header, refcount table, refcount blocks, L1 table, and, preallocated, each L2 table with
 * its clusters behind it. All of it is in use once, which makes the refcounts easy.
 */
interface Layout {
  readonly tableClusters: number;
  readonly blocks: number;
  readonly l1Entries: number;
  readonly l1Start: number;
  /** The first cluster behind the L1 table: that of the LUKS header, if there is one. */
  readonly luksStart: number;
  /** The first cluster behind all of these. */
  readonly dataStart: number;
  /** Clusters of the disk that are preallocated. */
  readonly preallocated: number;
  /** All clusters. */
  readonly total: number;
}

/**
 * Makes a new image. The header is written last: until then the file is no qcow2 image.
 *
 * Options: `compat` (`0.10`, `1.1`), `cluster_size`, `preallocation`, `lazy_refcounts`, `refcount_bits`, `compression_type`, `extended_l2`,
 * `data_file` (relative to the image), `data_file_raw`, `encrypt.format` (`luks`), `encrypt.…` as the driver `luks` has it.
 *
 * @throws BlockError EINVAL for options that are wrong or exclude each other, EFBIG when the size asks for larger tables than
 * there may be, ENOSPC when the backing file's name does not fit
 */
export async function create(file: Child, request: CreateRequest): Promise<void> {
  const choices = takeChoices(request.options, request.backing !== undefined);
  const { clusterSize } = choices;
  const dataFile = choices.dataFile === undefined ? undefined : dataFileName(request.filename, choices.dataFile);
  if (dataFile === request.filename) throw wrong('The data file cannot be the image itself');
  const volume = choices.luks === undefined ? undefined : await newVolume(choices.luks, request.host, secretOption);
  refuseUnknown(choices.luks);
  const luksLength = volume?.header.payloadOffset ?? 0;
  const layout = plan(request.size, choices, luksLength);
  const header = serialiseHeader(headerOf(request, choices, layout, luksLength));
  const data = dataFile === undefined ? undefined : await request.createFile(dataFile, request.size);
  const blocksStart = 1 + layout.tableClusters;
  await file.write(
    clusterSize,
    pointers(blocksStart, layout.blocks, 1, 0, layout.tableClusters * clusterSize, clusterSize),
  );
  await writeRefcounts(file, choices, blocksStart, layout);
  if (layout.preallocated > 0) await preallocate(file, data, choices, layout);
  else await file.writeZeroes(layout.l1Start * clusterSize, layout.l1Entries * 8);
  if (volume !== undefined) {
    // Slots that are free have places, too.
    await file.writeZeroes(layout.luksStart * clusterSize, (layout.dataStart - layout.luksStart) * clusterSize);
    await volume.write(placeAt(file, layout.luksStart * clusterSize));
  }
  await data?.flush();
  await file.write(0, header);
  await file.flush();
}

function refuseUnknown(options: BlockOptions = new BlockOptions()): void {
  const [unknown] = options.keys();
  if (unknown !== undefined) throw wrong(`LUKS encryption has no option '${unknown}'`);
}

function plan(size: number, choices: Choices, luksLength: number): Layout {
  const { clusterSize, preallocation, refcountOrder, dataFile } = choices;
  const l1Entries = l1EntriesFor(size, choices);
  const l1Clusters = Math.ceil((l1Entries * 8) / clusterSize);
  const preallocated = preallocation === 'off' ? 0 : Math.ceil(size / clusterSize);
  const inFile = dataFile === undefined ? preallocated : 0;
  const luksClusters = Math.ceil(luksLength / clusterSize);
  const rest = 1 + l1Clusters + luksClusters + (preallocated === 0 ? 0 : l1Entries + inFile);
  const perBlock = (clusterSize * 8) / 2 ** refcountOrder;
  let blocks = 1;
  let tableClusters = 1;
  // Blocks count themselves, too. Each round adds what the round before has left out, which is ever less.
  for (;;) {
    const neededBlocks = Math.ceil((rest + tableClusters + blocks) / perBlock);
    const neededTable = Math.ceil((neededBlocks * 8) / clusterSize);
    if (neededBlocks <= blocks && neededTable <= tableClusters) break;
    blocks = Math.max(blocks, neededBlocks);
    tableClusters = Math.max(tableClusters, neededTable);
  }
  if (l1Entries * 8 > limits.l1Bytes || tableClusters * clusterSize > limits.refcountTableBytes) {
    throw new BlockError("The image size is too large for file format 'qcow2' (try using a larger cluster size)", {
      code: 'EFBIG',
    });
  }
  const l1Start = 1 + tableClusters + blocks;
  const luksStart = l1Start + l1Clusters;
  const dataStart = luksStart + luksClusters;
  const total = rest + tableClusters + blocks;
  return { tableClusters, blocks, l1Entries, l1Start, luksStart, dataStart, preallocated, total };
}

function headerOf(request: CreateRequest, choices: Choices, layout: Layout, luksLength: number): Qcow2Header {
  const { version, clusterSize, lazyRefcounts, refcountOrder } = choices;
  return {
    version,
    ...(request.backing === undefined ? {} : { backing: request.backing }),
    ...(choices.dataFile === undefined ? {} : { dataFile: choices.dataFile }),
    clusterBits: Math.log2(clusterSize),
    clusterSize,
    size: request.size,
    encryption: luksLength === 0 ? Encryption.none : Encryption.luks,
    ...(luksLength === 0 ? {} : { luks: { offset: layout.luksStart * clusterSize, length: luksLength } }),
    l1Entries: layout.l1Entries,
    l1Offset: layout.l1Entries === 0 ? 0 : layout.l1Start * clusterSize,
    refcountTableOffset: clusterSize,
    refcountTableClusters: layout.tableClusters,
    snapshotCount: 0,
    snapshotTableOffset: 0,
    incompatible: choices.incompatible,
    compatible: lazyRefcounts ? CompatibleFeature.lazyRefcounts : 0n,
    autoclear: choices.rawData ? AutoclearFeature.rawData : 0n,
    refcountOrder,
    unknownFields: choices.zstd ? Uint8Array.of(CompressionType.zstd) : new Uint8Array(0),
    extensions: [],
  };
}

/** A table of `count` entries that point at `start`, `start + step` and so on, filled up with zeroes to `length` bytes. */
function pointers(
  start: number,
  count: number,
  step: number,
  flags: number,
  length: number,
  clusterSize: number,
): Uint8Array {
  const table = new Uint8Array(length);
  const view = viewOf(table);
  for (let index = 0; index < count; index++) {
    const offset = (start + index * step) * clusterSize;
    view.setUint32(index * 8, Math.floor(offset / 2 ** 32) + flags);
    view.setUint32(index * 8 + 4, offset % 2 ** 32);
  }
  return table;
}

async function writeRefcounts(file: Child, choices: Choices, start: number, layout: Layout): Promise<void> {
  const { clusterSize, refcountOrder } = choices;
  const width = refcountWidth(refcountOrder);
  const perBlock = (clusterSize * 8) / width.bits;
  const full = new Uint8Array(clusterSize);
  for (let index = 0; index < Math.min(perBlock, layout.total); index++) width.set(full, index, 1);
  for (let block = 0; block < layout.blocks; block++) {
    const used = layout.total - block * perBlock;
    let data = full;
    if (used < perBlock && block > 0) {
      data = new Uint8Array(clusterSize);
      for (let index = 0; index < used; index++) width.set(data, index, 1);
    }
    await file.write((start + block) * clusterSize, data);
  }
}

/** Gives each cluster of the disk its place, in the file or in that for the data, and, if asked for, the host's memory. */
async function preallocate(file: Child, data: Child | undefined, choices: Choices, layout: Layout): Promise<void> {
  const { clusterSize, preallocation } = choices;
  const entrySize = l2EntrySize(choices);
  const perTable = clusterSize / entrySize;
  const { dataStart, l1Start, l1Entries, preallocated, total } = layout;
  /** Clusters from one L2 table to the next. */
  const step = data === undefined ? 1 + perTable : 1;
  await file.write(l1Start * clusterSize, pointers(dataStart, l1Entries, step, copiedFlag, l1Entries * 8, clusterSize));
  // A device has its size, and cannot be given another.
  if (file.node.length < total * clusterSize) await file.truncate(total * clusterSize);
  for (let table = 0; table < l1Entries; table++) {
    const start = dataStart + table * step;
    const first = data === undefined ? start + 1 : table * perTable;
    const clusters = Math.min(perTable, preallocated - table * perTable);
    await file.write(start * clusterSize, l2Table(first, clusters, choices));
    const place = data ?? file;
    const offset = first * clusterSize;
    const length = Math.min(clusters * clusterSize, data === undefined ? Infinity : data.node.length - offset);
    if (preallocation === 'falloc') await place.writeZeroes(offset, length);
    else if (preallocation === 'full') await writeOutZeroes(place, offset, length);
  }
}

/** An L2 table of clusters in a row, with all of their subclusters. What does not decrypt to zeroes is marked as zeroes, where that can be. */
function l2Table(first: number, clusters: number, choices: Choices): Uint8Array {
  const { clusterSize, version, luks } = choices;
  const entrySize = l2EntrySize(choices);
  const zero = luks !== undefined && version === 3;
  const entries = pointers(first, clusters, 1, copiedFlag, clusterSize, clusterSize);
  const view = viewOf(entries);
  if (entrySize === 8) {
    if (zero) for (let at = 4; at < clusters * 8; at += 8) view.setUint32(at, view.getUint32(at) + zeroFlag);
    return entries;
  }
  const table = new Uint8Array(clusterSize);
  const parts = zero ? { allocated: 0, zero: allSubclusters } : { allocated: allSubclusters, zero: 0 };
  for (let index = 0; index < clusters; index++) {
    table.set(entries.subarray(index * 8, index * 8 + 8), index * entrySize);
    setSubclusters({ view: viewOf(table) }, index, parts);
  }
  return table;
}

function wrong(message: string): BlockError {
  return new BlockError(message, { code: 'EINVAL' });
}
