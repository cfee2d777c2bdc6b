import type { BlockdevOnError, MirrorCopyMode } from '../../../generated/index.js';
import { type Bitmaps, defaultGranularity } from '../bitmaps/bitmaps.js';
import { BlockError, invalid } from '../error.js';
import { type Blocker, blockerExcept } from '../graph/blockers.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import { openBacking } from '../graph/open-backing.js';
import { reopen } from '../graph/reopen.js';
import { isReplaceable } from '../graph/replaceable.js';
import { isPowerOfTwo } from '../limits.js';
import { everything, Permission, type Permissions, unused } from '../permissions.js';
import { activeCommitFilter, filtered, mirrorFilter } from './filters.js';
import type { Job } from './job.js';
import type { JobNode, JobRequest, Jobs } from './jobs.js';
import { type MirrorPlan, mirrorWork } from './mirror.js';
import { writing } from './target.js';
import type { WorkingJob } from './working-job.js';

/** Bytes of a mirror's buffer that is not chosen by the user. */
export const defaultMirrorBuffer = 16 * 1024 * 1024;

const leastGranularity = 512;
const largestGranularity = 64 * 1024 * 1024;

/** What is mirrored, as commands ask for it. */
export interface MirrorRequest {
  readonly type: 'mirror' | 'commit';
  readonly source: BlockNode;
  readonly target: BlockNode;
  /** The nodes between them, whose data goes from one to the other, too. Absent: none. */
  readonly between?: readonly JobNode[];
  readonly first: MirrorPlan['first'];
  readonly copyMode: MirrorCopyMode;
  /** Bytes; absent: that of the target's format, within bounds. */
  readonly granularity: number | undefined;
  /** Bytes; 0 for the default. */
  readonly bufferSize: number;
  readonly onSourceError: BlockdevOnError;
  readonly onTargetError: BlockdevOnError;
  readonly unmap: boolean;
  /** The target's backing file at the end: a node, or none, what its header says, or what it has. */
  readonly backing: { readonly node: BlockNode | undefined } | 'header' | 'leave';
  /** The node that the target takes the place of. Absent: the source. */
  readonly replaces: string | undefined;
  /** The name of the filter over the source. Absent: one is made. */
  readonly filterName?: string | undefined;
  /** It does not wait to be completed by a user. */
  readonly completesItself?: boolean;
  /** Called when it is over. */
  end?(pivoted: boolean): Promise<void>;
}

/** @throws BlockError when the arguments of a mirror are wrong */
function checkMirror({ source, target, granularity, bufferSize, type }: MirrorRequest): void {
  if (granularity !== undefined && granularity !== 0) {
    if (granularity < leastGranularity || granularity > largestGranularity) {
      throw invalid("Parameter 'granularity' expects a value in range [512B, 64MB]");
    }
    if (!isPowerOfTwo(granularity)) throw invalid("Parameter 'granularity' expects a power of 2");
  }
  if (type === 'mirror') {
    source.checkAllowed('mirror-source');
    target.checkAllowed('mirror-target');
    if (source === target) throw invalid("Can't mirror node into itself");
  }
  if (bufferSize < 0) throw invalid("Invalid parameter 'buf-size': it is at least 0");
}

