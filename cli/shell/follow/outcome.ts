import { type Outcome, problem } from '../execute.js';
import type { JobEnd } from './followed-jobs.js';

/** What became of a line that follows jobs. */
export function outcomeOfJobs(ends: readonly JobEnd[]): Outcome {
  const problems = ends.map(problemOf).filter((text) => text !== undefined);
  if (problems.length > 0) return problem(problems.join('; '));
  const values = ends.map(({ id, end }) => ({ id, end }));
  const [first] = values;
  return { kind: 'value', value: values.length === 1 && first ? first : values };
}

function problemOf({ id, end, error }: JobEnd): string | undefined {
  switch (end) {
    case 'failed':
      return `job ${id} failed${error === undefined ? '' : `: ${error}`}`;
    case 'cancelled':
      return `job ${id} was cancelled`;
    case 'gone':
      return `there is no job ${id}, or no more, and its end was not reported`;
    default:
      return undefined;
  }
}
