import type {
  BlockdevSnapshot,
  BlockdevSnapshotInternal,
  BlockdevSnapshotSync,
  SnapshotInfo,
} from '../../../generated/index.js';
import { BlockError, blockErrorOf, invalid, noMedium } from '../error.js';
import { createImage } from '../graph/create.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import { reopen } from '../graph/reopen.js';
import { permissionsOn } from '../graph/usage.js';
import { backingOf } from '../jobs/target.js';
import { BlockOptions } from '../options.js';
import { Permission } from '../permissions.js';
import { runTransaction, type TransactionStep } from '../transaction.js';
import type { BlockHandlers } from './handlers.js';

/** The most bytes of a snapshot's name. */
const longestName = 255;

/** Commands that take snapshots: a new file on top of a disk, or a mark inside its image. */
export function snapshotCommands(graph: BlockGraph) {
  const run = (step: TransactionStep): Promise<void> => graph.drainedAll(() => runTransaction([step]));
  return {
    'blockdev-snapshot-sync': (args) => run(snapshotSyncStep(graph, args)),
    'blockdev-snapshot': (args) => run(snapshotStep(graph, args)),
    'blockdev-snapshot-internal-sync': (args) => run(internalSnapshotStep(graph, args)),
    'blockdev-snapshot-delete-internal-sync': (args) => deleteInternal(graph, args),
  } satisfies Partial<BlockHandlers>;
}

/** A snapshot in a new file, or one that exists, as a step of a transaction. */
export function snapshotSyncStep(graph: BlockGraph, args: BlockdevSnapshotSync): TransactionStep {
  const { device, 'node-name': nodeName, 'snapshot-node-name': overlayName, mode = 'absolute-paths' } = args;
  return appendStep(
    graph,
    () => graph.deviceOrNode(device, nodeName),
    async (top) => {
      if (nodeName !== undefined && overlayName === undefined) {
        throw invalid("New snapshot node name missing: 'snapshot-node-name' goes with 'node-name'");
      }
      if (overlayName !== undefined && graph.names.kind(overlayName) !== undefined) {
        throw new BlockError('New snapshot node name already in use', { code: 'EEXIST' });
      }
      const { 'snapshot-file': filename, format = 'qcow2' } = args;
      if (mode === 'absolute-paths') {
        await createImage(graph, { format, filename, size: top.length, backing: backingOf(top) });
      }
      const options = new BlockOptions();
      if (overlayName !== undefined) options.set('node-name', overlayName);
      const flags = { noBacking: true, noIo: false, forceShare: false, dormant: false };
      return graph.open({ filename, format, options, flags: { ...top.flags, ...flags } });
    },
  );
}

/** A snapshot on a node that exists, as a step of a transaction. */
export function snapshotStep(graph: BlockGraph, { node, overlay }: BlockdevSnapshot): TransactionStep {
  return appendStep(
    graph,
    () => graph.reference(node),
    async () => graph.reference(overlay),
  );
}

/** Puts an overlay on top of a node. */
function appendStep(
  graph: BlockGraph,
  find: () => BlockNode,
  open: (top: BlockNode) => Promise<BlockNode>,
): TransactionStep {
  let top: BlockNode | undefined;
  let overlay: BlockNode | undefined;
  let appended = false;
  let committed = false;
  return {
    async prepare() {
      const node = find();
      if (!node.inserted) throw noMedium(node.deviceOrNodeName);
      node.checkAllowed('external-snapshot');
      if (!node.flags.readOnly) await node.requests.flush();
      const opened = await open(node);
      opened.holds++;
      overlay = opened;
      checkOverlay(opened);
      if (opened === node) throw invalid(`Node '${node.name}' cannot be its own overlay`);
      top = node;
      node.holds++;
      // Steps that follow find the overlay where the node was.
      await graph.append(opened, node);
      appended = true;
    },
    commit() {
      committed = true;
    },
    async abort() {
      if (top === undefined || overlay === undefined) return;
      if (appended) await graph.replace(overlay, top);
      if (overlay.below === top) await graph.unlink(overlay);
    },
    async clean() {
      if (top !== undefined) {
        // Other steps may have changed it until now: they remove persistent bitmaps from it.
        if (committed && !top.flags.readOnly && top.requests.copyOnRead === 0) await reopenReadOnly(graph, top);
        top.holds--;
        // It may be what an earlier step has made, and taken back.
        await graph.release(top);
      }
      if (overlay === undefined) return;
      overlay.holds--;
      await graph.release(overlay);
    },
  };
}

