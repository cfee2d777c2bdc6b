import type { BlockDriver, NodeFlags, OpenContext, Reopening } from '../../driver.js';
import type { DriverInfo } from '../../driver-info.js';
import { BlockError } from '../../error.js';
import type { BlockOptions } from '../../options.js';
import { MappedImage } from '../shared/mapped/mapped-image.js';
import { MappedInstance } from '../shared/mapped/mapped-instance.js';
import { BlockTable, type Preallocation } from './block-table.js';
import { createParallels } from './create.js';
import { isParallels, type ParallelsHeader, readHeader } from './header.js';

/**
 * `parallels`: the format of Parallels' programs, with both of its marks. Options: `prealloc-size` (default with the other one: 128 MiB) and
 * `prealloc-mode` (`falloc`, the default with the other one, or `truncate`), by which the file grows ahead while it is open.
 */
export const parallels: BlockDriver = {
  name: 'parallels',
  kind: 'format',
  probe: (head) => (isParallels(head) ? 100 : 0),
  open: openParallels,
  create: createParallels,
};

const defaultAhead = 128 * 1024 * 1024;

async function openParallels({ file, node, noIo, options }: OpenContext): Promise<ParallelsInstance> {
  const header = await readHeader(file);
  const table = new BlockTable(file, header, takePreallocation(options));
  table.image = new MappedImage(file, table);
  const claimed = !node.flags.readOnly && !noIo;
  if (claimed) {
    refuseOpen(header);
    await table.claim();
  }
  return new ParallelsInstance(table.image, header, claimed);
}

function takePreallocation(options: BlockOptions): Preallocation | undefined {
  const size = options.takeSize('prealloc-size');
  const mode = options.takeEnum('prealloc-mode', ['falloc', 'truncate'] as const);
  if (size === undefined && mode === undefined) return undefined;
  return { size: size ?? defaultAhead, allocated: mode !== 'truncate' };
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
