import type { BlockDriver, OpenContext } from '../../driver.js';
import { MappedImage } from '../shared/mapped/mapped-image.js';
import { MappedInstance } from '../shared/mapped/mapped-instance.js';
import { VdiMap } from './block-map.js';
import { createVdi } from './create.js';
import { headerLength, isVdi, readHeader } from './header.js';

/** `vdi`: the format of VirtualBox, dynamic and static images. */
export const vdi: BlockDriver = {
  name: 'vdi',
  kind: 'format',
  changeable: [],
  probe: (head) => (isVdi(head) ? 100 : 0),
  open: openVdi,
  create: createVdi,
};

async function openVdi({ file, node, noIo }: OpenContext): Promise<MappedInstance> {
  const bytes = new Uint8Array(headerLength);
  await file.read(0, bytes);
  const map = new VdiMap(file, readHeader(bytes));
  const claimed = !node.flags.readOnly && !noIo;
  if (claimed) await map.claim();
  return new MappedInstance(new MappedImage(file, map, { beforeTables: () => map.beforeTables() }), claimed);
}