/** One that is being filled may be put on top: its users only write. A mirror's target gets its backing file like that. */
function checkOverlay(overlay: BlockNode): void {
  if (permissionsOn(overlay).uses & Permission.consistentRead) {
    throw new BlockError(`The overlay is already in use: something reads node '${overlay.name}'`, { code: 'EBUSY' });
  }
  if (overlay.below !== undefined) throw new BlockError(`The overlay '${overlay.name}' already has a backing image`);
  if (!overlay.driver.supportsBacking) {
    throw new BlockError(`The overlay '${overlay.name}' does not support backing images`, { code: 'ENOTSUP' });
  }
}

async function reopenReadOnly(graph: BlockGraph, node: BlockNode): Promise<void> {
  try {
    await reopen(graph, node, true);
  } catch (error) {
    graph.host.warn(`Node '${node.name}' stays writable below its snapshot: ${blockErrorOf(error).message}`);
  }
}

/** A snapshot inside an image, as a step of a transaction. */
export function internalSnapshotStep(graph: BlockGraph, { device, name }: BlockdevSnapshotInternal): TransactionStep {
  let taken: { readonly node: BlockNode; readonly name: string } | undefined;
  return {
    async prepare() {
      const node = graph.rootNode(device);
      node.checkAllowed('internal-snapshot');
      if (node.flags.readOnly) throw new BlockError(`Device '${device}' is read only`, { code: 'EACCES' });
      const { snapshots } = node.open;
      if (snapshots?.create === undefined) {
        throw new BlockError(
          `Block format '${node.driver.name}' used by device '${device}' does not support internal snapshots`,
          { code: 'ENOTSUP' },
        );
      }
      if (name === '') throw invalid('Name is empty');
      const stored = cut(name);
      if (snapshots.list().some((snapshot) => snapshot.name === stored)) {
        throw new BlockError(`Snapshot with name '${name}' already exists on device '${device}'`, { code: 'EEXIST' });
      }
      await snapshots.create(describe(stored));
      taken = { node, name: stored };
    },
    async abort() {
      if (taken === undefined) return;
      const { node } = taken;
      try {
        await removeSnapshot(node, undefined, taken.name);
      } catch (error) {
        graph.host.warn(`Snapshot '${taken.name}' stays in '${node.name}': ${blockErrorOf(error).message}`);
      }
    },
  };
}

function describe(name: string): SnapshotInfo {
  const now = Date.now();
  const clock = process.hrtime.bigint();
  return {
    id: '',
    name,
    'vm-state-size': 0,
    'date-sec': Math.floor(now / 1000),
    'date-nsec': (now % 1000) * 1_000_000,
    'vm-clock-sec': Number(clock / 1_000_000_000n),
    'vm-clock-nsec': Number(clock % 1_000_000_000n),
  };
}

/** A name as far as an image can hold it: not cut in the middle of a character. */
function cut(name: string): string {
  const bytes = Buffer.from(name);
  if (bytes.length <= longestName) return name;
  return bytes
    .subarray(0, longestName)
    .toString()
    .replace(/\uFFFD+$/, '');
}

async function deleteInternal(
  graph: BlockGraph,
  { device, id, name }: { readonly device: string; readonly id?: string; readonly name?: string },
): Promise<SnapshotInfo> {
  const node = graph.rootNode(device);
  if (id === undefined && name === undefined) throw invalid("Name or id must be provided: 'id', 'name' or both");
  node.checkAllowed('internal-snapshot-delete');
  return graph.drained(node, () => removeSnapshot(node, id, name));
}

async function removeSnapshot(
  node: BlockNode,
  id: string | undefined,
  name: string | undefined,
): Promise<SnapshotInfo> {
  const { snapshots } = node.open;
  const found = snapshots
    ?.list()
    .find((snapshot) => (id === undefined || snapshot.id === id) && (name === undefined || snapshot.name === name));
  if (found === undefined) {
    throw new BlockError(
      `Snapshot with id '${id ?? 'null'}' and name '${name ?? 'null'}' does not exist on device '${node.deviceOrNodeName}'`,
      { code: 'ENOENT' },
    );
  }
  if (node.flags.readOnly || snapshots?.delete === undefined) {
    throw new BlockError(`Device '${node.deviceOrNodeName}' is read only`, { code: 'EACCES' });
  }
  await snapshots.delete(found.id);
  return found;
}
