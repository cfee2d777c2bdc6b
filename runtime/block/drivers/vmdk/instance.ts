import type { ImageInfo, ImageInfoSpecific } from '../../../../generated/index.js';
import type { BackingFile, BlockStatus, Child, DriverInstance, NodeFlags, Reopening } from '../../driver.js';
import type { DriverInfo } from '../../driver-info.js';
import { sectorSize } from '../../limits.js';
import { Parts } from '../shared/parts.js';
import { nothingToSwitch } from '../shared/reopening.js';
import { firstIndex } from '../shared/search.js';
import { noParent } from './descriptor.js';
import type { Extent } from './extents.js';
import { type PlacedDescriptor, renewCid } from './image.js';

/** A part of the disk, and where it begins there. */
export interface PlacedExtent {
  readonly start: number;
  readonly extent: Extent;
}

/** One open image: extents side by side. */
export class VmdkInstance implements DriverInstance {
  readonly requestAlignment = sectorSize;
  readonly leastBlock = 1;
  readonly zeroAlignment: number;
  readonly length: number;
  readonly backingFile: BackingFile | undefined;
  readonly info: DriverInfo;
  /** Absent: only streams are compressed. */
  readonly writeCompressed?: (offset: number, data: Uint8Array) => Promise<void>;
  readonly #file: Child;
  readonly #extents: readonly PlacedExtent[];
  readonly #createType: string;
  #descriptor: PlacedDescriptor | undefined;
  #claimed: boolean;
  /** Running while the contents get another id, and then done. */
  #renewed: Promise<void> | undefined;

  constructor(
    file: Child,
    extents: readonly PlacedExtent[],
    image: {
      readonly createType: string;
      readonly descriptor: PlacedDescriptor | undefined;
      readonly claimed: boolean;
    },
  ) {
    this.#file = file;
    this.#extents = extents;
    this.#descriptor = image.descriptor;
    this.#createType = image.createType;
    this.#claimed = image.claimed;
    this.length = extents.reduce((sum, { extent }) => sum + extent.length, 0);
    const name = image.descriptor?.parentName;
    this.backingFile = name === undefined ? undefined : { name, format: 'vmdk' };
    const grain = extents.find(({ extent }) => extent.grain !== undefined)?.extent.grain;
    this.zeroAlignment = grain ?? sectorSize;
    this.info = { ...(grain === undefined ? {} : { clusterSize: grain }), unallocatedIsZero: true };
    if (extents.some(({ extent }) => extent.compressed)) {
      this.writeCompressed = (offset, data) => this.write(offset, data);
    }
  }

  async read(offset: number, buffer: Uint8Array): Promise<void> {
    const parts = new Parts();
    for (const { extent, from, length, done } of this.#split(offset, buffer.length)) {
      parts.add(extent.read(from, buffer.subarray(done, done + length)));
    }
    // The disk may end within the last sector that was asked for.
    buffer.fill(0, Math.max(0, this.length - offset));
    await parts.all();
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    await this.#change();
    const parts = new Parts();
    for (const { extent, from, length, done } of this.#split(offset, data.length)) {
      parts.add(extent.write(from, data.subarray(done, done + length)));
    }
    await parts.all();
  }

  async writeZeroes(offset: number, length: number, flags: number): Promise<void> {
    await this.#change();
    for (const part of this.#split(offset, length)) await part.extent.writeZeroes(part.from, part.length, flags);
  }

  async blockStatus(offset: number, wanted: number): Promise<BlockStatus> {
    for (const { extent, from, length } of this.#split(offset, wanted)) return extent.status(from, length);
    return { length: wanted, allocated: false, data: false, zero: true };
  }

  async flushToOs(): Promise<void> {
    for (const { extent } of this.#extents) await extent.writeTables();
  }

  /** The layer flushes the descriptor's file. */
  async flushToDisk(): Promise<void> {
    const files = new Set(this.#extents.map(({ extent }) => extent.file));
    files.delete(this.#file);
    await Promise.all(Array.from(files, (file) => file.flush()));
  }

  specificInfo(): ImageInfoSpecific {
    const extents = this.#extents.map(
      ({ extent }): ImageInfo => ({
        filename: extent.file.node.filename,
        format: extent.type,
        'virtual-size': extent.length,
        ...(extent.grain === undefined ? {} : { 'cluster-size': extent.grain }),
        ...(extent.compressed ? { compressed: true } : {}),
      }),
    );
    const { cid = noParent, parentCid = noParent } = this.#descriptor ?? {};
    return { type: 'vmdk', data: { 'create-type': this.#createType, cid, 'parent-cid': parentCid, extents } };
  }

  async prepareReopen({ readOnly }: NodeFlags): Promise<Reopening> {
    if (readOnly) {
      if (this.#claimed) await this.#finish();
      return this.#switching(false);
    }
    if (this.#claimed) return nothingToSwitch;
    for (const { extent } of this.#extents) await extent.claim();
    return this.#switching(true);
  }

  async close(): Promise<void> {
    if (this.#claimed) await this.#finish();
  }

  async #finish(): Promise<void> {
    await this.flushToOs();
    await this.flushToDisk();
    await this.#file.flush();
  }

  #switching(claimed: boolean): Reopening {
    return {
      commit: async () => {
        this.#claimed = claimed;
        this.#renewed = undefined;
      },
      async abort() {},
    };
  }

  /** To be waited for before anything changes: overlays made over what was there must notice. */
  #change(): Promise<void> {
    this.#renewed ??= this.#renew().catch((error: unknown) => {
      this.#renewed = undefined;
      throw error;
    });
    return this.#renewed;
  }

  async #renew(): Promise<void> {
    if (this.#descriptor !== undefined) this.#descriptor = await renewCid(this.#file, this.#descriptor);
  }

  /** The parts of a range in each of the extents that it touches. */
  *#split(
    offset: number,
    length: number,
  ): Iterable<{ readonly extent: Extent; readonly from: number; readonly length: number; readonly done: number }> {
    const end = Math.min(offset + length, this.length);
    for (let at = offset, index = this.#indexOf(offset); at < end; index++) {
      const placed = this.#extents[index];
      if (placed === undefined) return;
      const { start, extent } = placed;
      const stop = Math.min(end, start + extent.length);
      yield { extent, from: at - start, length: stop - at, done: at - offset };
      at = stop;
    }
  }

  /** The last extent that begins at `offset` or before. */
  #indexOf(offset: number): number {
    return firstIndex(this.#extents.length, (index) => (this.#extents[index]?.start ?? 0) > offset) - 1;
  }
}
