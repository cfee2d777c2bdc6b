import { type BlockDriver, type Child, type OpenContext, RequestFlag, type ThrottlePlace } from '../driver.js';
import { BlockError, invalid } from '../error.js';
import { FilterInstance, filterTraits } from './shared/filter.js';

/** Lets requests wait for the limits of a group that nodes and drives share. Option: `throttle-group`. */
export const throttle: BlockDriver = {
  ...filterTraits,
  name: 'throttle',
  async open({ options, host, file }: OpenContext) {
    const group = options.takeString('throttle-group');
    if (group === undefined) throw invalid("Parameter 'throttle-group' is missing");
    if (host.throttle === undefined)
      throw new BlockError(`Throttle group '${group}' does not exist`, { code: 'ENOENT' });
    return new ThrottleInstance(file, host.throttle(group), group);
  },
};

class ThrottleInstance extends FilterInstance {
  readonly #place: ThrottlePlace;
  readonly #group: string;
  #drained = 0;

  constructor(file: Child, place: ThrottlePlace, group: string) {
    super(file);
    this.#place = place;
    this.#group = group;
  }

  override async read(offset: number, buffer: Uint8Array, flags: number): Promise<void> {
    await this.#admit('read', buffer.length);
    await this.file.read(offset, buffer, flags);
  }

  override async write(offset: number, data: Uint8Array, flags: number): Promise<void> {
    await this.#admit('write', data.length);
    await this.file.write(offset, data, flags);
  }

  override async writeZeroes(offset: number, length: number, flags: number): Promise<void> {
    await this.#admit('write', length);
    await this.file.writeZeroes(offset, length, flags);
  }

  override async discard(offset: number, length: number): Promise<void> {
    await this.#admit('write', length);
    await this.file.discard(offset, length);
  }

  async writeCompressed(offset: number, data: Uint8Array): Promise<void> {
    await this.#admit('write', data.length);
    await this.file.write(offset, data, RequestFlag.compressed);
  }

  drainBegin(): void {
    this.#drained++;
    this.#place.letGo();
  }

  drainEnd(): void {
    this.#drained--;
  }

  effectiveOptions(): { readonly [key: string]: string } {
    return { 'throttle-group': this.#group };
  }

  override async close(): Promise<void> {
    this.#place.leave();
  }

  #admit(direction: 'read' | 'write', bytes: number): Promise<void> | undefined {
    return this.#drained > 0 ? undefined : this.#place.admit(direction, bytes);
  }
}
