import type { ThrottlePlace } from '../abilities.js';
import type { BlockDriver, BlockHost, Child, NodeFlags, OpenContext, Reopening } from '../driver.js';
import { BlockError, invalid } from '../error.js';
import type { BlockOptions } from '../options.js';
import { RequestFlag } from '../request-flag.js';
import { FilterInstance, filterTraits } from './shared/filter.js';
import { nothingToSwitch } from './shared/reopening.js';

/** Lets requests wait for the limits of a group that nodes and drives share. Option: `throttle-group`. */
export const throttle: BlockDriver = {
  ...filterTraits,
  name: 'throttle',
  changeable: ['throttle-group'],
  async open({ options, host, file }: OpenContext) {
    return new ThrottleInstance(file, host, takeMembership(host, options));
  },
};

/** A place in a group, and the name of the group. */
interface Membership {
  readonly group: string;
  readonly place: ThrottlePlace;
}

/** Takes a place in the group that the options name. @throws BlockError when there is no such group */
function takeMembership(host: BlockHost, options: BlockOptions): Membership {
  const group = options.takeString('throttle-group');
  if (group === undefined) throw invalid("Parameter 'throttle-group' is missing");
  if (host.throttle === undefined) throw new BlockError(`Throttle group '${group}' does not exist`, { code: 'ENOENT' });
  return { group, place: host.throttle(group) };
}

class ThrottleInstance extends FilterInstance {
  readonly #host: BlockHost;
  #membership: Membership;
  #drained = 0;

  constructor(file: Child, host: BlockHost, membership: Membership) {
    super(file);
    this.#host = host;
    this.#membership = membership;
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
    this.#membership.place.letGo();
  }

  drainEnd(): void {
    this.#drained--;
  }

  effectiveOptions(): { readonly [key: string]: string } {
    return { 'throttle-group': this.#membership.group };
  }

  override async prepareReopen(_flags: NodeFlags, options?: BlockOptions): Promise<Reopening> {
    if (options === undefined) return nothingToSwitch;
    const next = takeMembership(this.#host, options);
    return {
      commit: async () => {
        this.#membership.place.leave();
        this.#membership = next;
      },
      abort: async () => next.place.leave(),
    };
  }

  override async close(): Promise<void> {
    this.#membership.place.leave();
  }

  #admit(direction: 'read' | 'write', bytes: number): Promise<void> | undefined {
    return this.#drained > 0 ? undefined : this.#membership.place.admit(direction, bytes);
  }
}
