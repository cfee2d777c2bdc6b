import { inspect } from 'node:util';
import { tell } from '../listener.js';

/** Something that the operator of a server should know. */
export type ServerProblem =
  | { readonly kind: 'handler'; readonly command: string; readonly error: unknown }
  | { readonly kind: 'client'; readonly message: string };

/** Reports a problem; an unexpected error on the standard error when there is no listener, so that none gets lost. */
export function reportProblem(onProblem: ((problem: ServerProblem) => void) | undefined, problem: ServerProblem): void {
  if (onProblem) tell(onProblem, problem);
  else if (problem.kind === 'handler') {
    process.stderr.write(`The handler of '${problem.command}' failed: ${inspect(problem.error)}\n`);
  }
}
