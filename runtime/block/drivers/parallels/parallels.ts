import type { BlockDriver, DriverInfo, NodeFlags, OpenContext, Reopening } from '../../driver.js';
import { BlockError } from '../../error.js';
import { MappedImage } from '../shared/mapped/mapped-image.js';
import { MappedInstance } from '../shared/mapped/mapped-instance.js';
import { BlockTable } from './block-table.js';
import { createParallels } from './create.js';
import { isParallels, type ParallelsHeader, readHeader } from './header.js';

/** `parallels`: the format of Parallels' programs, with both of its marks. */
export const parallels: BlockDriver = {
  name: 'parallels',
  kind: 'format',
  probe: (head) => (isParallels(head) ? 100 : 0),
  open: openParallels,
  create: createParallels,
};

async function openParallels({ file, node, noIo }: OpenContext): Promise<ParallelsInstance> {
  const header = await readHeader(file);
  const table = new BlockTable(file, header);
  table.image = new MappedImage(file, table);
  const claimed = !node.flags.readOnly && !noIo;
  if (claimed) {
    refuseOpen(header);
    await table.claim();
  }
  return new ParallelsInstance(table.image, header, claimed);
}

/** @throws BlockError (EACCES) when an image that was not closed is to be written */
function refuseOpen({ inUse }: ParallelsHeader): void {
  if (!inUse) return;
  throw new BlockError(
    'The Parallels image was not closed, or is in use; it cannot be opened read/write. qemu-img check -r all repairs it',
    { code: 'EACCES' },
  );
}

class ParallelsInstance extends MappedInstance {
  readonly #header: ParallelsHeader;

  constructor(image: MappedImage, header: ParallelsHeader, claimed: boolean) {
    super(image, claimed);
    this.#header = header;
  }

  override get info(): DriverInfo {
    return { ...super.info, dirty: this.#header.inUse };
  }

  override async prepareReopen(flags: NodeFlags): Promise<Reopening> {
    if (!flags.readOnly) refuseOpen(this.#header);
    return super.prepareReopen(flags);
  }
}
