import type { ReplicatedDisk } from '../abilities.js';
import type { Bitmaps } from '../bitmaps/bitmaps.js';
import { BlockError, invalid } from '../error.js';
import { type Blocker, blockerExcept } from '../graph/blockers.js';
import type { BlockNode } from '../graph/node.js';
import { leastCopied } from '../limits.js';
import type { BackupWork } from './backup.js';
import { createBackupJob } from './backup-job.js';
import { dissolved } from './commit.js';
import type { Job } from './job.js';
import { internalJob, type Jobs } from './jobs.js';
import { openForWriting, type Reopened, restore } from './reopened.js';
import { defaultMirrorBuffer, startMirror } from './start-mirror.js';

/** The images of the secondary side. */
interface Images {
  /** What its machine has written since the last checkpoint. */
  readonly active: BlockNode;
  /** What the primary has overwritten since then, as it was. */
  readonly hidden: BlockNode;
  /** What the primary writes to. */
  readonly secondary: BlockNode;
}

/** The disk of a secondary side, as long as it is replicated: what its machine sees is the disk of the last checkpoint and its own writes. */
export class SecondaryDisk {
  readonly #jobs: Jobs;
  readonly #bitmaps: Bitmaps;
  readonly #disk: ReplicatedDisk;
  readonly #images: Images;
  readonly #top: BlockNode;
  readonly #blocker: Blocker = blockerExcept('the disk is replicated', ['dataplane']);
  readonly #reopened: Reopened[] = [];
  #keeping: { readonly job: Job; readonly work: BackupWork } | undefined;
  #committing: Job | undefined;

  /** @param node the filter. @throws BlockError when what is around it is not as it must be */
  constructor(jobs: Jobs, bitmaps: Bitmaps, node: BlockNode, disk: ReplicatedDisk) {
    this.#jobs = jobs;
    this.#bitmaps = bitmaps;
    this.#disk = disk;
    this.#images = imagesOf(node);
    this.#top = topOf(jobs, node, disk.top ?? '');
  }

  /** @throws BlockError when the images cannot be written, or others exclude that */
  async start(): Promise<void> {
    const { graph } = this.#jobs;
    const { hidden, secondary } = this.#images;
    try {
      for (const node of [hidden, secondary]) await openForWriting(graph, node, this.#reopened);
      await this.#keep();
      await this.checkpoint();
    } catch (error) {
      await this.#endKeeping();
      await restore(graph, this.#reopened.splice(0));
      throw error;
    }
    this.#keeping?.job.start();
    this.#top.blockers.add(this.#blocker);
    this.#disk.stage = 'running';
    this.#disk.end = () => this.#end();
  }

  /** The machine's state is that of the primary from now on: so is the disk. */
  async checkpoint(): Promise<void> {
    const { active, hidden } = this.#images;
    await this.#jobs.graph.drainedAll(async () => {
      await active.instance?.makeEmpty?.();
      await hidden.instance?.makeEmpty?.();
      this.#keeping?.work.startAnew();
    });
  }

  /** Ends with the disk of the primary. */
  async stop(): Promise<void> {
    await this.checkpoint();
    await this.#endKeeping();
    this.#disk.stage = 'done';
    this.#disk.end = undefined;
    await restore(this.#jobs.graph, this.#reopened.splice(0));
  }

  /** The machine takes over: its disk becomes the only one. @throws BlockError when that cannot begin */
  async takeOver(): Promise<void> {
    const { active, secondary } = this.#images;
    await this.#endKeeping();
    this.#disk.stage = 'failover';
    try {
      this.#committing = await startMirror(this.#jobs, this.#bitmaps, internalJob, {
        type: 'commit',
        source: active,
        target: secondary,
        between: dissolved(active.below, secondary),
        first: { above: secondary },
        copyMode: 'background',
        granularity: undefined,
        bufferSize: defaultMirrorBuffer,
        onSourceError: 'report',
        onTargetError: 'report',
        unmap: true,
        backing: 'leave',
        replaces: undefined,
        completesItself: true,
        end: async (pivoted) => {
          this.#committing = undefined;
          this.#committed(pivoted);
        },
      });
    } catch (error) {
      this.#committed(false);
      throw error;
    }
  }

  #committed(succeeded: boolean): void {
    this.#disk.stage = succeeded ? 'done' : 'failover-failed';
    this.#disk.broken = !succeeded;
    this.#disk.end = undefined;
  }

  /** What the primary is about to overwrite is copied into the hidden disk. */
  async #keep(): Promise<void> {
    const { hidden, secondary } = this.#images;
    this.#keeping = await this.#jobs.graph.drained(secondary, () =>
      createBackupJob(this.#jobs, internalJob, {
        source: secondary,
        target: hidden,
        sync: 'none',
        bitmap: undefined,
        clusterSize: Math.max(leastCopied, hidden.info?.clusterSize ?? 0),
        ...{ workers: 1, chunk: 0, compress: false, discardsSource: false, breaksSnapshot: false },
        ...{ onSourceError: 'report', onTargetError: 'report' },
      }),
    );
  }

  async #endKeeping(): Promise<void> {
    this.#top.blockers.remove(this.#blocker);
    const keeping = this.#keeping;
    this.#keeping = undefined;
    await keeping?.job.end();
  }

  async #end(): Promise<void> {
    await this.#endKeeping();
    await this.#committing?.end();
  }
}

/** @throws BlockError when there are no such images */
function imagesOf(node: BlockNode): Images {
  const active = node.file?.node;
  const hidden = active?.below;
  if (active === undefined || hidden === undefined) throw invalid("Active disk doesn't have backing file");
  const secondary = hidden.below;
  if (secondary === undefined) throw invalid("Hidden disk doesn't have backing file");
  if (!secondary.hasBackend) throw invalid("The secondary disk doesn't have block backend");
  if (active.length !== hidden.length || active.length !== secondary.length) {
    throw invalid("Active disk, hidden disk, secondary disk's length are not the same");
  }
  for (const { instance, name } of [active, hidden]) {
    if (instance?.makeEmpty === undefined) {
      throw new BlockError(`Active disk or hidden disk doesn't support make_empty: '${name}'`, { code: 'ENOTSUP' });
    }
  }
  return { active, hidden, secondary };
}

/** @throws BlockError when there is no such root, or it is not above the node */
function topOf({ graph }: Jobs, node: BlockNode, id: string): BlockNode {
  const top = graph.names.kind(id) === undefined ? undefined : graph.reference(id);
  if (top?.isRoot && isAbove(top, node)) return top;
  throw invalid(`No top_bs or it is invalid: '${id}' is no root above '${node.name}'`);
}

function isAbove(top: BlockNode, node: BlockNode): boolean {
  return top === node || [...top.childNodes()].some((child) => isAbove(child, node));
}
