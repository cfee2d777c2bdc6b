import type { BlockDeviceIoStatus, BlockdevOnError, BlockErrorAction } from '../../../generated/index.js';
import type { Errno } from '../errno.js';

/** What is done about a failed request: `rerror` and `werror`. */
export type ErrorPolicy = Exclude<BlockdevOnError, 'auto'>;

/** The policies of a backend: for reads, and for all else. */
export interface ErrorPolicies {
  readonly read: ErrorPolicy;
  readonly write: ErrorPolicy;
}

/** What drives have that say nothing of errors. */
export const defaultErrorPolicies: ErrorPolicies = { read: 'report', write: 'enospc' };

/** What a policy makes of a failure. */
export function actionFor(policy: ErrorPolicy, code: Errno): BlockErrorAction {
  if (policy === 'enospc') return isNoSpace(code) ? 'stop' : 'report';
  return policy;
}

/** The host is out of space. */
export function isNoSpace(code: Errno): boolean {
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** Whether policies can stop anything: only then queries show an I/O status, and events tell of space. */
export function canStop({ read, write }: ErrorPolicies): boolean {
  return write === 'enospc' || write === 'stop' || read === 'stop';
}

/** The I/O status that a failure leads to. The first failure has the word. */
export function statusAfter(status: BlockDeviceIoStatus, code: Errno): BlockDeviceIoStatus {
  if (status !== 'ok') return status;
  return isNoSpace(code) ? 'nospace' : 'failed';
}
