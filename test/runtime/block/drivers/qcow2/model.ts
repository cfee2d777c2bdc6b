import fc from 'fast-check';
import { check } from '../../../../../runtime/block/drivers/qcow2/check/check.js';
import { BlockError } from '../../../../../runtime/block/error.js';
import { MemoryChild } from '../../memory-child.js';
import { createImage } from './images.js';
import { contents, filled, type Opened, openOn } from './opened.js';

/** An image of any geometry. */
export interface Geometry {
  readonly version: 2 | 3;
  readonly clusterBits: number;
  readonly refcountOrder: number;
  readonly lazy: boolean;
  readonly sectors: number;
  /** Sectors of the backing file; 0: there is none. */
  readonly backingSectors: number;
  readonly smallCaches: boolean;
  /** L2 entries tell of subclusters. */
  readonly extended: boolean;
  /** What is discarded keeps its place. */
  readonly keepsDiscarded: boolean;
}

/** Something that is done to it. Places and lengths are parts of the disk. */
export type Action =
  | {
      readonly kind: 'write' | 'zeroes' | 'discard' | 'compressed';
      readonly at: number;
      readonly length: number;
      readonly unmap: boolean;
    }
  | { readonly kind: 'resize'; readonly sectors: number }
  | { readonly kind: 'flush' }
  | { readonly kind: 'reopen' }
  | { readonly kind: 'empty' };

export const geometries: fc.Arbitrary<Geometry> = fc
  .record({
    version: fc.constantFrom<2 | 3>(2, 3, 3),
    clusterBits: fc.constantFrom(9, 9, 10, 12, 14, 16),
    refcountOrder: fc.nat(6),
    lazy: fc.boolean(),
    sectors: fc.noBias(fc.integer({ min: 1, max: 400 })),
    backingSectors: fc.oneof(fc.constant(0), fc.noBias(fc.integer({ min: 1, max: 500 }))),
    smallCaches: fc.boolean(),
    extended: fc.boolean(),
    keepsDiscarded: fc.boolean(),
  })
  .map((geometry) =>
    geometry.version === 2 ? { ...geometry, refcountOrder: 4, lazy: false, keepsDiscarded: false } : geometry,
  )
  .map((geometry) => ({
    ...geometry,
    extended: geometry.extended && geometry.version === 3 && geometry.clusterBits >= 14,
  }));

/** Small and large numbers alike: fast-check would prefer those at the ends. */
const part = (most: number) => fc.noBias(fc.nat(1000)).map((number) => (number * most) / 1000);

const place = { at: part(1), length: fc.oneof(part(0.03), part(0.3)) };

export const actions: fc.Arbitrary<Action> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('write' as const), unmap: fc.constant(false), ...place }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('zeroes' as const), unmap: fc.boolean(), ...place }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('discard' as const), unmap: fc.constant(false), ...place }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('compressed' as const), unmap: fc.constant(false), ...place }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('resize' as const), sectors: fc.noBias(fc.nat(600)) }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Action>(
      { kind: 'flush' },
      { kind: 'flush' },
      { kind: 'reopen' },
      { kind: 'reopen' },
      { kind: 'empty' },
    ),
  },
);

/** An image, and beside it what it should contain. */
export class ModelledImage {
  readonly file: MemoryChild;
  readonly backing: MemoryChild | undefined;
  /** Sectors that have been changed; its readers empty it. */
  readonly touched = new Set<number>();
  readonly #geometry: Geometry;
  #opened: Opened;
  #expected: Buffer;
  #writes = 0;

  static async make(geometry: Geometry): Promise<ModelledImage> {
    const backing =
      geometry.backingSectors === 0
        ? undefined
        : new MemoryChild(filled(geometry.backingSectors * 512, 0xbb), 'backing');
    const file = await createImage(
      geometry.sectors * 512,
      {
        compat: geometry.version === 2 ? '0.10' : '1.1',
        cluster_size: 2 ** geometry.clusterBits,
        refcount_bits: 2 ** geometry.refcountOrder,
        lazy_refcounts: geometry.lazy,
        extended_l2: geometry.extended,
      },
      backing === undefined ? undefined : { name: 'base.raw', format: 'raw' },
    );
    return new ModelledImage(geometry, file, backing, await openModelled(geometry, file, backing));
  }

  private constructor(geometry: Geometry, file: MemoryChild, backing: MemoryChild | undefined, opened: Opened) {
    this.#geometry = geometry;
    this.file = file;
    this.backing = backing;
    this.#opened = opened;
    this.#expected = Buffer.alloc(geometry.sectors * 512);
    this.#expected.set(backing?.bytes.subarray(0, this.#expected.length) ?? []);
  }

  get expected(): Buffer {
    return this.#expected;
  }

