import type { MirrorSyncMode, NewImageMode } from '../../../generated/index.js';
import type { BackingFile } from '../driver.js';
import { createImage } from '../graph/create.js';
import { rootDefaults } from '../graph/flags.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import { BlockOptions } from '../options.js';
import { everything, Permission, type Permissions } from '../permissions.js';

/** What a job does to the node that it reads. */
export const reading: Permissions = { uses: Permission.consistentRead, shares: everything };

/**
 * What a job does to a node that makes no sense any more as soon as what is below it has been written: others would read
 * something else each time.
 */
export const dissolving: Permissions = { uses: 0, shares: Permission.write | Permission.writeUnchanged };

/** What those above nodes need not to change. */
export const steady = Permission.consistentRead | Permission.writeUnchanged;

/**
 * What a job does to the node that it writes. A device in whose place no guest is lets it be written; the image's lock is its own
 * already.
 */
export function writing(node: BlockNode): Permissions {
  const { consistentRead, write } = Permission;
  return { uses: node.deviceName === '' ? consistentRead | write : consistentRead, shares: everything };
}

/** What is to be copied: of a disk without a backing file, its uppermost layer is all. */
export function syncOf<Mode extends MirrorSyncMode>(source: BlockNode, sync: Mode): Mode | 'full' {
  return sync === 'top' && source.image.below === undefined ? 'full' : sync;
}

/** Whether a bitmap says what is to be copied. */
export function copiesBitmap(sync: MirrorSyncMode): boolean {
  return sync === 'incremental' || sync === 'bitmap';
}

/** What a new image is made over, so that with what is copied it reads as the source. */
export function backingFor(source: BlockNode, sync: MirrorSyncMode): BlockNode | undefined {
  if (sync === 'none') return source;
  return sync === 'top' ? source.image.below : undefined;
}

/** A new image that a job writes to, or one that exists. */
export interface TargetRequest {
  readonly source: BlockNode;
  readonly filename: string;
  /** Absent: that of the source, or, of an image that exists, what is found by probing. */
  readonly format: string | undefined;
  readonly mode: NewImageMode;
  /** Of a new image. */
  readonly backing: BlockNode | undefined;
  readonly nodeName: string | undefined;
  /** Its backing file is opened, too. */
  readonly withBacking: boolean;
}

/** Makes the image if it is a new one, and opens it for writing. The caller holds it, or releases it. @throws BlockError */
export async function openTarget(graph: BlockGraph, request: TargetRequest): Promise<BlockNode> {
  const { source, filename, mode, backing, nodeName, withBacking } = request;
  const format = request.format ?? (mode === 'existing' ? undefined : source.driver.name);
  if (mode !== 'existing' && format !== undefined) {
    await createImage(graph, {
      format,
      filename,
      size: source.length,
      ...(backing === undefined ? {} : { backing: backingOf(backing) }),
    });
  }
  const { direct, noFlush, unmap } = source.flags;
  const options = new BlockOptions();
  if (nodeName !== undefined) options.set('node-name', nodeName);
  return graph.open({
    filename,
    options,
    format,
    flags: { ...rootDefaults, direct, noFlush, unmap, noBacking: !withBacking },
  });
}

/** A node as the header of an overlay names it. */
export function backingOf(node: BlockNode): BackingFile {
  return { name: node.filename, format: node.driver.name };
}
