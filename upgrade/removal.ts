import type { Change } from '../generator/compare/change.js';

/** Whether something that was there is gone. */
export function isRemoval({ kind }: Change): boolean {
  return removals.has(kind);
}

const removals: ReadonlySet<string> = new Set([
  'command-removed',
  'event-removed',
  'member-removed',
  'enum-value-removed',
  'branch-removed',
]);

/** Whether a change is worth a look at the places that it touches. */
export function isHarmful({ severity, breaks }: Change): boolean {
  return severity !== 'compatible' || breaks.length > 0;
}
