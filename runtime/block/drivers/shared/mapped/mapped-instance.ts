import type { BlockStatus, DriverInstance, NodeFlags, Reopening } from '../../../driver.js';
import type { DriverInfo } from '../../../driver-info.js';
import { sectorSize } from '../../../limits.js';
import { nothingToSwitch } from '../reopening.js';
import type { MappedImage } from './mapped-image.js';
import { readMapped } from './read.js';
import { statusMapped } from './status.js';
import { writeMapped } from './write.js';
import { zeroMapped } from './zero.js';

/** An open image of a format whose tables say where blocks are, as the block layer sees it. */
export class MappedInstance implements DriverInstance {
  readonly requestAlignment: number = sectorSize;
  readonly leastBlock = 1;
  readonly zeroAlignment: number;
  protected readonly image: MappedImage;
  #claimed: boolean;

  /** @param claimed it was opened for writing, and what that needs was done */
  constructor(image: MappedImage, claimed: boolean) {
    this.image = image;
    this.zeroAlignment = image.format.blockSize;
    this.#claimed = claimed;
  }

  get length(): number {
    return this.image.format.length;
  }

  get info(): DriverInfo {
    return { clusterSize: this.image.format.blockSize, unallocatedIsZero: true };
  }

  read(offset: number, buffer: Uint8Array): Promise<void> {
    return readMapped(this.image, offset, buffer);
  }

  write(offset: number, data: Uint8Array): Promise<void> {
    return writeMapped(this.image, offset, data);
  }

  writeZeroes(offset: number, length: number, flags: number): Promise<void> {
    return zeroMapped(this.image, offset, length, flags);
  }

  flushToOs(): Promise<void> {
    return this.image.writeTables();
  }

  blockStatus(offset: number, length: number): Promise<BlockStatus> {
    return statusMapped(this.image, offset, length);
  }

  async prepareReopen({ readOnly }: NodeFlags): Promise<Reopening> {
    if (readOnly) {
      // If it stays writable after all, that was for nothing.
      if (this.#claimed) await this.image.finish();
      return this.#switching(false);
    }
    if (this.#claimed) return nothingToSwitch;
    await this.image.writing.claim();
    return this.#switching(true);
  }

  async close(): Promise<void> {
    if (this.#claimed) await this.image.finish();
  }

  #switching(claimed: boolean): Reopening {
    return {
      commit: async () => {
        this.#claimed = claimed;
      },
      async abort() {},
    };
  }
}
