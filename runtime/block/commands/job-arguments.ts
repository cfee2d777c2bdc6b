import { isWellFormedId } from '../../visit/well-formed-id.js';
import { invalid } from '../error.js';
import type { BlockGraph } from '../graph/graph.js';
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
 * Jobs put no nodes of their own above others here, so that the name that one would have is only checked.
 *
 * @throws BlockError when no node can have it
 */
export function checkFilterName(graph: BlockGraph, name: string | undefined): void {
  if (name === undefined) return;
  if (!isWellFormedId(name)) throw invalid(`Could not create node: Invalid node-name: '${name}'`);
  if (graph.node(name) !== undefined) {
    throw invalid(`Could not create node: Duplicate nodes with node-name='${name}'`);
  }
}
