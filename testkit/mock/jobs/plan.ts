/** How a job of a mock goes. It only counts: there is no data that it moves. */
export interface MockJobPlan {
  /** How long it works, in milliseconds, at least; `speed` may make it slower. Default: 0. */
  readonly duration?: number;
  /** How much there is to do, in the job's own unit. Default: 1 MiB for what copies a disk, else 1. */
  readonly length?: number;
  /** What it fails with, half of its way through. Default: it succeeds. */
  readonly fails?: string;
}

/**
 * Checks a plan that may come from a file.
 *
 * @throws TypeError that names what is wrong
 */
export function checkPlan(plan: { readonly [name: string]: unknown } | MockJobPlan): MockJobPlan {
  for (const [name, value] of Object.entries(plan)) {
    if (value === undefined) continue;
    switch (name) {
      case 'duration':
        if (typeof value === 'number' && value >= 0) break;
        throw new TypeError('the duration of a job is a number of milliseconds');
      case 'length':
        if (Number.isSafeInteger(value) && (value as number) >= 0) break;
        throw new TypeError('the length of a job is an integer that is not negative');
      case 'fails':
        if (typeof value === 'string') break;
        throw new TypeError('what a job fails with is a text');
      default:
        throw new TypeError(`a job has duration, length and fails, and no '${name}'`);
    }
  }
  return plan;
}
