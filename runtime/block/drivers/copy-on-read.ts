import type { BlockDriver, Child, OpenContext } from '../driver.js';
import { BlockError } from '../error.js';
import { chainStatus } from '../io/status.js';
import { Permission } from '../permissions.js';
import { RequestFlag } from '../request-flag.js';
import { FilterInstance, filterTraits } from './shared/filter.js';

/** Copies into the node below what is read from its backing files. Option: `bottom`, the last of them whose data is copied. */
export const copyOnRead: BlockDriver = {
  ...filterTraits,
  name: 'copy-on-read',
  weakOptions: ['bottom'],
  childPermissions: (own) => ({ uses: own.uses | Permission.writeUnchanged, shares: own.shares }),
  async open({ options, file }: OpenContext) {
    const bottom = options.takeString('bottom');
    if (bottom !== undefined && layerNamed(file, bottom) === undefined) {
      throw new BlockError(`Bottom node '${bottom}' not found`, { code: 'ENOENT' });
    }
    if (file.node.flags.readOnly) throw new BlockError(`Node '${file.node.name}' is read-only`, { code: 'EACCES' });
    return new CopyOnReadInstance(file, bottom);
  },
};

function layerNamed(file: Child, name: string): Child | undefined {
  let layer: Child | undefined = file;
  while (layer !== undefined && layer.node.name !== name) layer = layer.node.under;
  return layer;
}

class CopyOnReadInstance extends FilterInstance {
  readonly #bottom: string | undefined;

  constructor(file: Child, bottom: string | undefined) {
    super(file);
    this.#bottom = bottom;
  }

  override async read(offset: number, buffer: Uint8Array, flags: number): Promise<void> {
    if (this.#bottom === undefined) {
      await this.file.read(offset, buffer, flags | RequestFlag.copyOnRead);
      return;
    }
    for (let done = 0; done < buffer.length; ) {
      const { length, copies } = await this.#nextPart(offset + done, buffer.length - done);
      const part = buffer.subarray(done, done + length);
      await this.file.read(offset + done, part, copies ? flags | RequestFlag.copyOnRead : flags);
      done += length;
    }
  }

  writeCompressed(offset: number, data: Uint8Array): Promise<void> {
    return this.file.write(offset, data, RequestFlag.compressed);
  }

  /** The stretch from `offset` on that is copied, or not: it is when a layer below the node, down to the bottom, has it. */
  async #nextPart(offset: number, wanted: number): Promise<{ readonly length: number; readonly copies: boolean }> {
    const base = this.#bottom === undefined ? undefined : layerNamed(this.file, this.#bottom)?.node.under?.node;
    const { status, depth } = await chainStatus(this.file, offset, wanted, base);
    return { length: status.length, copies: status.allocated && depth > 0 };
  }
}
