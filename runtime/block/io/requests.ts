import type { BlkdebugEvent, BlockdevDetectZeroesOptions } from '../../../generated/index.js';
import type { DriverInstance, NodeFlags } from '../driver.js';
import { BlockError, errnoOf, ioError } from '../error.js';
import { largestSize, roundDown, roundUp } from '../limits.js';
import { RequestFlag } from '../request-flag.js';
import { copyUp } from './copy-on-read.js';
import { readAnywhere } from './read.js';
import { readEdges } from './read-edges.js';
import { RequestTracker, type TrackedRequest } from './tracker.js';
import { driverFlags, writeZeroesSplit } from './write-zeroes.js';
import { isZero } from './zeroes.js';

/** A change that is about to be made to a node, as before-write notifiers see it: aligned to the node's request alignment. */
export interface WriteNotice {
  readonly offset: number;
  readonly length: number;
  readonly kind: 'write' | 'zeroes' | 'discard';
}

/** What the requests of a node need to know of it. */
export interface RequestTarget {
  readonly name: string;
  readonly flags: NodeFlags;
  readonly detectZeroes: BlockdevDetectZeroesOptions;
  /** The open image. Absent: the node is closed. */
  readonly instance: DriverInstance | undefined;
  /** The node's own file, which is flushed after it. */
  readonly file: { flush(): Promise<void>; debug(event: BlkdebugEvent): void } | undefined;
  /** A medium is in the drive. */
  readonly inserted: boolean;
}

type Notifier = (notice: WriteNotice) => void | Promise<void>;
type AfterWrite = (offset: number, length: number) => Promise<void>;
type DirtyTracker = (offset: number, length: number) => void;
type LengthTracker = (size: number) => void;

/**
 * The requests of one node: what stands between the users of a node and its driver. Aligns, keeps requests that would disturb each
 * other apart, and notifies those that watch writes.
 */
export class NodeRequests {
  readonly tracker = new RequestTracker();
  /** Called in turn before anything is changed, and waited for; one that throws fails the request. */
  readonly beforeWrite = new Set<Notifier>();
  /** Called with each range that may have changed, also by a request that failed. */
  readonly dirtyTrackers = new Set<DirtyTracker>();
  /** Called after a range has been changed, and waited for before the request is answered. Must not fail. */
  readonly afterWrite = new Set<AfterWrite>();
  /** Called with the new length, in bytes, after it has changed by a truncation. */
  readonly lengthTrackers = new Set<LengthTracker>();
  /** More than 0: reads copy into the node what they take from below. */
  copyOnRead = 0;
  /** The highest end of any write so far, in bytes. */
  highestOffset = 0;
  /** Counts changes, so that a flush knows whether there is anything to flush. */
  #generation = 0;
  #flushed = 0;
  #flushing: Promise<void> | undefined;
  readonly #target: RequestTarget;

  constructor(target: RequestTarget) {
    this.#target = target;
  }

  /**
   * Fills `buffer`; beyond the end there are zeroes.
   *
   * @throws BlockError ENOMEDIUM when the node is closed or empty, EPERM when it should copy into a node that is not written
   */
  async read(offset: number, buffer: Uint8Array, flags = 0): Promise<void> {
    const instance = this.#instance();
    const { length } = buffer;
    const alignment = instance.requestAlignment ?? 1;
    if (
      this.#copies(instance, flags) ||
      offset % alignment !== 0 ||
      length % alignment !== 0 ||
      !(offset >= 0 && offset + length <= instance.length)
    ) {
      await this.#generalRead(instance, offset, buffer, flags, alignment);
      return;
    }
    const request = this.tracker.begin(offset, length);
    try {
      if (!this.tracker.quiet && !(flags & RequestFlag.noSerialising)) await this.tracker.turn(request);
      await instance.read(offset, buffer, flags & RequestFlag.noSerialising);
    } finally {
      this.tracker.end(request);
    }
  }

