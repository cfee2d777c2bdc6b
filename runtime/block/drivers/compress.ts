import type { BlockDriver, OpenContext } from '../driver.js';
import { BlockError } from '../error.js';
import { RequestFlag } from '../request-flag.js';
import { FilterInstance, filterTraits } from './shared/filter.js';

/** Has all that is written stored compressed, in whole clusters of the image below. */
export const compress: BlockDriver = {
  ...filterTraits,
  name: 'compress',
  async open({ file }: OpenContext) {
    if (!file.node.compresses) {
      throw new BlockError(`Compression is not supported for underlying format: ${file.node.driver.name}`, {
        code: 'ENOTSUP',
      });
    }
    return new CompressInstance(file);
  },
};

class CompressInstance extends FilterInstance {
  override get requestAlignment(): number {
    return Math.max(super.requestAlignment, this.info?.clusterSize ?? 1);
  }

  override async write(offset: number, data: Uint8Array, flags: number): Promise<void> {
    // The last cluster may end with the disk.
    const length = Math.min(data.length, this.length - offset);
    await this.file.write(offset, data.subarray(0, length), flags | RequestFlag.compressed);
  }
}
