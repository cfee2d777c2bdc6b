import type { Child } from '../../../driver.js';
import { BlockError } from '../../../error.js';
import { type HeaderPatch, incompatibleField, stateFeatures } from '../format/header.js';
import { type Examination, examine, resultOf } from './check.js';
import { checkCopied } from './copied.js';
import { compareRefcounts } from './refcounts.js';
import { rebuildRefcounts } from './repair-rebuild.js';
import { completeSnapshots } from './repair-snapshots.js';
import type { CheckReport, CheckResult } from './report.js';

/**
 * Repairs an image: of `leaks`, only refcounts that are too high; of `all`, also those that are too low, refcount blocks that
 * cannot be used, wrong marks in the active tables, and snapshot records that lack something. Guest data are not touched. Marks the image as clean and sound when
 * nothing is left that endangers it.
 *
 * @returns what is left, and how much was repaired
 * @throws BlockError as {@link check} does, and when refcounts would have to be rebuilt to repair leaks
 */
export async function repair(file: Child, what: 'leaks' | 'all'): Promise<CheckResult> {
  const first = await examine(file);
  const { corruptions, leaks, mustRebuild } = first.context.report;
  let current = first;
  if (mustRebuild) {
    if (what === 'leaks') {
      throw new BlockError('The refcounts of the image must be rebuilt: repair everything, not only leaks');
    }
    await rebuildRefcounts(first);
    current = await examine(file);
  }
  if (needsWork(current, what)) {
    await correct(current, what);
    await file.flush();
    current = await examine(file);
  }
  if (what === 'all' && onlyLacksSnapshots(current.context.report)) {
    await completeSnapshots(current);
    // The old table is leaked now.
    await correct(await examine(file), 'leaks');
    await file.flush();
    current = await examine(file);
  }
  const { report, header } = current.context;
  if (report.corruptions === 0 && report.checkErrors === 0 && header.incompatible & stateFeatures) {
    await file.flush();
    await patch(file, incompatibleField(header.incompatible & ~stateFeatures));
    await file.flush();
  }
  return {
    ...resultOf(current),
    corruptionsFixed: Math.max(0, corruptions - report.corruptions),
    leaksFixed: Math.max(0, leaks - report.leaks),
  };
}

function needsWork({ context: { report } }: Examination, what: 'leaks' | 'all'): boolean {
  return report.leaks > 0 || (report.corruptions > 0 && (what === 'all' || mayMark(report)));
}

/** Marks depend on refcounts: without repairing everything, they are put right only where the refcounts will be. */
function mayMark({ corruptions, wrongMarks, incompleteSnapshots, checkErrors }: CheckReport): boolean {
  return corruptions === wrongMarks + incompleteSnapshots && checkErrors === 0;
}

/** Whether records of snapshots are all that is wrong: only then there is space that is free for certain. */
function onlyLacksSnapshots({ corruptions, incompleteSnapshots, checkErrors }: CheckReport): boolean {
  return incompleteSnapshots > 0 && corruptions === incompleteSnapshots && checkErrors === 0;
}

async function correct({ context, stored, tables }: Examination, what: 'leaks' | 'all'): Promise<void> {
  const mark = what === 'all' || mayMark(context.report);
  await compareRefcounts(context, stored, { leaks: true, corruptions: what === 'all' });
  // A mark says that a refcount is 1, so that it must not be on the disk before the refcount.
  await context.file.flush();
  if (mark) await checkCopied(context, stored, tables, true);
}

function patch(file: Child, { offset, bytes }: HeaderPatch): Promise<void> {
  return file.write(offset, bytes);
}
