import type { BlkdebugEvent, BlockdevDetectZeroesOptions } from '../../../../generated/index.js';
import type { DriverInstance } from '../../../../runtime/block/driver.js';
import { ioError } from '../../../../runtime/block/error.js';
import { NodeRequests } from '../../../../runtime/block/io/requests.js';
import { RequestFlag } from '../../../../runtime/block/request-flag.js';
import { resized } from '../resized.js';

/** What a {@link TestDisk} is like. */
export interface DiskOptions {
  readonly alignment?: number;
  /** Bytes that are allocated at a time, where there is something below. */
  readonly cluster?: number;
  readonly backing?: Uint8Array;
  readonly zeroAlignment?: number;
  readonly writeFlags?: number;
  readonly readOnly?: boolean;
  readonly unmap?: boolean;
  readonly noFlush?: boolean;
  readonly detectZeroes?: BlockdevDetectZeroesOptions;
  readonly inserted?: boolean;
  /** It has no zero-writes of its own. */
  readonly noZeroes?: boolean;
  /** It has no `file` child. */
  readonly noFile?: boolean;
}

/** A driver in memory under the requests of a node, that logs what reaches it and can be slow or fail. */
export class TestDisk {
  bytes: Uint8Array;
  /** What has reached the driver, the file below, and what was announced, in order. */
  readonly log: string[] = [];
  /** Waits before and after the data is touched. */
  pause: () => Promise<void> = async () => {};
  /** Throws to make a step fail. */
  onStep: (step: string) => void = () => {};
  /** The clusters that are its own; for a disk with nothing below, all are. */
  readonly allocated = new Set<number>();
  readonly target;
  readonly requests: NodeRequests;
  readonly #options: DiskOptions;

  constructor(size: number, options: DiskOptions = {}) {
    this.bytes = new Uint8Array(size);
    this.#options = options;
    const { readOnly = false, noFlush = false, unmap = false, detectZeroes = 'off', inserted = true } = options;
    const debug = (event: BlkdebugEvent) => void this.log.push(`file ${event}`);
    this.target = {
      name: 'disk',
      flags: { readOnly, direct: false, noFlush, unmap },
      detectZeroes,
      instance: this.#instance() as DriverInstance | undefined,
      file: options.noFile ? undefined : { flush: () => this.#step('file flush'), debug },
      inserted,
    };
    this.requests = new NodeRequests(this.target);
  }

  /** Reads through the node. */
  async read(offset: number, length: number, flags?: number): Promise<Buffer> {
    const buffer = Buffer.alloc(length, 0xee);
    await this.requests.read(offset, buffer, flags);
    return buffer;
  }

  /** The log, emptied. */
  takeLog(): string[] {
    return this.log.splice(0);
  }

  async #step(step: string): Promise<void> {
    this.log.push(step);
    await this.pause();
    this.onStep(step);
  }

  #instance(): DriverInstance {
    const { alignment, zeroAlignment, writeFlags, noZeroes, cluster = 1, backing } = this.#options;
    const disk = this;
    const aligned = (offset: number, length: number) => {
      if (offset % (alignment ?? 1) !== 0 || length % (alignment ?? 1) !== 0) throw new Error('misaligned');
    };
    return {
      get length() {
        return disk.bytes.length;
      },
      ...(alignment === undefined ? {} : { requestAlignment: alignment }),
      ...(zeroAlignment === undefined ? {} : { zeroAlignment }),
      ...(writeFlags === undefined ? {} : { writeFlags }),
      info: backing ? { clusterSize: cluster } : {},
      debug: (event) => void disk.log.push(event),
      async read(offset, buffer, flags) {
        aligned(offset, buffer.length);
        await disk.#step(`read ${offset}+${buffer.length}${flagNames(flags)}`);
        for (let at = 0; at < buffer.length; at++) {
          const from = offset + at;
          const here = disk.#has(Math.floor(from / cluster));
          buffer[at] = (here ? disk.bytes[from] : backing?.[from]) ?? 0;
        }
        await disk.pause();
      },
      async write(offset, data, flags) {
        aligned(offset, data.length);
        await disk.#step(`write ${offset}+${data.length}${flagNames(flags)}`);
        disk.#put(offset, data);
        await disk.pause();
      },
      ...(noZeroes
        ? {}
        : {
            async writeZeroes(offset: number, length: number, flags: number) {
              aligned(offset, length);
              await disk.#step(`zero ${offset}+${length}${flagNames(flags)}`);
              disk.#put(offset, new Uint8Array(length));
              await disk.pause();
            },
          }),
      async discard(offset, length) {
        aligned(offset, length);
        await disk.#step(`discard ${offset}+${length}`);
        disk.#put(offset, new Uint8Array(length));
        await disk.pause();
      },
      flushToOs: () => disk.#step('flush to OS'),
      flushToDisk: () => disk.#step('flush to disk'),
      async truncate(size) {
        await disk.#step(`truncate ${size}`);
        disk.bytes = resized(disk.bytes, size);
      },
      async writeCompressed(offset, data) {
        await disk.#step(`compressed ${offset}+${data.length}`);
        disk.#put(offset, data);
      },
      async blockStatus(offset, length) {
        await disk.pause();
        const first = Math.floor(offset / cluster);
        const allocated = disk.#has(first);
        let last = first + 1;
        while (last * cluster < offset + length && disk.#has(last) === allocated) last++;
        return {
          length: Math.min(last * cluster, offset + length) - offset,
          allocated,
          data: allocated,
          zero: false,
        };
      },
      async close() {},
    };
  }

  #has(cluster: number): boolean {
    return this.#options.backing === undefined || this.allocated.has(cluster);
  }

  /** As a format does: what surrounds the data in a new cluster comes from below. */
  #put(offset: number, data: Uint8Array): void {
    const { cluster = 1, backing } = this.#options;
    const end = offset + data.length;
    if (end > this.bytes.length) this.bytes = resized(this.bytes, end);
    for (let index = Math.floor(offset / cluster); backing && index * cluster < end; index++) {
      if (this.allocated.has(index)) continue;
      this.allocated.add(index);
      const to = Math.min((index + 1) * cluster, this.bytes.length);
      this.bytes.set(backing.subarray(index * cluster, to), index * cluster);
    }
    this.bytes.set(data, offset);
  }
}

function flagNames(flags: number): string {
  const names = Object.entries(RequestFlag).filter(([, flag]) => flags & flag);
  return names.length === 0 ? '' : ` ${names.map(([name]) => name).join(' ')}`;
}

/** A random wait, the same for the same seed. */
export function randomPauses(seed: number): () => Promise<void> {
  let state = seed | 1;
  return async () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    for (let turns = state >>> 30; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
  };
}

/** Fails at a step. */
export function failAt(step: string): (reached: string) => void {
  return (reached) => {
    if (reached === step) throw ioError('ENOSPC');
  };
}
