import { spawnSync } from 'node:child_process';
import { describe } from 'vitest';

/**
 * A `describe` whose tests run real programs: skipped, with a line that says so, where one is missing. On CI, where
 * `.ci/run` has installed them, a missing program is a failure.
 */
export function describeWithPrograms(title: string, programs: readonly string[], body: () => void): void {
  const missing = programs.filter((program) => spawnSync('which', [program]).status !== 0);
  if (missing.length === 0) {
    describe(title, body);
    return;
  }
  const message = `"${title}" needs ${missing.join(', ')}; .ci/run names the Debian packages`;
  if (process.env.CI === 'true') throw new Error(message);
  process.stderr.write(`SKIPPED: ${message}\n`);
  describe.skip(title, body);
}

/**
 * Random comparisons with real programs are the same each time: what fails was broken by the change that is tested, and is not a
 * difference that no run has met before. `QAPI_SEED=5` looks for those.
 */
export const seed = Number(process.env.QAPI_SEED ?? 28);
