import type {
  BlockdevOnError,
  BlockJobChangeOptions,
  IoOperationType,
  MirrorCopyMode,
} from '../../../generated/index.js';
import type { DirtyBitmap } from '../bitmaps/bitmap.js';
import type { Stretch } from '../bitmaps/dirty-bits.js';
import type { Child } from '../driver.js';
import { invalid } from '../error.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import { giveUpWaiting } from '../graph/walk.js';
import { roundDown, roundUp } from '../limits.js';
import { RequestFlag } from '../request-flag.js';
import { CopyFailure, copyStretch } from './copy.js';
import { EarlyFlush } from './early-flush.js';
import { InFlight } from './in-flight.js';
import { JobFailure } from './job-failure.js';
import type { JobWork } from './job-work.js';
import type { WorkingJob } from './working-job.js';
import { eachStretch, zeroed } from './zeroed.js';

/** Stretches that are copied at the same time. */
const mostInFlight = 16;
/** Bytes of the largest stretch, where the buffer is not so large that a sixteenth of it is more. */
const largestStretch = 1024 * 1024;
/** Nanoseconds between two looks for something to do. */
const idle = 1e8;

/** What is mirrored, how, and what happens at the end. */
export interface MirrorPlan {
  readonly type: 'mirror' | 'commit';
  readonly graph: BlockGraph;
  readonly source: BlockNode;
  readonly target: BlockNode;
  /** What is copied at first: all that is allocated above `base`, all of the disk, or nothing. */
  readonly first: { readonly above: BlockNode | undefined } | 'everything' | 'nothing';
  /** When what is written is copied: later, or together with the write. */
  readonly copyMode: MirrorCopyMode;
  /** Records what has to be copied. */
  readonly bitmap: DirtyBitmap;
  /** Bytes. */
  readonly bufferSize: number;
  readonly onSourceError: BlockdevOnError;
  readonly onTargetError: BlockdevOnError;
  /** What reads as zeroes may be deallocated in the target. */
  readonly unmap: boolean;
  /** It does not wait to be completed by a user. */
  readonly completesItself?: boolean;
  /** Called when the user wants the target in the place of the source. @throws BlockError when that cannot be prepared */
  prepareCompletion(): Promise<void>;
  /** Puts the target in the place of the source. Both are drained, and equal. */
  pivot(job: WorkingJob): Promise<void>;
  clean(): Promise<void>;
  putBack(): Promise<void>;
}

/** Copies a disk while it is written to, until both are equal, and keeps them so. */
export function mirrorWork(plan: MirrorPlan, from: Child, into: Child): JobWork {
  const mirror = new Mirror(plan, from, into);
  return {
    run: (job) => mirror.run(job),
    settle: (job) => mirror.settle(job),
    commit: (job) => mirror.commit(job),
    complete: (job) => mirror.complete(job),
    leave: () => mirror.leave(),
    interrupt: () => giveUpWaiting(plan.target),
    change: (options) => mirror.change(options),
    get activelySynced() {
      return mirror.activelySynced;
    },
    async clean() {
      mirror.stopFollowing();
      await mirror.letGo();
      await plan.clean();
    },
    putBack: () => plan.putBack(),
  };
}

class Mirror {
  readonly #plan: MirrorPlan;
  readonly #from: Child;
  readonly #into: Child;
  readonly #flights = new InFlight(mostInFlight);
  readonly #earlyFlush: EarlyFlush;
  /** What is being copied: it is not begun again before that is done. */
  readonly #copying = new Set<Stretch>();
  /** Bytes of it. */
  #pending = 0;
  #cursor = 0;
  #marked = false;
  /** Both were equal, and nothing has failed since. */
  #synced = false;
  #wanted: 'completion' | 'end' | undefined;
  #failure: { readonly error: unknown } | undefined;
  /** The drained section between the last copy and the end. */
  #drained: Promise<void> | undefined;
  #endDrained: (() => void) | undefined;
  #copyMode: MirrorCopyMode;
  /** Nothing is dirty, and nothing becomes so any more. */
  #activelySynced = false;
  #job: WorkingJob | undefined;
  readonly #follow = (offset: number, length: number): Promise<void> => this.#copyWritten(offset, length);

