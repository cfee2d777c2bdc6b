import type { Child } from '../../../driver.js';
import { readHeader } from '../format/header.js';
import { CheckContext } from './context.js';
import { checkCopied } from './copied.js';
import { compareRefcounts, countRefcountBlocks } from './refcounts.js';
import { countReferences, type L2Tables } from './references.js';
import type { CheckResult } from './report.js';
import { StoredRefcounts } from './stored.js';

/** An image that was looked at, and all that a repair needs of that. */
export interface Examination {
  readonly context: CheckContext;
  readonly tables: L2Tables;
  readonly stored: StoredRefcounts;
  /** The number of clusters up to the last one in use. */
  readonly end: number;
}

/**
 * Checks an image: counts what refers to each cluster of the file, and compares that with the refcounts.
 *
 * Takes memory for one number of the refcounts' width per cluster in use, and time in proportion to the tables.
 *
 * @throws BlockError when the image cannot be opened or read, or its tables overlap so much that it would take for ever
 */
export async function check(file: Child): Promise<CheckResult> {
  return resultOf(await examine(file));
}

/** Does the work of {@link check}. Writes nothing. */
export async function examine(file: Child): Promise<Examination> {
  const context = new CheckContext(file, await readHeader(file, 'check'));
  const tables = await countReferences(context);
  const stored = await StoredRefcounts.load(context);
  countRefcountBlocks(context, stored);
  const end = await compareRefcounts(context, stored);
  await checkCopied(context, stored, tables, false);
  return { context, tables, stored, end };
}

/** What was found, as it is reported. */
export function resultOf({ context, end }: Examination): CheckResult {
  const { header, report } = context;
  return {
    corruptions: report.corruptions,
    leaks: report.leaks,
    checkErrors: report.checkErrors,
    corruptionsFixed: 0,
    leaksFixed: 0,
    totalClusters: Math.ceil(header.size / header.clusterSize),
    allocatedClusters: report.allocatedClusters,
    fragmentedClusters: report.fragmentedClusters,
    compressedClusters: report.compressedClusters,
    imageEndOffset: end * header.clusterSize,
    problems: report.problems,
  };
}