  /** Does some things at once. They are kept from touching the same sectors: the order of such is undefined. */
  async run(...group: readonly Action[]): Promise<void> {
    const used = new Set<number>();
    const running: Promise<void>[] = [];
    for (const action of group) {
      if (action.kind === 'resize' || action.kind === 'reopen' || action.kind === 'empty') {
        await Promise.all(running.splice(0));
        used.clear();
        await this.#alone(action);
        continue;
      }
      if (action.kind === 'flush') {
        running.push(this.#opened.instance.flushToOs());
        continue;
      }
      const { from, to } = this.#range(action);
      const sectors = Array.from({ length: (to - from) / 512 }, (_, index) => from / 512 + index);
      if (from >= to || sectors.some((sector) => used.has(sector))) continue;
      for (const sector of sectors) {
        used.add(sector);
        this.touched.add(sector);
      }
      running.push(this.#change(action.kind, from, to, action.unmap));
    }
    const results = await Promise.allSettled(running);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /** @throws when the image reads as anything else than expected */
  async compare(): Promise<void> {
    const found = await contents(this.#opened);
    const at = found.findIndex((byte, index) => byte !== this.#expected[index]);
    if (found.length !== this.#expected.length) throw new Error(`is ${found.length} bytes long`);
    if (at >= 0) throw new Error(`at ${at} there is ${found[at]}, but should be ${this.#expected[at]}`);
  }

  async flush(): Promise<void> {
    await this.#opened.instance.flushToOs();
    await this.file.flush();
  }

  /** Closes it. @throws when anything is wrong with the image then */
  async close(): Promise<void> {
    await this.#opened.instance.close();
    const { corruptions, leaks, checkErrors, problems } = await check(this.file);
    if (corruptions + leaks + checkErrors > 0) throw new Error(problems.map(({ message }) => message).join('\n'));
  }

  /** Writes all of the disk anew, after failures that leave it unknown. */
  async refill(): Promise<void> {
    const unit = 4096;
    for (let from = 0; from < this.#expected.length; from += unit) {
      const data = filled(Math.min(unit, this.#expected.length - from), (from / unit) % 251);
      this.#expected.set(data, from);
      await this.#opened.instance.write(from, data, 0);
    }
  }

  /** Closes it, where leaks are to be expected. @throws when it is worse */
  async abandon(): Promise<void> {
    await this.#opened.instance.close();
    const { corruptions, checkErrors, problems } = await check(this.file);
    if (corruptions + checkErrors > 0) throw new Error(problems.map(({ message }) => message).join('\n'));
  }

  async #alone(action: Action): Promise<void> {
    if (action.kind === 'reopen') {
      await this.close();
      this.#opened = await openModelled(this.#geometry, this.file, this.backing);
    } else if (action.kind === 'empty') {
      await this.#opened.instance.makeEmpty();
      this.#expected.fill(0).set(this.backing?.bytes.subarray(0, this.#expected.length) ?? []);
    } else if (action.kind === 'resize') {
      const size = action.sectors * 512;
      await this.#opened.instance.truncate(size);
      const resized = Buffer.alloc(size);
      this.#expected.copy(resized);
      this.#expected = resized;
    }
  }

  #range({ at, length, kind }: { at: number; length: number; kind: Action['kind'] }): { from: number; to: number } {
    const unit = kind === 'compressed' ? 2 ** this.#geometry.clusterBits : 512;
    const size = this.#expected.length;
    const from = Math.floor((at * size) / unit) * unit;
    const to = Math.min(size, from + Math.ceil((length * size) / unit) * unit);
    return { from, to };
  }

  async #change(
    kind: 'write' | 'zeroes' | 'discard' | 'compressed',
    from: number,
    to: number,
    unmap: boolean,
  ): Promise<void> {
    const { instance } = this.#opened;
    if (kind === 'discard') {
      // What a discarded stretch reads as is only promised for whole clusters of version 3.
      await this.#discard(from, to);
      return;
    }
    const byte = kind === 'zeroes' ? 0 : (this.#writes++ % 255) + 1;
    this.#expected.fill(byte, from, to);
    const data = filled(to - from, byte);
    if (kind === 'compressed') await instance.writeCompressed(from, data);
    else if (kind === 'write') await instance.write(from, data, 0);
    else await this.#zero(from, to, unmap);
  }

  /** As the block layer does it: the edges apart, and buffers where the driver cannot. */
  async #zero(from: number, to: number, unmap: boolean): Promise<void> {
    const unit = this.#opened.instance.zeroAlignment;
    const first = Math.min(Math.ceil(from / unit) * unit, to);
    const last = Math.max(Math.floor(to / unit) * unit, first);
    for (const [start, end] of [
      [from, first],
      [first, last],
      [last, to],
    ] as const) {
      if (start === end) continue;
      try {
        await this.#opened.instance.writeZeroes(start, end - start, unmap ? 2 : 0);
      } catch (error) {
        if (!(error instanceof BlockError) || error.code !== 'ENOTSUP') throw error;
        await this.#opened.instance.write(start, filled(end - start, 0), 0);
      }
    }
  }

  async #discard(from: number, to: number): Promise<void> {
    const unit = 2 ** this.#geometry.clusterBits;
    const size = this.#expected.length;
    const first = Math.ceil(from / unit) * unit;
    const last = to === size ? to : Math.floor(to / unit) * unit;
    if (first < last) {
      if (this.#geometry.version === 3) this.#expected.fill(0, first, last);
      else this.#expected.fill(0, first, last).set(this.backing?.bytes.subarray(first, last) ?? [], first);
    }
    await this.#opened.instance.discard(from, to - from);
  }
}

function openModelled(
  { smallCaches, keepsDiscarded }: Geometry,
  file: MemoryChild,
  backing: MemoryChild | undefined,
): Promise<Opened> {
  return openOn(file, {
    ...(backing === undefined ? {} : { backing }),
    options: {
      'overlap-check': 'all',
      'discard-no-unref': keepsDiscarded,
      ...(smallCaches ? { 'cache-size': 0 } : {}),
    },
  });
}
