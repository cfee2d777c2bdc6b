import { strerror } from '../errno.js';
import { BlockError } from '../error.js';

/** A job has failed for another reason than a request of its own: its clients learn the reason. */
export class JobFailure extends BlockError {}

/** What clients learn of a failure: of a request that failed, what its code says. */
export function describeFailure(error: BlockError): string {
  return error instanceof JobFailure ? error.message : strerror(error.code);
}
