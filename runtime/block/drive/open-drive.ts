import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Backend } from '../backend/backend.js';
import { rootPermissions } from '../backend/root-permissions.js';
import { createImage } from '../graph/create.js';
import { rootDefaults } from '../graph/flags.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import { BlockOptions } from '../options.js';
import type { DriveConfig } from './config.js';

/**
 * Opens the medium of a drive and puts it under its backend; an empty drive remembers how a later medium is opened.
 *
 * @param ownFiles where the name of a temporary file stands while it exists
 * @throws BlockError when it cannot be opened; nothing is left of it then
 */
export async function openDrive(
  graph: BlockGraph,
  backend: Backend,
  config: DriveConfig,
  ownFiles: Set<string>,
): Promise<void> {
  const { nodeOptions, detectZeroes, copyOnRead, readOnly, discard } = config;
  backend.rootState = {
    readOnly,
    direct: nodeOptions.get('cache.direct') === true,
    noFlush: nodeOptions.get('cache.no-flush') === true,
    unmap: discard === 'unmap',
    detectZeroes,
    copyOnRead,
  };
  if (config.empty) return;
  const node = config.snapshot ? await openSnapshot(graph, config, ownFiles) : await openMedium(graph, config);
  backend.root = await graph.attachRoot(node, backend, rootPermissions(backend, node.flags));
}

function openMedium(
  graph: BlockGraph,
  { filename, nodeOptions, copyOnRead, detectZeroes }: DriveConfig,
): Promise<BlockNode> {
  return graph.open({ filename, options: nodeOptions, copyOnRead, detectZeroes });
}

/** Opens the image as the backing file of an overlay that no other process can see, and that is gone with the drive. */
async function openSnapshot(graph: BlockGraph, config: DriveConfig, ownFiles: Set<string>): Promise<BlockNode> {
  const options = config.nodeOptions.clone();
  options.set('read-only', true);
  const image = await graph.open({ filename: config.filename, options });
  // Nothing else holds it until the overlay is there.
  return graph.holding(image, async () => {
    const overlay = await openTemporary(graph, image.length, config, ownFiles);
    overlay.temporary = true;
    graph.link(overlay, image);
    return overlay;
  });
}

/** An empty overlay in a file that is deleted as soon as it is open, and that no other program could find to lock it. Losing it loses nothing: it is never flushed. */
async function openTemporary(
  graph: BlockGraph,
  size: number,
  { copyOnRead, detectZeroes, readOnly }: DriveConfig,
  ownFiles: Set<string>,
): Promise<BlockNode> {
  const folder = await mkdtemp(join(process.env.TMPDIR ?? '/var/tmp', 'vl.'));
  const filename = join(folder, 'overlay.qcow2');
  ownFiles.add(filename);
  try {
    await createImage(graph, { format: 'qcow2', filename, size, locking: 'off' });
    return await graph.open({
      filename,
      options: new BlockOptions([
        ['driver', 'qcow2'],
        ['file.locking', 'off'],
      ]),
      flags: { ...rootDefaults, readOnly, noFlush: true, unmap: true, noBacking: true },
      copyOnRead,
      detectZeroes,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
    ownFiles.delete(filename);
  }
}
