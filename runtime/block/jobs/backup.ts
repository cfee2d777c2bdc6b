import type { BitmapSyncMode, BlockdevOnError, MirrorSyncMode } from '../../../generated/index.js';
import type { DirtyBitmap } from '../bitmaps/bitmap.js';
import { DirtyBits, type Stretch } from '../bitmaps/dirty-bits.js';
import type { Child, PastView } from '../driver.js';
import { KeptClusters, Place } from '../drivers/shared/past/kept-clusters.js';
import { PastDisk } from '../drivers/shared/past/past-disk.js';
import type { BlockNode } from '../graph/node.js';
import { giveUpWaiting } from '../graph/walk.js';
import type { WriteNotice } from '../io/requests.js';
import { roundDown, roundUp } from '../limits.js';
import { RequestFlag } from '../request-flag.js';
import { CopyFailure, copyStretch } from './copy.js';
import { EarlyFlush } from './early-flush.js';
import { InFlight } from './in-flight.js';
import type { JobWork } from './job-work.js';
import { copiesBitmap } from './target.js';
import type { WorkingJob } from './working-job.js';

/** Stretches that are copied at the same time in the background, at most. */
const mostInFlight = 8;
/** Bytes of the largest of them. */
const largestStretch = 1024 * 1024;

/** The bitmap of a backup, and what becomes of it. */
export interface BackupBitmap {
  readonly bitmap: DirtyBitmap;
  readonly mode: BitmapSyncMode;
}

/** What is backed up, and how. */
export interface BackupPlan {
  readonly source: BlockNode;
  readonly target: BlockNode;
  readonly sync: MirrorSyncMode;
  /** Of `incremental` and `bitmap` what is to be copied. It is frozen. */
  readonly bitmap: BackupBitmap | undefined;
  /** Bytes that are copied as a whole. */
  readonly clusterSize: number;
  /** Stretches that may be copied at the same time. */
  readonly workers: number;
  /** Bytes of the largest of them; 0: as is best. */
  readonly chunk: number;
  readonly compress: boolean;
  /** What has been copied is discarded in the source. */
  readonly discardsSource: boolean;
  /** A write goes on although what it changes could not be copied: the backup fails. */
  readonly breaksSnapshot: boolean;
  readonly onSourceError: BlockdevOnError;
  readonly onTargetError: BlockdevOnError;
}

/** The work of a backup. */
export interface BackupWork extends JobWork {
  /** The disk as it was when the backup began. */
  readonly past: PastView;
  /** From now on the disk as it is now is kept. Nothing may be in flight. */
  startAnew(): void;
}

/** Copies a disk as it is now, while it is written to: what a write would change is copied before. */
export function backupWork(plan: BackupPlan, from: Child, into: Child): BackupWork {
  const backup = new Backup(plan, from, into);
  return {
    run: (job) => backup.run(job),
    clean: async (job, succeeded) => backup.clean(job, succeeded),
    interrupt: () => giveUpWaiting(plan.target),
    startAnew: () => backup.startAnew(),
    past: backup.past,
  };
}

class Backup {
  readonly past: PastDisk;
  /** Where what guests have changed since is as it was. */
  readonly #kept: KeptClusters;
  readonly #plan: BackupPlan;
  readonly #from: Child;
  readonly #into: Child;
  /** What is still to be copied, as it is now. */
  readonly #pending: DirtyBits;
  readonly #copying = new Map<Stretch, Promise<number>>();
  readonly #flights: InFlight;
  readonly #earlyFlush: EarlyFlush;
  readonly #workers: number;
  readonly #chunk: number;
  /** Bytes that need not be copied, as was found meanwhile. */
  #skipped = 0;
  #cursor = 0;
  #copied = 0;
  readonly #total: number;
  #failure: { readonly error: unknown } | undefined;
  readonly #beforeWrite = (notice: WriteNotice): Promise<void> => this.#copyBefore(notice);

