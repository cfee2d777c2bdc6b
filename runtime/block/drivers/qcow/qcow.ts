import type { BackingFile, BlockDriver, OpenContext } from '../../driver.js';
import { BlockError } from '../../error.js';
import { beneathOf, MappedImage } from '../shared/mapped/mapped-image.js';
import { MappedInstance } from '../shared/mapped/mapped-instance.js';
import { writeCompressed } from './compressed-write.js';
import { createQcow } from './create.js';
import { isQcow, type QcowHeader, readHeader } from './header.js';
import { QcowTables } from './tables.js';

/** `qcow`: what came before qcow2: no snapshots and no reference counts. */
export const qcow: BlockDriver = {
  name: 'qcow',
  kind: 'format',
  changeable: [],
  supportsBacking: true,
  probe: (head) => (isQcow(head) ? 100 : 0),
  open: openQcow,
  create: createQcow,
};

async function openQcow({ file, node, noIo }: OpenContext): Promise<QcowInstance> {
  const header = await readHeader(file);
  if (header.encrypted && !noIo) {
    throw new BlockError(
      "Images with AES encryption are not opened any more; convert the image with 'qemu-img convert', to luks for instance",
      { code: 'ENOTSUP' },
    );
  }
  const tables = new QcowTables(file, header);
  tables.image = new MappedImage(file, tables, { beneath: () => beneathOf(node) });
  const claimed = !node.flags.readOnly && !noIo;
  if (claimed) await tables.claim();
  return new QcowInstance(tables, header, claimed);
}

class QcowInstance extends MappedInstance {
  readonly encrypted: boolean;
  readonly backingFile: BackingFile | undefined;
  readonly #tables: QcowTables;

  constructor(tables: QcowTables, header: QcowHeader, claimed: boolean) {
    super(tables.image, claimed);
    this.#tables = tables;
    this.encrypted = header.encrypted;
    this.backingFile = header.backing;
  }

  writeCompressed(offset: number, data: Uint8Array): Promise<void> {
    return writeCompressed(this.image, this.#tables, offset, data);
  }

  makeEmpty(): Promise<void> {
    return this.image.lock.run(() => this.#tables.empty());
  }
}
