import type { BlockDeviceStats, BlockInfo, BlockStats } from '../../../generated/index.js';
import type { Backend } from '../backend/backend.js';
import { throttleInfo } from '../backend/throttle-arguments.js';
import { uncounted } from '../backend/uncounted.js';
import type { Bitmaps } from '../bitmaps/bitmaps.js';
import type { BlockNode } from '../graph/node.js';
import type { BlockHandlers } from './handlers.js';
import { type NodeInfoContext, nodeInfo } from './node-info.js';

/** What the queries look at. */
export interface QueriedGraph {
  /** Those that are open. */
  readonly nodes: Iterable<BlockNode>;
  /** The node right below a backend, if it has a medium. */
  attachedTo(backend: Backend): BlockNode | undefined;
}

/** Commands that tell of devices and nodes. */
export function queryCommands(graph: QueriedGraph, bitmaps: Bitmaps, backends: () => Iterable<Backend>) {
  return {
    async 'query-block'({ flat }) {
      const infos: BlockInfo[] = [];
      for (const backend of backends()) {
        infos.push(await blockInfo(backend, graph.attachedTo(backend)?.belowImplicit, { bitmaps, flat }));
      }
      return infos;
    },

    async 'query-named-block-nodes'({ flat }) {
      const nodes = [...graph.nodes].reverse();
      return Promise.all(nodes.map((node) => nodeInfo(node, { bitmaps, flat })));
    },

    'query-blockstats'({ 'query-nodes': ofNodes = false }) {
      if (!ofNodes) return Array.from(backends(), (backend) => backendStats(backend, graph.attachedTo(backend)));
      return Array.from(graph.nodes, (node) => nodeStats(node));
    },
  } satisfies Partial<BlockHandlers>;
}

async function blockInfo(
  backend: Backend,
  node: BlockNode | undefined,
  context: Pick<NodeInfoContext, 'bitmaps' | 'flat'>,
): Promise<BlockInfo> {
  // What a job has put over the medium has no bitmaps.
  const dirty = node === undefined ? [] : context.bitmaps.describe(node.belowJobs);
  return {
    device: backend.name,
    ...qdevOf(backend),
    type: 'unknown',
    removable: backend.removable,
    locked: backend.device?.locked ?? false,
    ...(backend.trayOpen === undefined ? {} : { tray_open: backend.trayOpen }),
    ...(backend.ioStatus === undefined ? {} : { 'io-status': backend.ioStatus }),
    ...(dirty.length === 0 ? {} : { 'dirty-bitmaps': dirty }),
    ...(node === undefined
      ? {}
      : {
          inserted: await nodeInfo(node, {
            ...context,
            ofDrive: true,
            limits: throttleInfo(backend.throttleGroup),
            writeback: backend.writeback,
          }),
        }),
  };
}

function backendStats(backend: Backend, node: BlockNode | undefined): BlockStats {
  const stats = backend.accounting.stats(node?.requests.highestOffset ?? 0);
  return { ...(node === undefined ? {} : chainStats(node)), device: backend.name, ...qdevOf(backend), stats };
}

function qdevOf({ device }: Backend): { readonly qdev?: string } {
  return device === undefined ? {} : { qdev: device.qdev };
}

/** A node with what is below it. What jobs have put in without a name is passed over. */
function chainStats({ belowImplicit: node }: BlockNode): BlockStats {
  const { under } = node;
  return { ...nodeStats(node, chainStats), ...(under === undefined ? {} : { backing: chainStats(under.node) }) };
}

/** A node with its file, and the file's file. Requests are counted at backends: of a node only the highest offset is known. */
function nodeStats(node: BlockNode, fileStats = nodeStats as (file: BlockNode) => BlockStats): BlockStats {
  const specific = node.instance?.specificStats?.();
  const file = (node.file ?? (node.driver.filter ? node.under : undefined))?.node;
  return {
    'node-name': node.name,
    stats: { ...noRequests, wr_highest_offset: node.requests.highestOffset },
    ...(specific === undefined ? {} : { 'driver-specific': specific }),
    ...(file === undefined ? {} : { parent: fileStats(file) }),
  };
}

const noRequests: BlockDeviceStats = {
  rd_bytes: 0,
  wr_bytes: 0,
  rd_operations: 0,
  wr_operations: 0,
  flush_operations: 0,
  flush_total_time_ns: 0,
  wr_total_time_ns: 0,
  rd_total_time_ns: 0,
  wr_highest_offset: 0,
  unmap_bytes: 0,
  unmap_operations: 0,
  unmap_total_time_ns: 0,
  ...uncounted,
  failed_rd_operations: 0,
  failed_wr_operations: 0,
  failed_flush_operations: 0,
  failed_unmap_operations: 0,
  invalid_rd_operations: 0,
  invalid_wr_operations: 0,
  invalid_flush_operations: 0,
  invalid_unmap_operations: 0,
  account_invalid: false,
  account_failed: false,
  timed_stats: [],
};
