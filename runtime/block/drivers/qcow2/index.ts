import type { BlockDriver } from '../../driver.js';
import { viewOf } from './big-endian.js';
import { create } from './create.js';
import { magic } from './header.js';
import { Qcow2Instance } from './instance.js';
import { openImage } from './open.js';

/** QEMU's own image format: versions 2 and 3. */
export const qcow2: BlockDriver = {
  name: 'qcow2',
  kind: 'format',
  supportsBacking: true,
  probe(head) {
    return head.length >= 8 && viewOf(head).getUint32(0) === magic && viewOf(head).getUint32(4) >= 2 ? 100 : 0;
  },
  async open(context) {
    return new Qcow2Instance(await openImage(context));
  },
  create,
};
