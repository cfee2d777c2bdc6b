import type { MemoryStep } from '../../memory-child.js';
import { resized } from '../../resized.js';

/**
 * What a disk may hold after the power went off: all that was done up to the last flush, and of what was done since, some,
 * in any order. Reordering matters only where steps overlap, so leaving out is enough besides a shuffle.
 *
 * @param before what was there before the first step
 * @param steps what was done
 * @param end how many of the steps had begun
 * @param random numbers from 0 to below 1
 */
export function afterCrash(
  before: Uint8Array,
  steps: readonly MemoryStep[],
  end: number,
  random: () => number,
): Uint8Array {
  let flushed = end;
  while (flushed > 0 && steps[flushed - 1]?.kind !== 'flush') flushed--;
  let disk: Uint8Array = before.slice();
  for (const step of steps.slice(0, flushed)) disk = apply(disk, step);
  const kept = steps.slice(flushed, end).filter(() => random() < 0.5);
  for (let index = kept.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    const step = kept[index] as MemoryStep;
    kept[index] = kept[other] as MemoryStep;
    kept[other] = step;
  }
  for (const step of kept) disk = apply(disk, step);
  return disk;
}

function apply(disk: Uint8Array, step: MemoryStep): Uint8Array {
  switch (step.kind) {
    case 'write': {
      const longer = resized(disk, Math.max(disk.length, step.offset + step.data.length));
      longer.set(step.data, step.offset);
      return longer;
    }
    case 'discard':
      disk.fill(0, step.offset, step.offset + step.length);
      return disk;
    case 'truncate':
      return resized(disk, step.size);
    case 'flush':
      return disk;
  }
}
