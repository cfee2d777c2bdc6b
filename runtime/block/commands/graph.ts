import { BlockError, blockErrorOf } from '../error.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import { reopen } from '../graph/reopen.js';
import { resize } from '../graph/resize.js';
import { largestSize } from '../limits.js';
import { BlockOptions } from '../options.js';
import { everything, Permission, type Permissions } from '../permissions.js';
import { findNode } from './find-node.js';
import type { BlockHandlers } from './handlers.js';
import { reopenNamed } from './reopen.js';
import { setWriteThreshold } from './write-threshold.js';

/** What a resize does to a node. Others may go on with what they do, unless they need the size as it is. */
const resizing: Permissions = { uses: Permission.resize, shares: everything };

/** Commands that make, remove and change nodes. */
export function graphCommands(graph: BlockGraph) {
  const del = ({ 'node-name': name }: { readonly 'node-name': string }) => deleteNode(graph, findNode(graph, name));

  return {
    'blockdev-add': (options) => addNode(graph, BlockOptions.flatten(options)),

    'blockdev-reopen': ({ options }) => reopenNamed(graph, options),

    'blockdev-del': async (node) => del(node),

    'x-blockdev-del': async (node) => del(node),

    async 'x-blockdev-change'({ parent: parentName, child: childName, node: nodeName }) {
      const parent = graph.reference(parentName);
      if (childName !== undefined && nodeName !== undefined) {
        throw new BlockError('The parameters child and node are in conflict: give one of them');
      }
      if (childName === undefined && nodeName === undefined) {
        throw new BlockError('Either child or node must be specified');
      }
      if (childName !== undefined) await removeChild(graph, parent, childName);
      else if (nodeName !== undefined) await addChild(graph, parent, nodeName);
      parent.describe();
      graph.describeAbove(parent);
    },

    async 'change-backing-file'({ device, 'image-node-name': imageName, 'backing-file': backingFile }) {
      await changeBackingFile(graph, graph.rootNode(device), imageName, backingFile);
    },

    async block_resize({ device, 'node-name': nodeName, size }) {
      const asked = graph.deviceOrNode(device, nodeName);
      const node = resizedBy(asked);
      if (size < 0) throw new BlockError("Parameter 'size' expects a >0 size");
      for (const each of [asked, node.image]) each.checkAllowed('resize');
      // Beyond, a number would not be exact, and a message with it neither.
      if (size > largestSize)
        throw new BlockError(`Could not resize to ${size} bytes: File too large`, { code: 'EFBIG' });
      await graph.using(node, resizing, () => graph.drainedAll(() => resize(node, Number(size), graph.host.warn)));
    },

    async block_passwd({ device, 'node-name': nodeName }) {
      const node = graph.deviceOrNode(device, nodeName);
      // Only the legacy encryption of qcow and qcow2 took its key by this command, and such images are not opened.
      throw new BlockError(`Node '${node.name}' is not encrypted in a way that takes a password by this command`);
    },

    'block-set-write-threshold'({ 'node-name': name, 'write-threshold': threshold }) {
      setWriteThreshold(graph.namedNode(name), threshold, graph.host.events);
    },
  } satisfies Partial<BlockHandlers>;
}

/** Opens a node that is the monitor's. @throws BlockError when it has no name, or cannot be opened */
export async function addNode(graph: BlockGraph, options: BlockOptions): Promise<void> {
  if (!options.has('node-name')) throw new BlockError("'node-name' must be specified for the root node");
  const node = await graph.open({ options });
  node.monitorOwned = true;
}

/** Removes a node that the monitor has made. @throws BlockError when it is in use */
export async function deleteNode(graph: BlockGraph, node: BlockNode): Promise<void> {
  // Clients look for this text, in which the name is not quoted.
  const used = `Node ${node.name} is in use`;
  // A job says more about itself than that it uses the node.
  node.checkAllowed('drive-del');
  if (node.hasBackend) throw new BlockError(`${used}: it is the medium of a device, or exported`);
  if (!node.monitorOwned) {
    throw new BlockError(
      `Node '${node.name}' is not owned by the monitor: it goes away with the node that it was defined in`,
    );
  }
  if (node.parents.size > 0 || node.holds > 0) throw new BlockError(`${used} by another node or a job`);
  node.monitorOwned = false;
  await graph.release(node);
}

/** The node itself, or what is below it while it is a filter that leaves sizes to its child. */
function resizedBy(node: BlockNode): BlockNode {
  if (!node.driver.filter || node.instance?.truncate !== undefined) return node;
  for (const child of node.childNodes()) {
    const found = resizedBy(child);
    if (!found.driver.filter || found.instance?.truncate !== undefined) return found;
  }
  return node;
}

async function removeChild(graph: BlockGraph, parent: BlockNode, name: string): Promise<void> {
  const child = parent.children.get(name);
  if (child === undefined) throw new BlockError(`Node '${parent.name}' does not have child '${name}'`);
  const { instance } = parent;
  if (instance?.removeChild === undefined) throw unchangeable(parent);
  await graph.drained(parent, async () => instance.removeChild?.(child));
  await graph.usage.update([parent]);
}

async function addChild(graph: BlockGraph, parent: BlockNode, name: string): Promise<void> {
  const node = graph.node(name);
  if (node === undefined) throw new BlockError(`Node '${name}' not found`);
  const { instance } = parent;
  if (instance?.addChild === undefined) throw unchangeable(parent);
  if (node.parents.size > 0) throw new BlockError(`The node '${name}' already has a parent`);
  await graph.drained(parent, async () => instance.addChild?.(node));
  try {
    await graph.usage.update([parent]);
  } catch (error) {
    const [added] = [...node.parents].filter(({ owner }) => 'node' in owner && owner.node === parent);
    if (added !== undefined) await graph.drained(parent, async () => instance.removeChild?.(added));
    throw error;
  }
}

function unchangeable(parent: BlockNode): BlockError {
  return new BlockError(`The node '${parent.name}' does not support adding or removing children: only a quorum does`);
}

async function changeBackingFile(
  graph: BlockGraph,
  root: BlockNode,
  imageName: string,
  backingFile: string,
): Promise<void> {
  const image = graph.namedNode(imageName);
  if (image.below === undefined) {
    throw new BlockError(`Node '${imageName}' does not have a backing file`);
  }
  root.checkAllowed('change');
  if (!root.image.chainHas(image)) {
    throw new BlockError(`'${root.deviceOrNodeName}' and image file '${imageName}' are not in the same chain`);
  }
  const wasReadOnly = image.flags.readOnly;
  await graph.drained(image, async () => {
    if (wasReadOnly) await reopen(graph, image, false);
    try {
      // The format of what is really below: a header that names another would be opened wrongly the next time.
      const format = image.below?.driver.name;
      await image.changeBackingFile(
        backingFile === '' ? undefined : { name: backingFile, ...(format === undefined ? {} : { format }) },
      );
      graph.describeAbove(image);
    } catch (error) {
      throw blockErrorOf(error, `Could not change the backing file of '${imageName}' to '${backingFile}'`);
    } finally {
      if (wasReadOnly) await reopen(graph, image, true);
    }
  });
}
