import type { BlockDriver, OpenContext } from '../../driver.js';
import { BlockError } from '../../error.js';
import { MappedImage } from '../shared/mapped/mapped-image.js';
import { MappedInstance } from '../shared/mapped/mapped-instance.js';
import { BlockTable } from './block-table.js';
import { createVhdx } from './create.js';
import { noGuid } from './guid.js';
import { changeHeaders, type Header, invalidVhdx, isVhdx, readHeader } from './headers.js';
import { replayLog } from './log.js';
import { readMetadata, readRegions } from './regions.js';

/** `vhdx`: the format of Hyper-V since 2012, dynamic and fixed images. A log keeps its tables whole. */
export const vhdx: BlockDriver = {
  name: 'vhdx',
  kind: 'format',
  changeable: [],
  probe: (head) => (isVhdx(head) ? 100 : 0),
  open: openVhdx,
  create: createVhdx,
};

async function openVhdx(context: OpenContext): Promise<MappedInstance> {
  const { file, node, noIo } = context;
  const head = new Uint8Array(512);
  await file.read(0, head);
  if (!isVhdx(head)) throw invalidVhdx('it does not begin as one');
  const header = await settled(context, await readHeader(file));
  const regions = await readRegions(file, header);
  const table = new BlockTable(file, header, regions, await readMetadata(file, regions.metadata));
  const claimed = !node.flags.readOnly && !noIo;
  if (claimed) await table.claim();
  const putTable = table.putTable.bind(table);
  return new MappedInstance(new MappedImage(file, table, { putTable }), claimed);
}

/** Applies the log, if there is one: without it, what is read would be wrong. */
async function settled({ file, node }: OpenContext, header: Header): Promise<Header> {
  if (Buffer.compare(header.logGuid, noGuid) === 0) return header;
  if (node.flags.readOnly) {
    throw new BlockError(
      'The VHDX image was not closed, and has a log that must be applied: open it for writing, or run qemu-img check -r all',
      { code: 'EPERM' },
    );
  }
  await replayLog(file, header);
  return changeHeaders(file, header, { logGuid: noGuid });
}
