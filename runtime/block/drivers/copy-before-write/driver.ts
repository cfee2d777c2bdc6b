import { OnCbwError } from '../../../../generated/index.js';
import type { BlockDriver, BlockHost, Child, OpenContext } from '../../driver.js';
import { BlockError, invalid } from '../../error.js';
import { isPowerOfTwo, leastCopied } from '../../limits.js';
import type { BlockOptions } from '../../options.js';
import { everything, type ParentState, Permission, type Permissions } from '../../permissions.js';
import { FilterInstance, filterTraits, nameOfChild } from '../shared/filter.js';
import { KeptClusters } from '../shared/past/kept-clusters.js';
import { PastDisk } from '../shared/past/past-disk.js';
import { Saver } from './saver.js';

/**
 * Before something changes, what was there is copied to `target`: a `snapshot-access` node above shows the disk as it was when this
 * node was put in.
 *
 * Options: `target`; `bitmap.node`, `bitmap.name` (only what is dirty is kept); `on-cbw-error`; `cbw-timeout` (seconds; 0: none);
 * `min-cluster-size` (bytes).
 */
export const copyBeforeWrite: BlockDriver = {
  ...filterTraits,
  name: 'copy-before-write',
  childPermissions,
  async open(context: OpenContext) {
    const { options, host, file, node } = context;
    const policy = options.takeEnum('on-cbw-error', OnCbwError) ?? 'break-guest-write';
    const timeout = options.takeInteger('cbw-timeout', { least: 0, most: 2 ** 32 - 1 }) ?? 0;
    const least = options.takeSize('min-cluster-size') ?? 0;
    if (least !== 0 && !isPowerOfTwo(least)) throw invalid('min-cluster-size needs to be a power of 2');
    const wanted = takeBitmap(options, host);
    const target = await context.openChild('target', 'format');
    if (target.node.length < file.node.length) {
      throw invalid(`The target '${target.node.name}' is smaller than what it is to keep`);
    }
    const clusterSize = Math.max(leastCopied, least, target.node.info?.clusterSize ?? 0);
    const kept = new KeptClusters(file.node.length, clusterSize, wanted);
    const past = new PastDisk(kept, file, target);
    const saver = new Saver({ kept, past, source: file, target, policy, timeout, host, name: node.name });
    return new CopyBeforeWriteInstance(file, past, saver);
  },
};

function takeBitmap(options: BlockOptions, host: BlockHost) {
  const node = options.takeString('bitmap.node');
  const name = options.takeString('bitmap.name');
  if (node === undefined && name === undefined) return undefined;
  if (node === undefined || name === undefined) throw invalid("'bitmap' needs both 'node' and 'name'");
  if (host.dirtyStretches === undefined) throw new BlockError(`Dirty bitmap '${name}' not found`, { code: 'ENOENT' });
  return host.dirtyStretches(node, name);
}

/** As soon as something is above the node, no one else may write beside it: what they change would not be kept. */
function childPermissions(own: Permissions, { used }: ParentState, child: string): Permissions {
  const { consistentRead, write, resize } = Permission;
  if (child === 'target') return { uses: write, shares: everything & ~resize };
  return {
    uses: own.uses | (own.uses & write ? consistentRead : 0),
    shares: used ? own.shares & ~(write | resize) : everything,
  };
}

class CopyBeforeWriteInstance extends FilterInstance {
  readonly #past: PastDisk;
  readonly #saver: Saver;

  constructor(file: Child, past: PastDisk, saver: Saver) {
    super(file);
    this.#past = past;
    this.#saver = saver;
  }

  override get past(): PastDisk {
    return this.#past;
  }

  override async write(offset: number, data: Uint8Array, flags: number): Promise<void> {
    await this.#saver.save(offset, data.length);
    await this.file.write(offset, data, flags);
  }

  override async writeZeroes(offset: number, length: number, flags: number): Promise<void> {
    await this.#saver.save(offset, length);
    await this.file.writeZeroes(offset, length, flags);
  }

  override async discard(offset: number, length: number): Promise<void> {
    await this.#saver.save(offset, length);
    await this.file.discard(offset, length);
  }

  override async truncate(size: number): Promise<void> {
    if (size < this.length) await this.#saver.save(size, this.length - size);
    await this.file.truncate(size);
  }

  exactFilename(): string | undefined {
    return nameOfChild(this.file);
  }

  override async close(): Promise<void> {
    await this.#saver.idle();
  }
}
