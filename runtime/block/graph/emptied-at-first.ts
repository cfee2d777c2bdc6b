import type { BlkdebugEvent } from '../../../generated/index.js';
import type { BlockStatus, Child } from '../driver.js';

/** A file that is emptied before the first thing that is done to it, so that what is refused before leaves it as it was. */
export class EmptiedAtFirst implements Child {
  readonly name: string;
  readonly role: Child['role'];
  readonly #file: Child;
  #emptied: Promise<Child> | undefined;

  constructor(file: Child) {
    this.name = file.name;
    this.role = file.role;
    this.#file = file;
  }

  get node(): Child['node'] {
    return this.#file.node;
  }

  /** The file when it is empty, or holds what was written since. */
  empty(): Promise<Child> {
    this.#emptied ??= this.#file.truncate(0).then(() => this.#file);
    return this.#emptied;
  }

  async read(offset: number, buffer: Uint8Array, flags?: number): Promise<void> {
    await (await this.empty()).read(offset, buffer, flags);
  }

  async write(offset: number, data: Uint8Array, flags?: number): Promise<void> {
    await (await this.empty()).write(offset, data, flags);
  }

  async writeZeroes(offset: number, length: number, flags?: number): Promise<void> {
    await (await this.empty()).writeZeroes(offset, length, flags);
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
