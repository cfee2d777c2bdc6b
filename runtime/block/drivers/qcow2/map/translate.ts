import type { BlockError } from '../../../error.js';
import { largestSize } from '../../../limits.js';
import type { Table } from '../../shared/table-cache.js';
import { compressedFlag, copiedFlag, offsetOf, zeroFlag } from '../format/table-entry.js';
import { further, type GuestOffset, type HostOffset } from '../format/units.js';
import { corrupted } from '../space/corruption.js';
import type { Image } from '../space/image.js';
import { l2TableOffset } from './l1.js';
import { compressedKind, compressedRun, isImpossible, placeOf } from './place.js';
import { ClusterKind, nowhere, type Run } from './run.js';
import { extendedRunAt } from './subclusters.js';

/** The run that begins at `offset`, at most `length` bytes long, and at most up to where the table ends. */
export function runAt(image: Image, table: Table, offset: GuestOffset, length: number): Run {
  if (image.extended) return extendedRunAt(image, table, offset, length);
  const { clusterSize } = image;
  const inside = offset % clusterSize;
  const index = ((offset - inside) / clusterSize) % image.l2Entries;
  const { view } = table;
  const high = view.getUint32(index * 8);
  const low = view.getUint32(index * 8 + 4);
  const kind = kindOf(image, further(offset, -inside), high, low);
  const first = clusterSize - inside;
  if (kind === ClusterKind.compressed || kind === ClusterKind.invalid) {
    return compressedRun(image, kind, high, low, Math.min(first, length));
  }
  const host = placeOf(image, high, low);
  const copied = high >= copiedFlag;
  const covered =
    first >= length ? first : first + following(image, table, further(offset, -inside), host, length - first);
  return {
    kind,
    length: Math.min(covered, length),
    host: host === nowhere ? nowhere : further(host, inside),
    copied,
    stored: 0,
  };
}

/** Bytes of the clusters after the one at `start`, at `host`, that go on as it does; `wanted` bytes are enough. */
function following(image: Image, table: Table, start: GuestOffset, host: HostOffset, wanted: number): number {
  const { clusterSize, l2Entries } = image;
  const { view } = table;
  const index = (start / clusterSize) % l2Entries;
  const high = view.getUint32(index * 8);
  let low = view.getUint32(index * 8 + 4);
  const flags = low & zeroFlag;
  const copied = high >= copiedFlag;
  const step = host === nowhere ? 0 : clusterSize;
  let bytes = 0;
  let expected = Math.max(host, 0);
  for (let next = index + 1; next < l2Entries && bytes < wanted; next++) {
    const nextHigh = view.getUint32(next * 8);
    const nextLow = view.getUint32(next * 8 + 4);
    expected += step;
    // Nearly always the entry is what follows from the one before, and nothing else is to be looked at.
    const follows = nextHigh === high && nextLow === low + step && expected <= largestSize;
    low = nextLow;
    if (
      !follows &&
      (nextHigh >= copiedFlag !== copied ||
        (nextHigh & compressedFlag) !== 0 ||
        (nextLow & zeroFlag) !== flags ||
        offsetOf(nextHigh, nextLow) !== expected ||
        kindOf(image, further(start, (next - index) * clusterSize), nextHigh, nextLow) === ClusterKind.invalid)
    ) {
      break;
    }
    bytes += clusterSize;
  }
  return bytes;
}

/**
 * What the entry of the cluster at `start` of the disk says. Reserved bits mean nothing to a reader; a check reports them.
 */
function kindOf(image: Image, start: GuestOffset, high: number, low: number): ClusterKind {
  if (high & compressedFlag) return compressedKind(image, high, low);
  const host = placeOf(image, high, low);
  if (host !== nowhere && isImpossible(image, start, host)) return ClusterKind.invalid;
  if (low & zeroFlag) return image.header.version < 3 ? ClusterKind.invalid : ClusterKind.zero;
  return host === nowhere ? ClusterKind.unallocated : ClusterKind.normal;
}

/** The L2 table for an offset of the disk, if it is in memory. */
export function cachedTable(image: Image, offset: GuestOffset): Table | undefined {
  const place = l2TableOffset(image, offset);
  return place === 0 ? undefined : image.l2Tables.peek(place);
}

/** The run of an offset that has no L2 table. */
export function emptyRun(image: Image, offset: GuestOffset, length: number): Run {
  return {
    kind: ClusterKind.unallocated,
    length: Math.min(length, image.l2Span - (offset % image.l2Span)),
    host: nowhere,
    copied: false,
    stored: 0,
  };
}

/** What a request fails with that meets an impossible entry. */
export function invalidRun(image: Image, offset: GuestOffset): Promise<BlockError> {
  const { clusterSize } = image;
  const index = Math.floor(offset / clusterSize) % image.l2Entries;
  const table = l2TableOffset(image, offset);
  return corrupted(image, `Impossible entry ${index} in the L2 table at 0x${table.toString(16)}`, {
    offset: table + index * image.l2EntrySize,
    length: image.l2EntrySize,
  });
}
