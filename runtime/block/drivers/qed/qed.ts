import type { BackingFile, BlockDriver, NodeFlags, OpenContext, Reopening } from '../../driver.js';
import type { DriverInfo } from '../../driver-info.js';
import { BlockError, errnoOf } from '../../error.js';
import { largestSize, roundUp } from '../../limits.js';
import { beneathOf, MappedImage } from '../shared/mapped/mapped-image.js';
import { MappedInstance } from '../shared/mapped/mapped-instance.js';
import { createQed } from './create.js';
import { isQed, largestDisk, readHeader } from './header.js';
import { refuseUnchecked, repair } from './repair.js';
import { QedTables } from './tables.js';

/** Zeroes that are written at a time where a disk grows over what its backing file has. */
const zeroChunk = 2 ** 20;

/** `qed`: a format that came between qcow2's versions: tables of two levels, and no reference counts. */
export const qed: BlockDriver = {
  name: 'qed',
  kind: 'format',
  changeable: [],
  supportsBacking: true,
  probe: (head) => (isQed(head) ? 100 : 0),
  open: openQed,
  create: createQed,
};

async function openQed({ file, node, noIo, host }: OpenContext): Promise<QedInstance> {
  let header = await readHeader(file);
  const claimed = !node.flags.readOnly && !noIo;
  if (claimed && header.needsCheck) {
    host.warn(`qed: Image '${file.node.filename}' was not closed; it is being repaired`);
    header = await repair(file, header);
  }
  const tables = new QedTables(file, header);
  tables.image = new MappedImage(file, tables, { beneath: () => beneathOf(node) });
  if (claimed) await tables.claim();
  return new QedInstance(tables, claimed);
}

class QedInstance extends MappedInstance {
  readonly #tables: QedTables;

  constructor(tables: QedTables, claimed: boolean) {
    super(tables.image, claimed);
    this.#tables = tables;
  }

  override get info(): DriverInfo {
    return { ...super.info, dirty: this.#tables.header.needsCheck };
  }

  get backingFile(): BackingFile | undefined {
    return this.#tables.header.backing;
  }

  /** Makes the disk longer. */
  async truncate(size: number): Promise<void> {
    const tables = this.#tables;
    const before = tables.length;
    if (size % 512 !== 0) throw new BlockError('The new size must be a multiple of 512', { code: 'EINVAL' });
    if (size < before) throw new BlockError('QED images cannot be made shorter', { code: 'ENOTSUP' });
    if (size > Math.min(largestSize, largestDisk(tables.header))) {
      throw new BlockError('The new size is too large for the tables of the image', { code: 'EFBIG' });
    }
    await this.image.begin();
    // Until now no reader could see what a longer backing file has behind the end.
    const shown = Math.min(size, this.image.beneath()?.length ?? 0);
    tables.resized(size);
    try {
      await this.#hide(before, shown);
      await this.image.writeTables();
      await this.image.file.flush();
      await tables.storeSize();
    } catch (error) {
      tables.resized(before);
      throw error;
    }
  }

  async #hide(from: number, to: number): Promise<void> {
    const { blockSize } = this.#tables;
    const first = Math.min(roundUp(from, blockSize), to);
    if (from < first) await this.write(from, new Uint8Array(first - from));
    for (let at = first; at < to; at += zeroChunk) {
      const length = Math.min(zeroChunk, to - at);
      try {
        await this.writeZeroes(at, length, 0);
      } catch (error) {
        if (errnoOf(error) !== 'ENOTSUP') throw error;
        await this.write(at, new Uint8Array(length));
      }
    }
  }

  async changeBackingFile(backing: BackingFile | undefined): Promise<void> {
    const { backing: _, ...rest } = this.#tables.header;
    await this.image.begin();
    await this.#tables.storeHeader({ ...rest, autoclear: 0n, ...(backing === undefined ? {} : { backing }) });
  }

  override async prepareReopen(flags: NodeFlags): Promise<Reopening> {
    if (!flags.readOnly) refuseUnchecked(this.#tables.header);
    return super.prepareReopen(flags);
  }
}
