import type { BlkdebugEvent, BlockdevDetectZeroesOptions } from '../../../generated/index.js';
import type { DriverInstance, NodeFlags } from '../driver.js';
import { RequestFlag } from '../driver.js';
import { BlockError, errnoOf, ioError } from '../error.js';
import { largestSize, roundDown, roundUp } from '../limits.js';
import { RequestTracker, type TrackedRequest } from './tracker.js';
import { isZero, zeroBuffer } from './zeroes.js';

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
type DirtyTracker = (offset: number, length: number) => void;

/**
 * The requests of one node: what stands between whoever uses a node and its driver. Aligns, keeps requests that would disturb each
 * other apart, and tells those who watch writes.
 */
export class NodeRequests {
  readonly tracker = new RequestTracker();
  /** Called in turn before anything is changed, and waited for; one that throws fails the request. */
  readonly beforeWrite = new Set<Notifier>();
  /** Told of each range that may have changed, also by a request that failed. */
  readonly dirtyTrackers = new Set<DirtyTracker>();
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

  async read(offset: number, buffer: Uint8Array, flags = 0): Promise<void> {
    const instance = this.#instance();
    const { length } = buffer;
    const alignment = instance.requestAlignment ?? 1;
    const copying = flags & RequestFlag.copyOnRead || (this.copyOnRead > 0 && !(flags & RequestFlag.noSerialising));
    if (
      !copying &&
      offset % alignment === 0 &&
      length % alignment === 0 &&
      offset >= 0 &&
      offset + length <= instance.length
    ) {
      const request = this.tracker.begin(offset, length);
      try {
        if (!this.tracker.quiet && !(flags & RequestFlag.noSerialising)) await this.tracker.turn(request);
        await instance.read(offset, buffer, flags);
      } finally {
        this.tracker.end(request);
      }
      return;
    }
    await this.#generalRead(instance, offset, buffer, flags, Boolean(copying));
  }