  /** Whether a read brings data into this node: it is asked to, or the node does so where it can. */
  #copies(instance: DriverInstance, flags: number): boolean {
    if (flags & RequestFlag.noSerialising) return false;
    if (flags & RequestFlag.copyOnRead) return true;
    return this.copyOnRead > 0 && !this.#target.flags.readOnly && instance.write !== undefined;
  }

  async #generalRead(
    instance: DriverInstance,
    offset: number,
    buffer: Uint8Array,
    flags: number,
    alignment: number,
  ): Promise<void> {
    const copies = this.#copies(instance, flags);
    if (copies) this.#writable();
    checkRange(offset, buffer.length);
    if (buffer.length === 0) return;
    const unit = copies ? Math.max(alignment, instance.info?.clusterSize ?? alignment) : alignment;
    const start = roundDown(offset, unit);
    const end = roundUp(offset + buffer.length, unit);
    const request = this.tracker.begin(start, end - start, copies);
    try {
      if (!this.tracker.quiet && !(flags & RequestFlag.noSerialising)) await this.tracker.turn(request);
      if (copies) {
        // What guests see does not change: no tracker is notified, but a flush has something to flush.
        const inside = Math.min(end, roundUp(instance.length, alignment));
        await copyUp(instance, start, inside, () => this.#generation++);
      }
      if (copies && flags & RequestFlag.prefetch) return;
      await readAnywhere(instance, offset, buffer, alignment, flags & RequestFlag.noSerialising);
    } finally {
      this.tracker.end(request);
    }
  }

  /**
   * Writes. Unaligned parts are read, changed and written back, while no other request gets at those blocks.
   *
   * @throws BlockError ENOMEDIUM when the node is closed or empty, EPERM when it is read-only
   */
  async write(offset: number, data: Uint8Array, flags = 0): Promise<void> {
    const instance = this.#writable();
    const { length } = data;
    checkRange(offset, length);
    if (length === 0) return;
    const alignment = instance.requestAlignment ?? 1;
    const compressed = (flags & RequestFlag.compressed) !== 0;
    if (compressed || (offset % alignment === 0 && length % alignment === 0)) {
      const request = this.tracker.begin(offset, length, (flags & RequestFlag.serialising) !== 0);
      try {
        if (!this.tracker.quiet) await this.tracker.turn(request);
        if (compressed) await this.#compressedWrite(instance, offset, data, flags);
        else await this.#alignedWrite(instance, offset, data, flags);
      } finally {
        this.tracker.end(request);
      }
      return;
    }
    const start = roundDown(offset, alignment);
    const end = roundUp(offset + length, alignment);
    const request = await this.#beginAlone(start, end - start);
    try {
      await this.tracker.turn(request);
      const whole = Buffer.allocUnsafe(end - start);
      await readEdges(instance, start, whole, offset, offset + length, alignment);
      whole.set(data, offset - start);
      await this.#alignedWrite(instance, start, whole, flags, { notified: true });
    } finally {
      this.tracker.end(request);
    }
  }

  /** Makes a stretch read as zeroes. @throws BlockError like {@link write}, and ENOTSUP with `noFallback` */
  async writeZeroes(offset: number, length: number, flags = 0): Promise<void> {
    const instance = this.#writable();
    checkRange(offset, length);
    if (length === 0) return;
    const alignment = instance.requestAlignment ?? 1;
    const first = roundUp(offset, alignment);
    const last = roundDown(offset + length, alignment);
    if (first === offset && last === offset + length) {
      const request = this.tracker.begin(offset, length, (flags & RequestFlag.serialising) !== 0);
      try {
        if (!this.tracker.quiet) await this.tracker.turn(request);
        await this.#alignedZeroes(instance, offset, length, flags);
      } finally {
        this.tracker.end(request);
      }
      return;
    }
    // The edges are parts of blocks that hold other data.
    if (flags & RequestFlag.noFallback) throw ioError('ENOTSUP');
    const passed = flags & (RequestFlag.fua | RequestFlag.serialising);
    if (first >= last) {
      await this.write(offset, new Uint8Array(length), passed);
      return;
    }
    const end = offset + length;
    if (first > offset) await this.write(offset, new Uint8Array(first - offset), passed);
    await this.writeZeroes(first, last - first, flags);
    if (last < end) await this.write(last, new Uint8Array(end - last), passed);
  }

  /**
   * Tells the driver that a stretch is not needed any more, if the node hands discards on. The blocks at its edges that are not
   * wholly inside stay as they are.
   *
   * @throws BlockError ENOMEDIUM, EPERM
   */
  async discard(offset: number, length: number): Promise<void> {
    const instance = this.#instance();
    if (this.#target.flags.readOnly) throw ioError('EPERM');
    checkRange(offset, length);
    if (!this.#target.flags.unmap || instance.discard === undefined) return;
    const alignment = instance.requestAlignment ?? 1;
    const start = roundUp(offset, alignment);
    const end = roundDown(Math.min(offset + length, roundUp(instance.length, alignment)), alignment);
    if (start >= end) return;
    const request = this.tracker.begin(start, end - start);
    try {
      if (!this.tracker.quiet) await this.tracker.turn(request);
      await this.#notify({ offset: start, length: end - start, kind: 'discard' });
      try {
        await instance.discard(start, end - start);
      } catch (error) {
        if (errnoOf(error) !== 'ENOTSUP') throw error;
      }
    } finally {
      this.#dirty(start, end - start);
      this.tracker.end(request);
    }
  }

  /**
   * Writes what the format holds to its file, what the host holds to the disk, and flushes the file below. Flushes that come
   * while one runs wait for it, since they may stand for later writes. Where nothing can have been written, nothing is done.
   */
  async flush(): Promise<void> {
    const { instance, inserted, flags } = this.#target;
    if (instance === undefined || !inserted || flags.readOnly) return;
    const request = this.tracker.begin(0, 0);
    try {
      while (this.#flushing) await this.#flushing.catch(() => {});
      this.#flushing = this.#flushOnce(instance);
      try {
        await this.#flushing;
      } finally {
        this.#flushing = undefined;
      }
    } finally {
      this.tracker.end(request);
    }
  }

  async #flushOnce(instance: DriverInstance): Promise<void> {
    const { file, flags } = this.#target;
    const generation = this.#generation;
    file?.debug('flush_to_os');
    await instance.flushToOs?.();
    if (!flags.noFlush && this.#flushed !== generation) {
      file?.debug('flush_to_disk');
      await instance.flushToDisk?.();
      this.#flushed = generation;
    }
    await file?.flush();
  }

  /** @throws BlockError when it is clear beforehand that {@link truncate} cannot change the length to `size` */
  checkTruncate(size: number): void {
    const instance = this.#instance();
    if (instance.truncate === undefined) throw new BlockError('The image cannot be resized', { code: 'ENOTSUP' });
    if (this.#target.flags.readOnly) throw new BlockError('The image is read-only', { code: 'EACCES' });
    if (size > largestSize) throw ioError('EFBIG');
    checkRange(0, size);
  }

  /** Changes the length. @throws BlockError when the driver cannot, or the node is read-only */
  async truncate(size: number): Promise<void> {
    this.checkTruncate(size);
    const instance = this.#instance();
    const request = this.tracker.begin(0, largestSize, true);
    try {
      await this.tracker.turn(request);
      await instance.truncate?.(size);
      this.#generation++;
      for (const track of this.lengthTrackers) track(instance.length);
    } finally {
      this.tracker.end(request);
    }
  }

  async #alignedWrite(
    instance: DriverInstance,
    offset: number,
    data: Uint8Array,
    flags: number,
    { notified = false } = {},
  ): Promise<void> {
    const { length } = data;
    try {
      if (!notified && this.beforeWrite.size > 0) await this.#notify({ offset, length, kind: 'write' });
      const { detectZeroes } = this.#target;
      if (detectZeroes !== 'off' && instance.writeZeroes !== undefined && isZero(data)) {
        instance.debug?.('pwritev_zero');
        await writeZeroesSplit(instance, offset, length, detectZeroes === 'unmap' ? this.#unmapping(flags) : flags);
      } else {
        instance.debug?.('pwritev');
        await instance.write?.(offset, data, driverFlags(instance, flags));
      }
    } finally {
      instance.debug?.('pwritev_done');
      this.#changed(offset, length);
    }
    if (this.afterWrite.size > 0) await this.#follow(offset, length);
    await this.#reachDisk(instance, flags);
  }

  async #alignedZeroes(instance: DriverInstance, offset: number, length: number, flags: number): Promise<void> {
    try {
      if (this.beforeWrite.size > 0) await this.#notify({ offset, length, kind: 'zeroes' });
      instance.debug?.('pwritev_zero');
      const mayUnmap = (flags & RequestFlag.mayUnmap) !== 0;
      await writeZeroesSplit(instance, offset, length, mayUnmap ? this.#unmapping(flags) : flags);
    } finally {
      instance.debug?.('pwritev_done');
      this.#changed(offset, length);
    }
    if (this.afterWrite.size > 0) await this.#follow(offset, length);
    await this.#reachDisk(instance, flags);
  }

  async #compressedWrite(instance: DriverInstance, offset: number, data: Uint8Array, flags: number): Promise<void> {
    if (instance.writeCompressed === undefined) throw ioError('ENOTSUP');
    const { length } = data;
    try {
      if (this.beforeWrite.size > 0) await this.#notify({ offset, length, kind: 'write' });
      await instance.writeCompressed(offset, data);
    } finally {
      this.#changed(offset, length);
    }
    if (this.afterWrite.size > 0) await this.#follow(offset, length);
    if (flags & RequestFlag.fua) await this.flush();
  }

  async #follow(offset: number, length: number): Promise<void> {
    for (const follow of this.afterWrite) await follow(offset, length);
  }

  /** The flags of a zero-write that may deallocate, on a node that allows it. */
  #unmapping(flags: number): number {
    return this.#target.flags.unmap ? flags | RequestFlag.mayUnmap : flags & ~RequestFlag.mayUnmap;
  }

  /** Does what `fua` asks for where the driver has not. */
  #reachDisk(instance: DriverInstance, flags: number): Promise<void> | undefined {
    return flags & RequestFlag.fua & ~(instance.writeFlags ?? 0) ? this.flush() : undefined;
  }

  async #notify(notice: WriteNotice): Promise<void> {
    for (const notifier of this.beforeWrite) await notifier(notice);
  }

  /**
   * Begins a write that runs alone. Those that watch writes are notified before: what they wait for may be a read of this node, which
   * would else wait for the write.
   */
  async #beginAlone(offset: number, length: number): Promise<TrackedRequest> {
    if (this.beforeWrite.size === 0) return this.tracker.begin(offset, length, true);
    const announced = this.tracker.begin(offset, length);
    try {
      await this.#notify({ offset, length, kind: 'write' });
      return this.tracker.begin(offset, length, true);
    } finally {
      this.tracker.end(announced);
    }
  }

  #changed(offset: number, length: number): void {
    if (offset + length > this.highestOffset) this.highestOffset = offset + length;
    this.#dirty(offset, length);
  }

  #dirty(offset: number, length: number): void {
    this.#generation++;
    for (const track of this.dirtyTrackers) track(offset, length);
  }

  #instance(): DriverInstance {
    const { instance, inserted } = this.#target;
    if (instance === undefined || !inserted) throw ioError('ENOMEDIUM');
    return instance;
  }

  #writable(): DriverInstance {
    const instance = this.#instance();
    if (this.#target.flags.readOnly || instance.write === undefined) throw ioError('EPERM');
    return instance;
  }
}

function checkRange(offset: number, length: number): void {
  if (!(offset >= 0 && length >= 0 && offset + length <= largestSize)) throw ioError('EIO');
}