/** Starts a job that makes a target equal to a source. @returns the job @throws BlockError when it cannot be started */
export async function startMirror(
  jobs: Jobs,
  bitmaps: Bitmaps,
  request: JobRequest,
  wanted: MirrorRequest,
): Promise<Job> {
  checkMirror(wanted);
  jobs.check(wanted.source, request);
  const { source, target, type, between = [], filterName } = wanted;
  const granularity = wanted.granularity || defaultGranularity(target.info?.clusterSize);
  const bufferSize = Math.max(granularity, wanted.bufferSize || defaultMirrorBuffer);
  const bitmap = bitmaps.addAnonymous(source, granularity);
  const ending = new Ending(jobs, wanted);
  try {
    const over = type === 'commit' ? activeCommitFilter : mirrorFilter;
    const job = await jobs.over(source, over(filterName), (filter) =>
      jobs.create(
        filter,
        type,
        request,
        [
          { node: target, permissions: targetPermissions(wanted) },
          { node: filter, name: 'main node', permissions: mirrored, allowed: ['dataplane'] },
          { node: source, name: 'source', permissions: { ...mirrored, uses: 0 }, allowed: ['dataplane'] },
          { node: target, name: 'target', permissions: unused, allowed: ['dataplane'] },
          ...between,
        ],
        ([into]) =>
          mirrorWork(
            {
              ...wanted,
              graph: jobs.graph,
              bitmap,
              bufferSize,
              prepareCompletion: () => ending.prepare(),
              pivot: (job) => ending.pivot(job),
              clean: async () => {
                bitmaps.remove(source, bitmap);
                ending.release();
              },
              putBack: async () => wanted.end?.(ending.pivoted),
            },
            filtered(filter),
            into,
          ),
      ),
    );
    job.start();
    return job;
  } catch (error) {
    bitmaps.remove(source, bitmap);
    throw error;
  }
}

/** What a mirror does to its source, whose length must stay. */
const mirrored: Permissions = { uses: Permission.consistentRead, shares: everything & ~Permission.resize };

/** Nothing makes sense of a mirror's target before it is one, and the job does not read it; a base is one all the time. */
function targetPermissions({ type, target }: MirrorRequest): Permissions {
  const shares = type === 'commit' ? everything & ~Permission.resize : Permission.writeUnchanged;
  return { uses: writing(target).uses & ~Permission.consistentRead, shares };
}

/** What a mirror's completion does to the graph. */
class Ending {
  pivoted = false;
  readonly #jobs: Jobs;
  readonly #graph: BlockGraph;
  readonly #request: MirrorRequest;
  #replaced: BlockNode | undefined;
  #blocker: Blocker | undefined;

  constructor(jobs: Jobs, request: MirrorRequest) {
    this.#jobs = jobs;
    this.#graph = jobs.graph;
    this.#request = request;
  }

  async prepare(): Promise<void> {
    const { target, backing, replaces } = this.#request;
    if (backing === 'header') await openBacking(this.#graph, target);
    if (replaces === undefined || this.#replaced !== undefined) return;
    const node = this.#graph.node(replaces);
    if (node === undefined) throw new BlockError(`Node name '${replaces}' not found`, { code: 'ENODEV' });
    node.checkAllowed('replace');
    this.#blocker = blockerExcept('block device is in use by block-job-complete', []);
    node.blockers.add(this.#blocker);
    this.#replaced = node;
    // It must not be closed before the target takes its place.
    node.holds++;
  }

  async pivot(job: WorkingJob): Promise<void> {
    const { source, target, backing } = this.#request;
    const graph = this.#graph;
    const replaced = this.#replaced ?? source;
    if (!isReplaceable(source, replaced)) {
      graph.host.warn(
        `Can no longer replace '${replaced.name}' by '${target.name}': those that read it might abruptly see other data`,
      );
      throw new BlockError('Operation not permitted', { code: 'EPERM' });
    }
    for (const node of [source, target]) node.holds++;
    try {
      await this.#jobs.release(job);
      if (typeof backing === 'object' && target.below !== backing.node) await graph.relink(target, backing.node);
      if (target.flags.readOnly !== replaced.flags.readOnly) await reopen(graph, target, replaced.flags.readOnly);
      await graph.replace(replaced, target);
      this.pivoted = true;
    } finally {
      for (const node of [source, target]) node.holds--;
      this.release();
      for (const node of new Set([source, replaced, target])) await graph.release(node);
    }
  }

  release(): void {
    const node = this.#replaced;
    if (node === undefined) return;
    node.blockers.remove(this.#blocker);
    node.holds--;
    this.#replaced = undefined;
  }
}