  async #generalRead(
    instance: DriverInstance,
    offset: number,
    buffer: Uint8Array,
    flags: number,
    copying: boolean,
  ): Promise<void> {
    checkRange(offset, buffer.length);
    if (buffer.length === 0) return;
    const alignment = instance.requestAlignment ?? 1;
    const unit = copying ? Math.max(alignment, instance.info?.clusterSize ?? alignment) : alignment;
    const start = roundDown(offset, unit);
    const end = roundUp(offset + buffer.length, unit);
    const request = this.tracker.begin(start, end - start, copying);
    try {
      if (!(flags & RequestFlag.noSerialising)) await this.tracker.turn(request);
      if (copying) await this.#copyOnRead(instance, start, Math.min(end, roundUp(instance.length, alignment)));
      await readAligned(instance, offset, buffer, alignment, flags);
    } finally {
      this.tracker.end(request);
    }
  }

  /** Brings what is not allocated in a range into this node. The range is serialised. */
  async #copyOnRead(instance: DriverInstance, start: number, end: number): Promise<void> {
    const largest = 2 * 1024 * 1024;
    for (let position = start; position < end; ) {
      const status = await instance.blockStatus?.(position, end - position);
      if (status === undefined) return;
      const length = status.allocated ? status.length : Math.min(status.length, largest);
      if (!status.allocated) {
        const buffer = Buffer.allocUnsafe(length);
        await instance.read(position, buffer, RequestFlag.noSerialising);
        if (isZero(buffer)) await this.#zeroPiece(instance, position, length, 0);
        else await instance.write?.(position, buffer, 0);
        this.#generation++;
      }
      position += length;
    }
  }

  async write(offset: number, data: Uint8Array, flags = 0): Promise<void> {
    const instance = this.#writable();
    const { length } = data;
    checkRange(offset, length);
    if (length === 0) return;
    const alignment = instance.requestAlignment ?? 1;
    if (offset % alignment === 0 && length % alignment === 0) {
      const request = this.tracker.begin(offset, length);
      try {
        if (!this.tracker.quiet) await this.tracker.turn(request);
        await this.#alignedWrite(instance, offset, data, flags);
      } finally {
        this.tracker.end(request);
      }
      return;
    }
    await this.#serialised(offset, length, alignment, async (start, end) => {
      const whole = Buffer.allocUnsafe(end - start);
      await this.#readEdges(instance, start, end, offset, offset + length, alignment, whole);
      whole.set(data, offset - start);
      await this.#alignedWrite(instance, start, whole, flags);
    });
  }

  async writeZeroes(offset: number, length: number, flags = 0): Promise<void> {
    const instance = this.#writable();
    checkRange(offset, length);
    if (length === 0) return;
    const alignment = instance.requestAlignment ?? 1;
    const allowed = this.#target.flags.unmap ? flags : flags & ~RequestFlag.mayUnmap;
    const first = roundUp(offset, alignment);
    const last = roundDown(offset + length, alignment);
    if (first === offset && last === offset + length) {
      const request = this.tracker.begin(offset, length);
      try {
        if (!this.tracker.quiet) await this.tracker.turn(request);
        await this.#alignedZeroes(instance, offset, length, allowed);
      } finally {
        this.tracker.end(request);
      }
      return;
    }
    // The edges are parts of blocks that hold other data.
    if (flags & RequestFlag.noFallback) throw ioError('ENOTSUP');
    if (first >= last) {
      await this.write(offset, new Uint8Array(length), flags & RequestFlag.fua);
      return;
    }
    if (first > offset) await this.write(offset, zeroBuffer(first - offset), flags & RequestFlag.fua);
    await this.writeZeroes(first, last - first, flags);
    if (last < offset + length) await this.write(last, zeroBuffer(offset + length - last), flags & RequestFlag.fua);
  }

  async discard(offset: number, length: number): Promise<void> {
    const instance = this.#instance();
    checkRange(offset, length);
    if (this.#target.flags.readOnly) throw ioError('EPERM');
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
   * while one runs wait for it, since they may stand for later writes.
   */
  async flush(): Promise<void> {
    const { instance, inserted, flags } = this.#target;
    if (instance === undefined) throw ioError('ENOMEDIUM');
    if (!inserted || flags.readOnly) return;
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

  /** Changes the length. @throws BlockError when the driver cannot, or the node is read-only */
  async truncate(size: number): Promise<void> {
    const instance = this.#instance();
    if (instance.truncate === undefined) throw new BlockError('The image cannot be resized', { code: 'ENOTSUP' });
    if (this.#target.flags.readOnly) throw new BlockError('The image is read-only', { code: 'EACCES' });
    const request = this.tracker.begin(0, largestSize, true);
    try {
      await this.tracker.turn(request);
      await instance.truncate(size);
      this.#generation++;
    } finally {
      this.tracker.end(request);
    }
  }

  /** Writes whole clusters compressed. */
  async writeCompressed(offset: number, data: Uint8Array): Promise<void> {
    const instance = this.#writable();
    if (instance.writeCompressed === undefined) throw ioError('ENOTSUP');
    checkRange(offset, data.length);
    const request = this.tracker.begin(offset, data.length);
    try {
      if (!this.tracker.quiet) await this.tracker.turn(request);
      await this.#notify({ offset, length: data.length, kind: 'write' });
      await instance.writeCompressed(offset, data);
    } finally {
      this.#changed(offset, data.length);
      this.tracker.end(request);
    }
  }

  async #serialised(
    offset: number,
    length: number,
    alignment: number,
    work: (start: number, end: number) => Promise<void>,
  ): Promise<void> {
    const start = roundDown(offset, alignment);
    const end = roundUp(offset + length, alignment);
    const request: TrackedRequest = this.tracker.begin(start, end - start, true);
    try {
      await this.tracker.turn(request);
      await work(start, end);
    } finally {
      this.tracker.end(request);
    }
  }

  /** Reads the blocks at the edges of a misaligned write, where they hold other data. */
  async #readEdges(
    instance: DriverInstance,
    start: number,
    end: number,
    from: number,
    to: number,
    alignment: number,
    whole: Uint8Array,
  ): Promise<void> {
    if (from !== start) {
      instance.debug?.('pwritev_rmw_head');
      await readAligned(instance, start, whole.subarray(0, alignment), alignment, 0);
      instance.debug?.('pwritev_rmw_after_head');
    }
    const last = end - alignment;
    if (to !== end && (last !== start || from === start)) {
      instance.debug?.('pwritev_rmw_tail');
      await readAligned(instance, last, whole.subarray(last - start), alignment, 0);
      instance.debug?.('pwritev_rmw_after_tail');
    }
  }

  async #alignedWrite(instance: DriverInstance, offset: number, data: Uint8Array, flags: number): Promise<void> {
    const { length } = data;
    try {
      if (this.beforeWrite.size > 0) await this.#notify({ offset, length, kind: 'write' });
      const { detectZeroes } = this.#target;
      if (detectZeroes !== 'off' && instance.writeZeroes !== undefined && isZero(data)) {
        const unmap = detectZeroes === 'unmap' && this.#target.flags.unmap ? RequestFlag.mayUnmap : 0;
        instance.debug?.('pwritev_zero');
        await this.#zeroes(instance, offset, length, flags | unmap);
      } else {
        instance.debug?.('pwritev');
        await (instance.write as NonNullable<DriverInstance['write']>)(offset, data, flags);
      }
      instance.debug?.('pwritev_done');
    } finally {
      this.#changed(offset, length);
    }
    if (flags & RequestFlag.fua && !((instance.writeFlags ?? 0) & RequestFlag.fua)) await this.flush();
  }

  async #alignedZeroes(instance: DriverInstance, offset: number, length: number, flags: number): Promise<void> {
    try {
      if (this.beforeWrite.size > 0) await this.#notify({ offset, length, kind: 'zeroes' });
      instance.debug?.('pwritev_zero');
      await this.#zeroes(instance, offset, length, flags);
      instance.debug?.('pwritev_done');
    } finally {
      this.#changed(offset, length);
    }
    if (flags & RequestFlag.fua && !((instance.writeFlags ?? 0) & RequestFlag.fua)) await this.flush();
  }

  /** Splits a zero-write where the driver would have to treat its edges differently from its middle. */
  async #zeroes(instance: DriverInstance, offset: number, length: number, flags: number): Promise<void> {
    const unit = instance.zeroAlignment ?? instance.requestAlignment ?? 1;
    const end = offset + length;
    const first = Math.min(roundUp(offset, unit), end);
    const last = Math.max(roundDown(end, unit), first);
    if (first > offset) await this.#zeroPiece(instance, offset, first - offset, flags);
    if (last > first) await this.#zeroPiece(instance, first, last - first, flags);
    if (end > last) await this.#zeroPiece(instance, last, end - last, flags);
  }

  async #zeroPiece(instance: DriverInstance, offset: number, length: number, flags: number): Promise<void> {
    if (instance.writeZeroes !== undefined) {
      try {
        await instance.writeZeroes(offset, length, flags);
        return;
      } catch (error) {
        if (errnoOf(error) !== 'ENOTSUP') throw error;
      }
    }
    if (flags & RequestFlag.noFallback) throw ioError('ENOTSUP');
    for (let position = offset; position < offset + length; ) {
      const buffer = zeroBuffer(offset + length - position);
      await instance.write?.(position, buffer, flags & RequestFlag.fua);
      position += buffer.length;
    }
  }

  async #notify(notice: WriteNotice): Promise<void> {
    for (const notifier of this.beforeWrite) await notifier(notice);
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

/** Reads any range: blocks at its edges through a buffer, and zeroes from the end of the image on. */
async function readAligned(
  instance: DriverInstance,
  offset: number,
  buffer: Uint8Array,
  alignment: number,
  flags: number,
): Promise<void> {
  const limit = roundUp(instance.length, alignment);
  const inside = Math.max(0, Math.min(buffer.length, limit - offset));
  buffer.fill(0, inside);
  if (inside === 0) return;
  const start = roundDown(offset, alignment);
  const end = roundUp(offset + inside, alignment);
  if (start === offset && end === offset + inside) {
    await instance.read(offset, buffer.subarray(0, inside), flags);
    return;
  }
  const whole = Buffer.allocUnsafe(end - start);
  await instance.read(start, whole, flags);
  buffer.set(whole.subarray(offset - start, offset - start + inside));
}

function checkRange(offset: number, length: number): void {
  if (!(offset >= 0 && offset + length <= largestSize)) throw ioError('EIO');
}
