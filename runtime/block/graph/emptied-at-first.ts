import type { BlkdebugEvent } from '../../../generated/index.js';
import type { BlockStatus, Child } from '../driver.js';
import { errnoOf } from '../error.js';
import { roundUp, sectorSize } from '../limits.js';

/**
 * A file that is emptied before the first thing that is done to it, so that what is refused before leaves it as it was. It grows
 * with what is written beyond its end, also where it is the disk of an image.
 */
export class EmptiedAtFirst implements Child {
  readonly name: string;
  readonly role: Child['role'];
  readonly #file: Child;
  /** Another length than that of the file is no reason to refuse it: like a device, it keeps its own then. */
  readonly #mayStay: boolean;
  #emptied: Promise<Child> | undefined;

  constructor(file: Child, mayStay: boolean) {
    this.name = file.name;
    this.role = file.role;
    this.#file = file;
    this.#mayStay = mayStay;
  }

  get node(): Child['node'] {
    return this.#file.node;
  }

  /** The file when it is empty, or holds what was written since. */
  empty(): Promise<Child> {
    this.#emptied ??= this.#cut();
    return this.#emptied;
  }

  async #cut(): Promise<Child> {
    try {
      await this.#file.truncate(0);
    } catch (error) {
      if (!this.#mayStay || errnoOf(error) !== 'ENOTSUP') throw error;
    }
    return this.#file;
  }

  /** The file when it reaches to `end`. What is below images grows by itself. */
  async #reaching(end: number): Promise<Child> {
    const file = await this.empty();
    if (file.node.length < end && file.node.driver.kind !== 'protocol') await file.truncate(roundUp(end, sectorSize));
    return file;
  }

  async read(offset: number, buffer: Uint8Array, flags?: number): Promise<void> {
    await (await this.empty()).read(offset, buffer, flags);
  }

  async write(offset: number, data: Uint8Array, flags?: number): Promise<void> {
    await (await this.#reaching(offset + data.length)).write(offset, data, flags);
  }

  async writeZeroes(offset: number, length: number, flags?: number): Promise<void> {
    await (await this.#reaching(offset + length)).writeZeroes(offset, length, flags);
  }

  async discard(offset: number, length: number): Promise<void> {
    await (await this.empty()).discard(offset, length);
  }

  async flush(): Promise<void> {
    await (await this.empty()).flush();
  }

  async truncate(size: number): Promise<void> {
    await (await this.empty()).truncate(size);
  }

  async blockStatus(offset: number, length: number): Promise<BlockStatus> {
    return await (await this.empty()).blockStatus(offset, length);
  }

  debug(event: BlkdebugEvent): void {
    this.#file.debug(event);
  }
}