  constructor(plan: BackupPlan, from: Child, into: Child) {
    const { source, bitmap, clusterSize, workers, chunk, sync } = plan;
    this.#workers = Math.min(mostInFlight, workers);
    this.#flights = new InFlight(this.#workers);
    this.#chunk = chunk === 0 ? Math.max(largestStretch, clusterSize) : roundDown(chunk, clusterSize);
    this.#plan = plan;
    this.#from = from;
    this.#into = into;
    this.#earlyFlush = new EarlyFlush(into);
    this.#pending = new DirtyBits(source.length, clusterSize);
    if (bitmap !== undefined && copiesBitmap(sync)) this.#pending.add(bitmap.bitmap.bits);
    else this.#pending.set(0, source.length);
    this.#total = this.#bytesOf(this.#pending);
    this.#kept = new KeptClusters(source.length, clusterSize);
    this.past = new PastDisk(this.#kept, from, into, RequestFlag.noSerialising);
    source.requests.beforeWrite.add(this.#beforeWrite);
  }

  startAnew(): void {
    const { length } = this.#plan.source;
    this.#pending.set(0, length);
    this.#kept.set(0, length, Place.source);
  }

  async run(job: WorkingJob): Promise<void> {
    const { sync } = this.#plan;
    this.#tell(job);
    if (sync === 'none') {
      while (!job.cancelled) {
        await job.rest();
        this.#tell(job);
      }
      return;
    }
    try {
      while (!job.cancelled) {
        this.#tell(job);
        await job.pausePointOf(this.#flights);
        if (this.#failure) throw this.#failure.error;
        if (job.cancelled) return;
        if (this.#flights.size >= this.#workers) await this.#flights.one();
        else if (!(await this.#copyNext(job))) {
          // A copy before a write may fail, and is to be done again then.
          if (this.#copying.size > 0) await Promise.race(this.#copying.values()).catch(() => {});
          else if (this.#flights.size > 0) await this.#flights.one();
          else if (this.#pending.count === 0) break;
        }
      }
    } finally {
      await this.#flights.all();
      this.#tell(job);
    }
    if (this.#failure) throw this.#failure.error;
    await this.#into.flush();
  }

  async clean(job: WorkingJob, succeeded: boolean): Promise<void> {
    const { source, bitmap } = this.#plan;
    source.requests.beforeWrite.delete(this.#beforeWrite);
    this.past.broken = true;
    await Promise.allSettled(this.#copying.values());
    this.#tell(job);
    if (bitmap === undefined) return;
    const { mode } = bitmap;
    if (mode === 'always' || (mode === 'on-success' && succeeded)) bitmap.bitmap.abdicate();
    else bitmap.bitmap.reclaim();
    if (mode === 'always' && !succeeded) bitmap.bitmap.mark(this.#pending);
  }

  #tell(job: WorkingJob): void {
    job.len = this.#total - this.#skipped;
    job.offset = this.#copied;
  }

  #bytesOf(bits: DirtyBits): number {
    let bytes = 0;
    for (const { length } of bits.runs()) bytes += length;
    return bytes;
  }

  /** Begins to copy the next stretch. @returns false when there is none that is not being copied */
  async #copyNext(job: WorkingJob): Promise<boolean> {
    const pending = this.#pending;
    const most = this.#chunk;
    const found = pending.run(this.#cursor, most) ?? pending.run(0, most);
    if (found === undefined) return false;
    const wanted = this.#plan.sync === 'top' ? await this.#allocatedPart(job, found) : found;
    if (wanted === undefined) return true;
    // Meanwhile a write may have had some of it copied.
    if (!pending.has(wanted.offset)) return true;
    const stretch = pending.run(wanted.offset, wanted.length) ?? wanted;
    this.#cursor = stretch.offset + stretch.length;
    this.#flights.add(
      this.#copyAndDiscard(stretch).catch((failure: unknown) => {
        if (!(failure instanceof CopyFailure)) throw failure;
        const { operation } = failure;
        const { onSourceError, onTargetError } = this.#plan;
        const action = job.failed(operation === 'read' ? onSourceError : onTargetError, operation, failure);
        if (action === 'report') this.#failure ??= { error: failure };
      }),
    );
    const delay = job.delayAfter(stretch.length);
    if (delay > 0) {
      await this.#flights.all();
      this.#tell(job);
      await job.pace(delay);
    }
    return true;
  }

  async #copyAndDiscard(stretch: Stretch): Promise<void> {
    const written = await this.#copy(stretch);
    await this.#earlyFlush.after(written);
    // Whether the room comes back is up to the source.
    if (this.#plan.discardsSource) await this.#from.discard(stretch.offset, stretch.length).catch(() => {});
  }

  /** The first part of a stretch that the uppermost layer has something of. What is before that is not copied at all. */
  async #allocatedPart(job: WorkingJob, { offset, length }: Stretch): Promise<Stretch | undefined> {
    const end = offset + length;
    try {
      for (let position = offset; position < end; ) {
        const run = await this.#layerRun(position, end);
        if (run.allocated) return { offset: position, length: run.length };
        this.#pending.clear(position, run.length);
        this.#skipped += run.length;
        position += run.length;
      }
    } catch (error) {
      const action = job.failed(this.#plan.onSourceError, 'read', error);
      if (action === 'report') this.#failure ??= { error };
    }
    return undefined;
  }

  /** How many bytes of whole clusters have all nothing, or each something, in the uppermost layer. */
  async #layerRun(start: number, end: number): Promise<{ readonly allocated: boolean; readonly length: number }> {
    const { clusterSize } = this.#plan;
    const first = await this.#from.blockStatus(start, end - start);
    const most = end - start;
    if (first.allocated) return { allocated: true, length: Math.min(roundUp(first.length, clusterSize), most) };
    if (first.length === most) return { allocated: false, length: most };
    if (first.length >= clusterSize) return { allocated: false, length: roundDown(first.length, clusterSize) };
    const length = Math.min(clusterSize, most);
    for (let position = first.length; position < length; ) {
      const status = await this.#from.blockStatus(start + position, length - position);
      if (status.allocated) return { allocated: true, length };
      position += status.length;
    }
    return { allocated: false, length };
  }

  /** Before a write: copies what it would change, or waits for that, and for those that read it as it was. */
  async #copyBefore({ offset, length }: WriteNotice): Promise<void> {
    if (!(await this.#saved(offset, length))) {
      this.past.broken = true;
      return;
    }
    for (const run of this.#kept.wholeRuns(offset, length)) {
      if (run.place === Place.source) this.#kept.set(run.offset, run.length, Place.target);
    }
    await this.past.unread(offset, length);
  }

  /** Resolves when a stretch is in the target. @returns false when it could not be copied, and is to be changed nevertheless */
  async #saved(offset: number, length: number): Promise<boolean> {
    const { clusterSize } = this.#plan;
    const start = roundDown(offset, clusterSize);
    const end = roundUp(offset + length, clusterSize);
    for (;;) {
      const running = [...this.#copying].find(
        ([stretch]) => stretch.offset < end && start < stretch.offset + stretch.length,
      );
      if (running !== undefined) {
        await running[1].catch(() => {});
        continue;
      }
      const found = this.#pending.run(start, largestStretch);
      if (found === undefined || found.offset >= end) return true;
      const stretch = { offset: found.offset, length: Math.min(found.length, end - found.offset) };
      // The write fails as the copy does: the job's policies are for its own requests.
      try {
        await this.#copy(stretch);
      } catch (error) {
        if (!this.#plan.breaksSnapshot) throw error;
        this.#failure ??= { error };
        return false;
      }
    }
  }

  /** Copies a stretch of whole clusters. @returns the bytes that were written as data. @throws CopyFailure */
  #copy(stretch: Stretch): Promise<number> {
    const { offset, length } = stretch;
    this.#pending.clear(offset, length);
    const { compress, clusterSize, source, target } = this.#plan;
    // What is read through a target over the source comes from the source until it is copied: not half before and half after that.
    const alone = target.chainHas(source) ? RequestFlag.serialising : 0;
    const manner = {
      readFlags: RequestFlag.noSerialising,
      writeFlags: alone | (compress ? RequestFlag.compressed : 0),
      zeroFlags: alone | RequestFlag.mayUnmap,
      // Compressed clusters are written as a whole.
      unit: compress ? clusterSize : 1,
    };
    const copying = copyStretch(this.#from, this.#into, stretch, manner).then(
      (written) => {
        this.#copied += length;
        this.#copying.delete(stretch);
        return written;
      },
      (failure: unknown) => {
        this.#pending.set(offset, length);
        this.#cursor = Math.min(this.#cursor, offset);
        this.#copying.delete(stretch);
        throw failure;
      },
    );
    this.#copying.set(stretch, copying);
    return copying;
  }
}
