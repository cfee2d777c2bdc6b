import type { JobType } from '../../../generated/index.js';
import { isWellFormedId } from '../../visit/well-formed-id.js';
import type { Child } from '../driver.js';
import { BlockError, invalid } from '../error.js';
import { type Blocker, blockerExcept } from '../graph/blockers.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import type { Permissions } from '../permissions.js';
import { checkSpeed, Job, type JobReport, type JobWork } from './job.js';
import type { JobGroup } from './job-group.js';

/** What every command that starts a job takes. */
export interface JobRequest {
  /** Absent: the name of the device that the source is the medium of. */
  readonly id: string | undefined;
  /** Bytes each second; 0: no limit. */
  readonly speed: number;
  /** The jobs that it succeeds or fails with. Absent: none. */
  readonly group?: JobGroup | undefined;
}

/** A node that a job works on. */
export interface JobNode {
  readonly node: BlockNode;
  readonly permissions: Permissions;
  /** Nothing else may be done to the node meanwhile. */
  readonly blocked: boolean;
}

interface Taken {
  readonly node: BlockNode;
  readonly root: Child;
  readonly blocker: Blocker | undefined;
}

/** All jobs of a block layer. */
export class Jobs {
  readonly graph: BlockGraph;
  readonly #onReport: (report: JobReport) => void;
  readonly #jobs = new Map<string, Job>();
  readonly #ofSources = new WeakMap<BlockNode, Job>();
  readonly #taken = new WeakMap<Job, Taken[]>();

  /** @param onReport called when a job begins, and when it is over */
  constructor(graph: BlockGraph, onReport: (report: JobReport) => void = () => {}) {
    this.graph = graph;
    this.#onReport = onReport;
  }

  /** The newest first. */
  get all(): readonly Job[] {
    return [...this.#jobs.values()].reverse();
  }

  /** @throws BlockError (DeviceNotActive) when there is no job of this id */
  named(id: string): Job {
    const job = this.#jobs.get(id);
    if (job === undefined)
      throw new BlockError(`Block job '${id}' not found`, { class: 'DeviceNotActive', code: 'ENOENT' });
    return job;
  }

  /**
   * Checks what every job needs: a source without another job, an id, a speed.
   *
   * @returns the id
   * @throws BlockError when something is wrong
   */
  check(source: BlockNode, { id, speed }: JobRequest): string {
    if (this.#ofSources.has(source)) {
      throw new BlockError(`Device '${source.deviceOrNodeName}' is in use: it has a job`, { code: 'EBUSY' });
    }
    const chosen = id ?? source.deviceName;
    if (chosen === '') throw invalid("An explicit job ID is required for this node: 'job-id' is missing");
    if (!isWellFormedId(chosen)) throw invalid(`Invalid job ID '${chosen}'`);
    if (this.#jobs.has(chosen)) throw new BlockError(`Job ID '${chosen}' already in use`, { code: 'EEXIST' });
    checkSpeed(speed);
    return chosen;
  }

  /**
   * Makes a job, which holds its nodes from now on. It begins with {@link start}.
   *
   * @param nodes the source is one of them
   * @param work makes what the job does, from the edges to the nodes
   * @throws BlockError when the id is not free, the source has a job already, or others exclude what it does to a node
   */
  async create<const Nodes extends readonly JobNode[]>(
    source: BlockNode,
    type: JobType,
    request: JobRequest,
    nodes: Nodes,
    work: (roots: { readonly [Index in keyof Nodes]: Child }) => JobWork,
  ): Promise<Job> {
    const id = this.check(source, request);
    const { host, turns } = this.graph;
    const { speed, group } = request;
    const job = new Job({
      ...{ id, type, speed, group, host, turns },
      onReport: this.#onReport,
      release: () => this.release(job),
    });
    const taken: Taken[] = [];
    this.#taken.set(job, taken);
    try {
      for (const { node, permissions, blocked } of nodes) taken.push(await this.#take(job, node, permissions, blocked));
      job.work = work(taken.map(({ root }) => root) as { [Index in keyof Nodes]: Child });
    } catch (error) {
      await this.release(job);
      throw error;
    }
    this.#jobs.set(id, job);
    this.#ofSources.set(source, job);
    return job;
  }

  async #take(job: Job, node: BlockNode, permissions: Permissions, blocked: boolean): Promise<Taken> {
    const root = await this.graph.attachRoot(node, job, permissions);
    job.roots.add(root);
    if (!blocked) return { node, root, blocker: undefined };
    const blocker = blockerExcept(`block device is in use by block job: ${job.type}`, ['dataplane']);
    node.blockers.add(blocker);
    return { node, root, blocker };
  }

  /** Has a job begin. */
  start(job: Job): void {
    job.start(() => this.#forget(job));
  }

  /** Lets go of the nodes of a job; they are closed when nothing else holds them. */
  async release(job: Job): Promise<void> {
    const taken = this.#taken.get(job) ?? [];
    this.#taken.delete(job);
    for (const { node, root, blocker } of taken) {
      node.blockers.remove(blocker);
      if (this.#ofSources.get(node) === job) this.#ofSources.delete(node);
      job.roots.delete(root);
      await this.graph.detachRoot(root);
    }
  }

  /** Ends all jobs. */
  async endAll(): Promise<void> {
    for (const job of this.all) {
      this.start(job);
      await job.end();
    }
  }

  #forget(job: Job): void {
    this.#jobs.delete(job.id);
  }
}
