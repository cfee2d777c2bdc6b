import { Qcow2OverlapCheckMode } from '../../../../../generated/index.js';
import { BlockError } from '../../../error.js';
import { isPowerOfTwo } from '../../../limits.js';
import type { BlockOptions } from '../../../options.js';

/** Kinds of metadata that writes can be kept from overlapping. Combined with `|`. */
export const MetadataKind = {
  mainHeader: 1,
  activeL1: 2,
  activeL2: 4,
  refcountBlock: 8,
  refcountTable: 16,
  snapshotTable: 32,
  inactiveL1: 64,
  inactiveL2: 128,
  bitmapDirectory: 256,
} as const;

const constantKinds =
  MetadataKind.mainHeader |
  MetadataKind.activeL1 |
  MetadataKind.refcountTable |
  MetadataKind.snapshotTable |
  MetadataKind.bitmapDirectory;
const cachedKinds = constantKinds | MetadataKind.activeL2 | MetadataKind.refcountBlock | MetadataKind.inactiveL1;

const templates: { readonly [mode in Qcow2OverlapCheckMode]: number } = {
  none: 0,
  constant: constantKinds,
  cached: cachedKinds,
  all: cachedKinds | MetadataKind.inactiveL2,
};

const kindOptions = [
  ['main-header', MetadataKind.mainHeader],
  ['active-l1', MetadataKind.activeL1],
  ['active-l2', MetadataKind.activeL2],
  ['refcount-table', MetadataKind.refcountTable],
  ['refcount-block', MetadataKind.refcountBlock],
  ['snapshot-table', MetadataKind.snapshotTable],
  ['inactive-l1', MetadataKind.inactiveL1],
  ['inactive-l2', MetadataKind.inactiveL2],
  ['bitmap-directory', MetadataKind.bitmapDirectory],
] as const;

/** The options of a node. */
export interface Settings {
  /** Absent: as the image says. */
  readonly lazyRefcounts?: boolean;
  /** Whether freed clusters are discarded in the file, by what freed them. `request` absent: as the node discards. */
  readonly discard: { readonly request?: boolean; readonly snapshot: boolean; readonly other: boolean };
  /** What is discarded keeps its place in the file, for when it is written again. */
  readonly keepsDiscarded: boolean;
  /** {@link MetadataKind}: what writes are compared with. */
  readonly overlapChecks: number;
  /** Tables that the caches hold. */
  readonly l2Tables: number;
  readonly refcountBlocks: number;
  /** Seconds; 0: unused tables stay. */
  readonly cleanInterval: number;
}

/** The names of the options that {@link takeSettings} takes, or of groups of them. */
export const settingNames = [
  'lazy-refcounts',
  'pass-discard-request',
  'pass-discard-snapshot',
  'pass-discard-other',
  'discard-no-unref',
  'overlap-check',
  'cache-size',
  'l2-cache-size',
  'refcount-cache-size',
  'l2-cache-entry-size',
  'cache-clean-interval',
] as const;

/** Takes the options that qcow2 has. @throws BlockError (EINVAL) when they are wrong, or contradict each other */
export function takeSettings(options: BlockOptions, clusterSize: number): Settings {
  const lazyRefcounts = options.takeBoolean('lazy-refcounts');
  const request = options.takeBoolean('pass-discard-request');
  checkL2EntrySize(options, clusterSize);
  return {
    ...(lazyRefcounts === undefined ? {} : { lazyRefcounts }),
    discard: {
      ...(request === undefined ? {} : { request }),
      snapshot: options.takeBoolean('pass-discard-snapshot') ?? true,
      other: options.takeBoolean('pass-discard-other') ?? false,
    },
    keepsDiscarded: options.takeBoolean('discard-no-unref') ?? false,
    overlapChecks: takeOverlapChecks(options),
    ...takeCacheSizes(options, clusterSize),
    cleanInterval: options.takeInteger('cache-clean-interval', { least: 0, most: 2 ** 32 - 1 }) ?? 0,
  };
}

/** Tables are cached whole here: the size of the pieces that QEMU caches them in has no effect. */
function checkL2EntrySize(options: BlockOptions, clusterSize: number): void {
  const size = options.takeSize('l2-cache-entry-size');
  if (size === undefined || (size >= 512 && size <= clusterSize && isPowerOfTwo(size))) return;
  throw wrong(`L2 cache entry size must be a power of two between 512 and the cluster size (${clusterSize})`);
}

function takeOverlapChecks(options: BlockOptions): number {
  const mode = options.takeEnum('overlap-check', Qcow2OverlapCheckMode);
  const template = options.takeEnum('overlap-check.template', Qcow2OverlapCheckMode);
  if (mode !== undefined && template !== undefined && mode !== template) {
    throw new BlockError(
      `Conflicting values for qcow2 options 'overlap-check' ('${mode}') and 'overlap-check.template' ('${template}')`,
      { code: 'EINVAL' },
    );
  }
  let kinds = templates[mode ?? template ?? 'cached'];
  for (const [name, kind] of kindOptions) {
    const wanted = options.takeBoolean(`overlap-check.${name}`);
    if (wanted !== undefined) kinds = wanted ? kinds | kind : kinds & ~kind;
  }
  return kinds;
}

const leastL2Tables = 2;
const leastRefcountBlocks = 4;

function takeCacheSizes(options: BlockOptions, clusterSize: number): { l2Tables: number; refcountBlocks: number } {
  const total = options.takeSize('cache-size');
  const l2 = options.takeSize('l2-cache-size');
  const refcounts = options.takeSize('refcount-cache-size');
  const { l2Bytes, refcountBytes } = shareOut(total, l2, refcounts, clusterSize);
  return {
    l2Tables: Math.max(leastL2Tables, Math.floor(l2Bytes / clusterSize)),
    refcountBlocks: Math.max(leastRefcountBlocks, Math.floor(refcountBytes / clusterSize)),
  };
}

/** The L2 cache takes four times as much as the refcount cache, unless an option says otherwise: both then reach equally far. */
function shareOut(
  total: number | undefined,
  l2: number | undefined,
  refcounts: number | undefined,
  clusterSize: number,
): { l2Bytes: number; refcountBytes: number } {
  if (total === undefined) {
    const l2Bytes = l2 ?? (refcounts === undefined ? Math.max(2 ** 20, 8 * clusterSize) : refcounts * 4);
    return { l2Bytes, refcountBytes: refcounts ?? l2Bytes / 4 };
  }
  if (l2 !== undefined && refcounts !== undefined) {
    throw wrong('cache-size, l2-cache-size and refcount-cache-size may not be set at the same time');
  }
  if (l2 !== undefined && l2 > total) throw wrong('l2-cache-size may not exceed cache-size');
  if (refcounts !== undefined && refcounts > total) throw wrong('refcount-cache-size may not exceed cache-size');
  if (l2 !== undefined) return { l2Bytes: l2, refcountBytes: total - l2 };
  const refcountBytes = refcounts ?? total / 5;
  return { l2Bytes: total - refcountBytes, refcountBytes };
}

function wrong(message: string): BlockError {
  return new BlockError(message, { code: 'EINVAL' });
}
