import type { BlockDriver, DriverInstance } from '../../../runtime/block/driver.js';
import { BlockError } from '../../../runtime/block/error.js';

const sectorSize = 512;

/** Something that was done to a file. A write without data is one of zeroes. */
type Step =
  | { readonly kind: 'write'; readonly offset: number; readonly length: number; readonly data?: Uint8Array }
  | { readonly kind: 'truncate'; readonly size: number };

/** Numbers from 0 to below 1. */
export type Random = () => number;

/** A file of a {@link PowerCutDisk}: what guests see of it, and what would be left of it if the power were cut now. */
class PlatterFile {
  /** What is seen. */
  bytes: Bytes;
  /** What is on the platter for certain. */
  readonly #stable: Bytes;
  /** Done since, in this order. */
  #done: Step[] = [];
  /** How many steps have become certain. */
  #certain = 0;
  /** Begun, and perhaps done in part. */
  readonly #begun = new Set<Step>();

  constructor(contents: Uint8Array) {
    this.bytes = new Bytes(contents);
    this.#stable = new Bytes(contents);
  }

  async perform(step: Step, wait: () => Promise<void>): Promise<void> {
    this.#begun.add(step);
    await wait();
    this.#begun.delete(step);
    this.#done.push(step);
    this.bytes.apply(step, keepAll);
  }

  /** What was done before is certain afterwards. What is done meanwhile is not. */
  async flush(wait: () => Promise<void>): Promise<void> {
    const end = this.#certain + this.#done.length;
    await wait();
    for (const step of this.#done.splice(0, Math.max(0, end - this.#certain))) {
      this.#stable.apply(step, keepAll);
      this.#certain++;
    }
  }

  /** One of the things that may be left after a power cut: any of what was done since the last flush, in any order, and torn. */
  afterPowerCut(random: Random): Uint8Array {
    const left = this.#stable.clone();
    const mood = random();
    const keep = mood < 0.1 ? 0 : mood < 0.2 ? 1 : 0.3 + random() * 0.6;
    // What a file system does to sizes it does in order, so that nothing is moved across a truncation.
    let segment: Step[] = [];
    const settle = (): void => {
      for (const step of shuffled(segment, random)) left.apply(step, random() < 0.3 ? () => random() < 0.5 : keepAll);
      segment = [];
    };
    for (const step of [...this.#done, ...this.#begun]) {
      if (step.kind === 'truncate') {
        if (random() >= keep) continue;
        settle();
        left.apply(step, keepAll);
      } else if (random() < keep) {
        segment.push(step);
      }
    }
    settle();
    return left.copy();
  }
}

/** Bytes that can become more. */
class Bytes {
  #buffer: Uint8Array;
  length: number;

  constructor(contents: Uint8Array) {
    this.#buffer = contents.slice();
    this.length = contents.length;
  }

  clone(): Bytes {
    return new Bytes(this.copy());
  }

  copy(): Uint8Array {
    return this.#buffer.slice(0, this.length);
  }

  read(offset: number, target: Uint8Array): void {
    const there = this.#buffer.subarray(Math.min(offset, this.length), Math.min(offset + target.length, this.length));
    target.set(there);
    target.fill(0, there.length);
  }

  /** @param keep whether a sector arrives */
  apply(step: Step, keep: () => boolean): void {
    if (step.kind === 'truncate') {
      this.#resize(step.size);
      return;
    }
    const { offset, length, data } = step;
    const end = offset + length;
    if (end > this.length) this.#resize(end);
    if (keep === keepAll) {
      this.#put(offset, end, step.offset, data);
      return;
    }
    for (let at = offset; at < end; ) {
      const next = Math.min(end, Math.floor(at / sectorSize + 1) * sectorSize);
      if (keep()) this.#put(at, next, offset, data);
      at = next;
    }
  }

  #put(from: number, to: number, origin: number, data: Uint8Array | undefined): void {
    if (data === undefined) this.#buffer.fill(0, from, to);
    else this.#buffer.set(data.subarray(from - origin, to - origin), from);
  }

  #resize(size: number): void {
    if (size > this.#buffer.length) {
      const longer = new Uint8Array(size * 2);
      longer.set(this.#buffer.subarray(0, this.length));
      this.#buffer = longer;
    }
    if (size < this.length) this.#buffer.fill(0, size, this.length);
    this.length = size;
  }
}

const keepAll = (): boolean => true;

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const result = [...list];
  for (let index = result.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    [result[index], result[other]] = [result[other] as T, result[index] as T];
  }
  return result;
}

/** A disk that tells what would be on it if the power were cut. Its files are opened by a driver of its own. */
export class PowerCutDisk {
  readonly #files = new Map<string, PlatterFile>();
  readonly #random: Random;
  /** Flushes do what they say. A disk whose flushes do nothing loses data, which tests must find. */
  honest = true;
  /** Called when something has begun or ended: a moment at which the power may be cut. */
  onMoment: () => void = () => {};

  constructor(random: Random, files: Iterable<readonly [string, Uint8Array]> = []) {
    this.#random = random;
    for (const [name, contents] of files) this.#files.set(name, new PlatterFile(contents));
  }

  /** Of its files. */
  get names(): string[] {
    return [...this.#files.keys()];
  }

  /** What is seen of a file. */
  contents(name: string): Uint8Array {
    return this.#file(name).bytes.copy();
  }

  /** What may be left of a file. The disk goes on. */
  afterPowerCut(name: string): Uint8Array {
    return this.#file(name).afterPowerCut(this.#random);
  }

  /** The driver `power-cut`, for names that begin with `power-cut:`. */
  readonly driver: BlockDriver = {
    name: 'power-cut',
    kind: 'protocol',
    needsFilename: true,
    parseFilename: (filename, options) => options.set('filename', filename.replace(/^power-cut:/, '')),
    open: async ({ options }) =>
      this.#instance(this.#file((options.takeString('filename') ?? '').replace(/^power-cut:/, ''))),
    createFile: async (filename, size) => {
      this.#files.set(filename.replace(/^power-cut:/, ''), new PlatterFile(new Uint8Array(size)));
    },
  };

  #file(name: string): PlatterFile {
    const file = this.#files.get(name);
    if (file === undefined) throw new BlockError(`There is no file '${name}'`, { code: 'ENOENT' });
    return file;
  }

  #instance(file: PlatterFile): DriverInstance {
    const disk = this;
    const perform = async (step: Step): Promise<void> => {
      await file.perform(step, () => this.#wait());
      this.onMoment();
    };
    return {
      get length() {
        return file.bytes.length;
      },
      async read(offset, buffer) {
        await disk.#wait();
        file.bytes.read(offset, buffer);
      },
      write: (offset, data) => perform({ kind: 'write', offset, length: data.length, data: new Uint8Array(data) }),
      writeZeroes: (offset, length) => perform({ kind: 'write', offset, length }),
      discard: (offset, length) => perform({ kind: 'write', offset, length }),
      truncate: (size) => perform({ kind: 'truncate', size }),
      async flushToDisk() {
        if (disk.honest) await file.flush(() => disk.#wait());
        disk.onMoment();
      },
      prepareReopen: async () => ({ commit: async () => {}, abort: async () => {} }),
      close: async () => {},
    };
  }

  /** Lets requests overtake each other. */
  async #wait(): Promise<void> {
    for (let turns = Math.floor(this.#random() * 4); turns > 0; turns--) {
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
    if (this.#random() < 0.5) this.onMoment();
  }
}
