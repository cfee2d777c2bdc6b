import type { BlockStatus, Child, DriverInstance, Reopening } from '../../driver.js';
import type { DriverInfo } from '../../driver-info.js';
import { sectorSize } from '../../limits.js';
import { nothingToSwitch } from '../shared/reopening.js';

/** A fixed image: the disk as it is, and the footer behind it. */
export class FixedVpc implements DriverInstance {
  readonly requestAlignment = sectorSize;
  readonly leastBlock = 1;
  readonly info: DriverInfo = {};
  readonly length: number;
  readonly #file: Child;

  constructor(file: Child, length: number) {
    this.#file = file;
    this.length = length;
  }

  read(offset: number, buffer: Uint8Array): Promise<void> {
    return this.#file.read(offset, buffer);
  }

  write(offset: number, data: Uint8Array): Promise<void> {
    return this.#file.write(offset, data);
  }

  writeZeroes(offset: number, length: number, flags: number): Promise<void> {
    return this.#file.writeZeroes(offset, length, flags);
  }

  async blockStatus(offset: number, length: number): Promise<BlockStatus> {
    return { length, allocated: true, data: true, zero: false, offset, file: this.#file };
  }

  async prepareReopen(): Promise<Reopening> {
    return nothingToSwitch;
  }

  async close(): Promise<void> {}
}
