import type { BlockStatus, DriverInstance, NodeFlags, Reopening } from '../../../driver.js';
import type { DriverInfo } from '../../../driver-info.js';
import { BlockError } from '../../../error.js';
import { sectorSize } from '../../../limits.js';
import { nothingToSwitch } from '../reopening.js';
import { readMapped } from './read.js';
import type { ReadableImage, Run } from './readable-image.js';
import { statusMapped } from './status.js';

/** An open image of a format that is never written, as the block layer sees it. */
export class ReadOnlyInstance<Found extends Run> implements DriverInstance {
  readonly requestAlignment = sectorSize;
  readonly leastBlock = 1;
  readonly forcesReadOnly = true;
  readonly info: DriverInfo;
  readonly #name: string;
  readonly #image: ReadableImage<Found>;

  /** @param name of the format */
  constructor(name: string, image: ReadableImage<Found>, info: DriverInfo = {}) {
    this.#name = name;
    this.#image = image;
    this.info = { unallocatedIsZero: true, ...info };
  }

  get length(): number {
    return this.#image.length;
  }

  read(offset: number, buffer: Uint8Array): Promise<void> {
    return readMapped(this.#image, offset, buffer);
  }

  blockStatus(offset: number, length: number): Promise<BlockStatus> {
    return statusMapped(this.#image, offset, length);
  }

  async prepareReopen({ readOnly }: NodeFlags): Promise<Reopening> {
    if (!readOnly) throw new BlockError(`Images in format '${this.#name}' cannot be written`, { code: 'EACCES' });
    return nothingToSwitch;
  }

  async close(): Promise<void> {}
}
