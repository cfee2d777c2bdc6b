import type { JobStatus, JobVerb } from '../../../generated/index.js';
import { BlockError } from '../error.js';

const beforeItsEnd: readonly JobStatus[] = ['created', 'running', 'paused', 'ready', 'standby'];

/** In which states a job can do what. */
const allowed: { readonly [Verb in JobVerb]: readonly JobStatus[] } = {
  cancel: [...beforeItsEnd, 'waiting', 'pending'],
  pause: beforeItsEnd,
  resume: beforeItsEnd,
  'set-speed': beforeItsEnd,
  complete: ['ready', 'standby'],
  finalize: ['pending'],
  dismiss: ['concluded'],
  change: beforeItsEnd,
};

/** @throws BlockError when a job in this state cannot do that */
export function checkVerb({ id, status }: { readonly id: string; readonly status: JobStatus }, verb: JobVerb): void {
  if (allowed[verb].includes(status)) return;
  throw new BlockError(`Job '${id}' in state '${status}' cannot accept command verb '${verb}'`, { code: 'EPERM' });
}
