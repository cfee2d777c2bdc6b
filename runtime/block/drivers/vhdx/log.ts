import type { Child } from '../../driver.js';
import { BlockError } from '../../error.js';
import { roundUp } from '../../limits.js';
import { viewOf } from '../shared/big-endian.js';
import { getUint64Le, setUint64Le } from '../shared/little-endian.js';
import { crc32c } from './crc32c.js';
import { guidLength } from './guid.js';
import { type Header, mebi } from './headers.js';

/** The log is made of sectors of this size, and entries change the file by such. */
const logSector = 4096;
const entryHeaderLength = 64;
const descriptorLength = 32;
/** Bytes at the beginning and the end of a sector that stand in its descriptor: the log has marks in their place. */
const leading = 8;
const trailing = 4;
/** Bytes of a log that are read, and of entries whose checksums are computed: all programs make logs of a megabyte. */
const longestLog = 64 * mebi;
const checksumBudget = 256 * mebi;

/** A change that the log holds. */
type LoggedChange =
  | { readonly kind: 'data'; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: 'zero'; readonly offset: number; readonly length: number };

interface LogEntry {
  readonly start: number;
  readonly length: number;
  /** Where the sequence begins that the entry ends. */
  readonly tail: number;
  readonly sequence: bigint;
  readonly flushedLength: number;
  readonly lastLength: number;
  readonly changes: readonly LoggedChange[];
}

/**
 * The entries that are to be applied, in order: of all sequences in the log, that which ends with the highest number.
 *
 * @throws BlockError EFBIG when the log is too large
 */
async function readLog(file: Child, { logOffset, logLength, logGuid }: Header): Promise<LogEntry[]> {
  if (logLength > longestLog) throw new BlockError('The log of the VHDX image is too large', { code: 'EFBIG' });
  const log = Buffer.alloc(logLength);
  await file.read(logOffset, log);
  const entries = new Map<number, LogEntry>();
  let budget = checksumBudget;
  for (let start = 0; start < logLength; start += logSector) {
    const length = log.toString('latin1', start, start + 4) === 'loge' ? log.readUInt32LE(start + 8) : 0;
    if (length === 0 || length % logSector !== 0 || length > logLength) continue;
    budget -= length;
    if (budget < 0) throw new BlockError('The log of the VHDX image is too complicated', { code: 'EFBIG' });
    const entry = parseEntry(ring(log, start, length), start, logGuid);
    if (entry !== undefined) entries.set(start, entry);
  }
  let best: LogEntry | undefined;
  for (const entry of entries.values()) if (best === undefined || entry.sequence > best.sequence) best = entry;
  const sequence: LogEntry[] = [];
  for (let at = best?.tail; best !== undefined; at = ((at ?? 0) + (sequence.at(-1)?.length ?? 0)) % logLength) {
    const entry: LogEntry | undefined = entries.get(at ?? 0);
    const last = sequence.at(-1);
    if (entry === undefined || (last !== undefined && entry.sequence !== last.sequence + 1n)) {
      throw new BlockError('The log of the VHDX image is damaged', { code: 'EINVAL' });
    }
    sequence.push(entry);
    if (entry === best) break;
  }
  return sequence;
}

/** A part of the log, which may begin at its end and go on at its beginning. */
function ring(log: Buffer, start: number, length: number): Uint8Array {
  const end = start + length;
  return end <= log.length
    ? log.subarray(start, end)
    : Buffer.concat([log.subarray(start), log.subarray(0, end - log.length)]);
}

