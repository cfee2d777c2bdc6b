import type { JobType } from '../../../generated/index.js';
import type { Child } from '../driver.js';
import { type Blocker, blockerExcept, type Operation } from '../graph/blockers.js';
import type { BlockGraph } from '../graph/graph.js';
import { type InsertedFilter, insertFilter, removeFilter } from '../graph/inserted-filter.js';
import type { BlockNode, NodeEdge } from '../graph/node.js';
import { type Permissions, unused } from '../permissions.js';
import { checkSpeed, Job } from './job.js';
import type { JobGroup } from './job-group.js';
import { endJobs, JobList } from './job-list.js';
import type { JobEnding, JobReport, JobWork } from './job-work.js';
import type { WorkingJob } from './working-job.js';

/** What every command that starts a job takes. */
export interface JobRequest extends JobEnding {
  /** Absent: the name of the device that the source is the medium of. */
  readonly id: string | undefined;
  /** Bytes each second; 0: no limit. */
  readonly speed: number;
  /** The jobs that it succeeds or fails with. Absent: none. */
  readonly group?: JobGroup | undefined;
  /** It is a part of something else: clients do not see it, and it has no id. */
  readonly internal?: true;
}

/** What starts a job that clients do not see. */
export const internalJob: JobRequest = { id: undefined, speed: 0, internal: true };

/** A node that a job works on. */
export interface JobNode {
  readonly node: BlockNode;
  readonly permissions: Permissions;
  /** What the edge to it is called. Default: `root`, of the edge that it makes its requests through. */
  readonly name?: string;
  /** What else may be done to the node meanwhile. Absent: all. */
  readonly allowed?: readonly Operation[];
}

/** A node that a job does nothing to, but keeps others from operations on. */
export type BlockedNode = Required<Pick<JobNode, 'node' | 'allowed'>>;

interface Taken {
  readonly node: BlockNode;
  /** Absent: it does nothing to the node. */
  readonly root: NodeEdge | undefined;
  readonly blocker: Blocker | undefined;
}

/** All jobs of a block layer. */
export class Jobs extends JobList {
  readonly graph: BlockGraph;
  readonly #onReport: (report: JobReport) => void;
  readonly #internal = new Set<Job>();
  readonly #taken = new WeakMap<WorkingJob, Taken[]>();
  readonly #filters = new WeakMap<WorkingJob, BlockNode>();

  /** @param onReport called when a job begins, and when it is over */
  constructor(graph: BlockGraph, onReport: (report: JobReport) => void = () => {}) {
    super();
    this.graph = graph;
    this.#onReport = onReport;
  }

  /**
   * Checks what every job needs: an id that is free.
   *
   * @returns the id
   * @throws BlockError when something is wrong
   */
  check(source: BlockNode | undefined, { id, internal }: Pick<JobRequest, 'id' | 'internal'>): string {
    if (internal) return '';
    const chosen = id ?? source?.deviceName ?? '';
    this.checkFree(chosen);
    return chosen;
  }

  /**
   * Makes a job, which holds its nodes from now on. It begins with {@link Job.start}.
   *
   * @param source gives the job its id if none is given
   * @param work makes what the job does, from the edges to the nodes
   * @param blocked nodes that it has no edges to
   * @throws BlockError when the id is not free, or others exclude what it does to a node
   */
  async create<const Nodes extends readonly JobNode[]>(
    source: BlockNode | undefined,
    type: JobType,
    request: JobRequest,
    nodes: Nodes,
    work: (roots: { readonly [Index in keyof Nodes]: Child }) => JobWork,
    blocked: readonly BlockedNode[] = [],
  ): Promise<Job> {
    const id = this.check(source, request);
    const { internal = false } = request;
    const { host, turns } = this.graph;
    const job = new Job({
      ...request,
      ...{ id, type, turns },
      host: internal ? { ...host, events: { emit() {} } } : host,
      onReport: internal ? () => {} : this.#onReport,
      release: () => this.release(job),
      rest: () => this.rest(job),
      forget: () => (internal ? this.#internal.delete(job) : this.forget(id)),
    });
    const taken: Taken[] = [];
    this.#taken.set(job, taken);
    try {
      for (const { node, allowed } of blocked)
        taken.push({ node, root: undefined, blocker: block(job, node, allowed) });
      const roots: NodeEdge[] = [];
      for (const node of nodes) {
        const { root, ...others } = await this.#take(job, node);
        roots.push(root);
        taken.push({ root, ...others });
      }
      checkSpeed(request.speed);
      job.work = work(roots as readonly NodeEdge[] as { [Index in keyof Nodes]: Child });
    } catch (error) {
      await this.release(job);
      job.giveUp();
      throw error;
    }
    if (internal) this.#internal.add(job);
    else this.add(job);
    return job;
  }

  /**
   * Puts a filter over a node, and makes a job with it. The filter is there until the job has ended.
   *
   * @throws BlockError when either cannot be; the filter is gone then
   */
  async over(node: BlockNode, wanted: InsertedFilter, create: (filter: BlockNode) => Promise<Job>): Promise<Job> {
    const { graph } = this;
    const filter = await graph.drained(node, () => insertFilter(graph, node, wanted));
    try {
      const job = await create(filter);
      this.#filters.set(job, filter);
      return job;
    } catch (error) {
      await removeFilter(graph, filter);
      throw error;
    }
  }

  async #takeFilterOut(job: WorkingJob): Promise<void> {
    const filter = this.#filters.get(job);
    this.#filters.delete(job);
    if (filter !== undefined) await removeFilter(this.graph, filter);
  }

  async #take(job: Job, { node, permissions, name, allowed }: JobNode): Promise<Taken & { readonly root: NodeEdge }> {
    const root = await this.graph.attachRoot(node, job, permissions, name);
    job.roots.add(root);
    return { node, root, blocker: allowed && block(job, node, allowed) };
  }

  /** A job does nothing to its nodes any more, but keeps them. */
  async rest(job: WorkingJob): Promise<void> {
    for (const { node, root } of this.#taken.get(job) ?? []) {
      if (root !== undefined) root.permissions = unused;
      await this.graph.letGo(node);
    }
    await this.#takeFilterOut(job);
  }

  /** Lets go of the nodes of a job; they are closed when nothing else holds them. */
  async release(job: WorkingJob): Promise<void> {
    const taken = this.#taken.get(job) ?? [];
    this.#taken.delete(job);
    for (const { node, root, blocker } of taken) {
      node.blockers.remove(blocker);
      if (root === undefined) continue;
      job.roots.delete(root);
      await this.graph.detachRoot(root);
    }
    await this.#takeFilterOut(job);
  }

  /** Ends the jobs that work on a node. For the holder of the turn. */
  async endOn(node: BlockNode): Promise<void> {
    for (const job of this.all) {
      if (job.status !== 'concluded' && [...job.roots].some((root) => root.node === node)) await job.end();
    }
  }

  override async endAll(): Promise<void> {
    await super.endAll();
    await endJobs(this.#internal);
  }
}

/** Keeps others from operations on a node of a job. */
function block(job: Job, node: BlockNode, allowed: readonly Operation[]): Blocker {
  const blocker = blockerExcept(`block device is in use by block job: ${job.type}`, allowed);
  node.blockers.add(blocker);
  return blocker;
}