  constructor(plan: MirrorPlan, from: Child, into: Child) {
    this.#plan = plan;
    this.#from = from;
    this.#into = into;
    this.#earlyFlush = new EarlyFlush(into);
    this.#copyMode = plan.copyMode;
    if (plan.completesItself) this.#wanted = 'completion';
    if (plan.copyMode === 'write-blocking') plan.source.requests.afterWrite.add(this.#follow);
  }

  get activelySynced(): boolean {
    return this.#activelySynced;
  }

  /** Only the copying of what is written can be changed, and only to stricter. @throws BlockError */
  change(options: BlockJobChangeOptions): void {
    const wanted = options.type === 'mirror' ? options['copy-mode'] : undefined;
    if (wanted === this.#copyMode) return;
    if (wanted !== 'write-blocking') throw invalid("Change to copy mode 'background' is not implemented");
    this.#copyMode = wanted;
    this.#plan.source.requests.afterWrite.add(this.#follow);
  }

  stopFollowing(): void {
    this.#plan.source.requests.afterWrite.delete(this.#follow);
  }

  async complete(job: WorkingJob): Promise<void> {
    if (!this.#synced) throw job.notCompletable();
    await this.#plan.prepareCompletion();
    this.#wanted = 'completion';
  }

  leave(): void {
    this.#wanted ??= 'end';
  }

  async run(job: WorkingJob): Promise<void> {
    const { type, source, target } = this.#plan;
    this.#job = job;
    if (type === 'mirror' && source.length !== target.length) {
      throw new JobFailure('Source and target image have different sizes', { code: 'EINVAL' });
    }
    try {
      if (!this.#marked) await this.#markFirst(job);
      this.#marked = true;
      while (!job.cancelled) {
        this.#tell(job);
        await job.pausePointOf(this.#flights);
        if (this.#failure) throw this.#failure.error;
        if (job.cancelled) return;
        if (await this.#copyNext(job)) continue;
        if (this.#flights.size > 0) {
          await this.#flights.one();
          continue;
        }
        if (!(await this.#flushed(job))) continue;
        this.#activelySynced = this.#copyMode === 'write-blocking' && this.#plan.bitmap.bits.count === 0;
        if (!this.#synced) {
          this.#synced = true;
          this.#tell(job);
          job.becomeReady();
        }
        if (this.#wanted === undefined) await job.sleep(idle);
        else return;
      }
    } finally {
      await this.#flights.all();
      this.#tell(job);
    }
  }

  /** Marks what is to be copied even if it is never written. */
  async #markFirst(job: WorkingJob): Promise<void> {
    const { first, bitmap, source } = this.#plan;
    const { bits } = bitmap;
    if (first === 'nothing') return;
    if (first === 'everything' && !(await zeroed(this.#into, source.length, this.#plan.unmap, job))) {
      bits.set(0, source.length);
      return;
    }
    const base = first === 'everything' ? undefined : first.above;
    await eachStretch(this.#from, source.length, base, job, (offset, { allocated, length }) => {
      if (allocated) bits.set(offset, length);
    });
  }

  #tell(job: WorkingJob): void {
    job.len = job.offset + this.#dirtyBytes() + this.#pending;
  }

  /** What is dirty, counted as far as the disk reaches. */
  #dirtyBytes(): number {
    const { bits } = this.#plan.bitmap;
    const { size, granularity, dirtyBytes } = bits;
    const beyond = size % granularity;
    return beyond > 0 && bits.has(size - 1) ? dirtyBytes - granularity + beyond : dirtyBytes;
  }

  /** Bytes that are copied at once: no more than the buffer that was asked for. */
  get #most(): number {
    const { bufferSize } = this.#plan;
    return Math.min(bufferSize, Math.max(largestStretch, Math.floor(bufferSize / mostInFlight)));
  }

  /** Begins to copy the next dirty stretch. @returns whether there was one that could be begun */
  async #copyNext(job: WorkingJob): Promise<boolean> {
    const { bits } = this.#plan.bitmap;
    const most = this.#most;
    const dirty = bits.run(this.#cursor, most) ?? bits.run(0, most);
    if (dirty === undefined) return false;
    const found = this.#whole(dirty);
    const full = this.#pending > 0 && this.#pending + found.length > Math.max(this.#plan.bufferSize, found.length);
    if (full || this.#flights.size >= mostInFlight || this.#isCopying(found)) {
      await this.#flights.one();
      return true;
    }
    this.#cursor = found.offset + found.length;
    this.#begin(job, found);
    const delay = job.delayAfter(found.length);
    if (delay > 0) {
      await this.#flights.all();
      this.#tell(job);
      await job.pace(delay);
    }
    return true;
  }

  /**
   * A stretch with all of the clusters and granules that it touches. The target may get its backing file at the end only: it cannot fill up from
   * there what a cluster has beside the stretch. A granule is clean only when all of it is copied.
   */
  #whole({ offset, length }: Stretch): Stretch {
    const { target, source, bitmap } = this.#plan;
    const unit = Math.max(target.info?.clusterSize ?? 1, bitmap.bits.granularity);
    const start = roundDown(offset, unit);
    return { offset: start, length: Math.min(roundUp(offset + length, unit), source.length) - start };
  }

  /** Whether some of a stretch is being copied. */
  #isCopying({ offset, length }: Stretch): boolean {
    for (const each of this.#copying) {
      if (each.offset < offset + length && offset < each.offset + each.length) return true;
    }
    return false;
  }

  /** Begins to copy a stretch. */
  #begin(job: WorkingJob, stretch: Stretch, readFlags = 0): void {
    this.#plan.bitmap.bits.clear(stretch.offset, stretch.length);
    this.#copying.add(stretch);
    this.#pending += stretch.length;
    this.#flights.add(this.#copyAndFlush(job, stretch, readFlags));
  }

  async #copyAndFlush(job: WorkingJob, stretch: Stretch, readFlags: number): Promise<void> {
    const written = await this.#copy(job, stretch, readFlags);
    try {
      await this.#earlyFlush.after(written);
    } catch (error) {
      this.#failed(job, 'write', error);
    }
  }

  /** @returns the bytes that were written as data */
  async #copy(job: WorkingJob, stretch: Stretch, readFlags: number): Promise<number> {
    const { offset, length } = stretch;
    const { unmap, bitmap } = this.#plan;
    try {
      const written = await copyStretch(this.#from, this.#into, stretch, {
        readFlags,
        zeroFlags: unmap ? RequestFlag.mayUnmap : 0,
      });
      job.offset += length;
      return written;
    } catch (failure) {
      if (!(failure instanceof CopyFailure)) throw failure;
      bitmap.bits.set(offset, length);
      this.#cursor = Math.min(this.#cursor, offset);
      this.#failed(job, failure.operation, failure);
      return 0;
    } finally {
      this.#pending -= length;
      this.#copying.delete(stretch);
    }
  }

  #failed(job: WorkingJob, operation: IoOperationType, error: unknown): void {
    const { onSourceError, onTargetError } = this.#plan;
    this.#synced = false;
    this.#activelySynced = false;
    const action = job.failed(operation === 'read' ? onSourceError : onTargetError, operation, error);
    if (action === 'report') this.#failure ??= { error };
  }