/** @returns nothing when it is no sound entry of this log */
function parseEntry(bytes: Uint8Array, start: number, logGuid: Uint8Array): LogEntry | undefined {
  const view = viewOf(bytes);
  const sequence = view.getBigUint64(16, true);
  const count = view.getUint32(24, true);
  const descriptorsEnd = roundUp(entryHeaderLength + count * descriptorLength, logSector);
  if (sequence === 0n || Buffer.compare(bytes.subarray(32, 32 + guidLength), logGuid) !== 0) return undefined;
  if (descriptorsEnd > bytes.length || view.getUint32(4, true) !== crc32c(bytes, 4)) return undefined;
  const changes: LoggedChange[] = [];
  let sector = descriptorsEnd;
  for (let at = entryHeaderLength; at < entryHeaderLength + count * descriptorLength; at += descriptorLength) {
    const kind = Buffer.from(bytes.subarray(at, at + 4)).toString('latin1');
    const offset = getUint64Le(view, at + 16);
    if (view.getBigUint64(at + 24, true) !== sequence || offset % logSector !== 0) return undefined;
    if (kind === 'zero') {
      const length = getUint64Le(view, at + 8);
      if (length % logSector !== 0) return undefined;
      changes.push({ kind, offset, length });
      continue;
    }
    if (kind !== 'desc' || sector + logSector > bytes.length) return undefined;
    const marked =
      BigInt(view.getUint32(sector + 4, true)) * 2n ** 32n + BigInt(view.getUint32(sector + logSector - 4, true));
    if (Buffer.from(bytes.subarray(sector, sector + 4)).toString('latin1') !== 'data' || marked !== sequence)
      return undefined;
    const data = bytes.slice(sector, sector + logSector);
    data.set(bytes.subarray(at + 8, at + 8 + leading));
    data.set(bytes.subarray(at + 4, at + 4 + trailing), logSector - trailing);
    changes.push({ kind: 'data', offset, data });
    sector += logSector;
  }
  return {
    start,
    length: bytes.length,
    tail: view.getUint32(12, true),
    sequence,
    flushedLength: getUint64Le(view, 48),
    lastLength: getUint64Le(view, 56),
    changes,
  };
}

/** Does what the log holds, and has it on the disk. The headers still say that there is a log. */
export async function replayLog(file: Child, header: Header): Promise<void> {
  for (const { changes, flushedLength, lastLength } of await readLog(file, header)) {
    if (flushedLength > file.node.length) {
      throw new BlockError('The VHDX image has been truncated: its log cannot be applied', { code: 'EINVAL' });
    }
    const end = Math.max(file.node.length, roundUp(lastLength, mebi));
    for (const change of changes) {
      const length = change.kind === 'data' ? logSector : change.length;
      if (!(change.offset + length <= end))
        throw new BlockError('The log of the VHDX image is damaged', { code: 'EINVAL' });
      if (change.kind === 'data') await file.write(change.offset, change.data);
      else if (length > 0) await file.writeZeroes(change.offset, length);
    }
    if (file.node.length < end) await file.truncate(end);
    await file.flush();
  }
}

/** An entry, as it is in the log, that replaces one sector of the file. It is the only one of its log, at its beginning. */
export function logEntry(header: Header, offset: number, data: Uint8Array, fileLength: number): Uint8Array {
  const bytes = new Uint8Array(2 * logSector);
  const view = viewOf(bytes);
  const sequence = 1;
  bytes.set(Buffer.from('loge', 'latin1'));
  view.setUint32(8, bytes.length, true);
  setUint64Le(view, 16, sequence);
  view.setUint32(24, 1, true);
  bytes.set(header.logGuid, 32);
  setUint64Le(view, 48, fileLength);
  setUint64Le(view, 56, fileLength);
  bytes.set(Buffer.from('desc', 'latin1'), entryHeaderLength);
  bytes.set(data.subarray(logSector - trailing), entryHeaderLength + 4);
  bytes.set(data.subarray(0, leading), entryHeaderLength + 8);
  setUint64Le(view, entryHeaderLength + 16, offset);
  setUint64Le(view, entryHeaderLength + 24, sequence);
  bytes.set(data, logSector);
  bytes.set(Buffer.from('data', 'latin1'), logSector);
  view.setUint32(logSector + 4, 0, true);
  view.setUint32(2 * logSector - 4, sequence, true);
  view.setUint32(4, crc32c(bytes, 4), true);
  return bytes;
}
