import { isWellFormedId } from '../../visit/well-formed-id.js';
import { invalid } from '../error.js';
import type { BlockGraph } from '../graph/graph.js';
import { longestNodeName } from '../graph/names.js';
import type { JobGroup } from '../jobs/job-group.js';
import type { JobRequest } from '../jobs/jobs.js';

/** What all commands that start a job of a node take. */
interface JobArguments {
  readonly 'job-id'?: string;
  readonly speed?: number | bigint;
  readonly 'auto-finalize'?: boolean;
  readonly 'auto-dismiss'?: boolean;
}

/** What a job is asked for with. */
export function requestOf(args: JobArguments, group?: JobGroup): JobRequest {
  return {
    id: args['job-id'],
    speed: Number(args.speed ?? 0),
    autoFinalize: args['auto-finalize'],
    autoDismiss: args['auto-dismiss'],
    group,
  };
}

/**
 * Checks the name that a job's filter is to have before anything else is done.
 *
 * @param prefix what messages begin with
 * @throws BlockError when no node can have it
 */
export function checkFilterName(graph: BlockGraph, name: string | undefined, prefix = ''): void {
  if (name === undefined) return;
  if (!isWellFormedId(name)) throw invalid(`${prefix}Invalid node-name: '${name}'`);
  if (name.length > longestNodeName) throw invalid(`${prefix}Node name too long`);
  graph.names.expectFree(name, prefix);
}