  /**
   * Copies what has just been written, before its writer learns that it was. What cannot be copied is dirty again: the job's policy
   * decides, and the write has succeeded all the same.
   */
  async #copyWritten(offset: number, length: number): Promise<void> {
    const job = this.#job;
    if (job === undefined || job.cancelled || this.#failure !== undefined) return;
    const stretch = this.#whole({ offset, length });
    while (this.#isCopying(stretch)) await this.#flights.one();
    this.#begin(job, stretch, RequestFlag.noSerialising);
    while (this.#copying.has(stretch)) await this.#flights.one();
  }

  async #flushed(job: WorkingJob): Promise<boolean> {
    try {
      await this.#into.flush();
      return true;
    } catch (error) {
      this.#failed(job, 'write', error);
      return false;
    }
  }

  /** Copies the rest while nothing is written, and keeps it so until {@link letGo}, unless that fails. */
  settle(job: WorkingJob): Promise<'not yet' | undefined> {
    const { graph, source } = this.#plan;
    return new Promise((resolve, reject) => {
      this.#drained = graph.drained(source, async () => {
        if (!(await this.#copyRest(job))) {
          resolve('not yet');
          return;
        }
        await new Promise<void>((end) => {
          this.#endDrained = end;
          resolve(undefined);
        });
      });
      this.#drained.catch(reject);
    });
  }

  async #copyRest(job: WorkingJob): Promise<boolean> {
    const { bits } = this.#plan.bitmap;
    while (bits.count > 0 && this.#synced) await this.#copyDrained(job);
    if (!this.#synced || !(await this.#flushed(job))) return false;
    this.#tell(job);
    return true;
  }

  async commit(job: WorkingJob): Promise<void> {
    if (this.#wanted === 'completion') await this.#plan.pivot(job);
  }

  /** Lets others write again. */
  async letGo(): Promise<void> {
    this.#endDrained?.();
    // What has failed in it is known already.
    await this.#drained?.catch(() => {});
  }

  async #copyDrained(job: WorkingJob): Promise<void> {
    await this.#flights.room();
    const { bits } = this.#plan.bitmap;
    const dirty = bits.run(0, this.#most);
    if (dirty !== undefined) this.#begin(job, this.#whole(dirty));
    if (bits.count === 0) await this.#flights.all();
  }
}
