import type { BlockDriver, BlockHost, Child, OpenContext, PastView } from '../driver.js';
import { FilterInstance, filterTraits } from '../drivers/shared/filter.js';
import type { BlockGraph } from '../graph/graph.js';
import type { InsertedFilter } from '../graph/inserted-filter.js';
import type { BlockNode, NodeEdge } from '../graph/node.js';
import { BlockOptions } from '../options.js';
import { everything, type ParentState, Permission, type Permissions } from '../permissions.js';
import { RequestFlag } from '../request-flag.js';
import { writing } from './target.js';

/*
 * The filters of jobs. A job works on the nodes below; its filter says to others what it does there, and what they may do meanwhile, and is
 * what they use in place of its node.
 */

/** Over the source of a mirror: its length must not change. What reads it may do so consistently. */
export function mirrorFilter(name: string | undefined): InsertedFilter {
  return { name, driver: driverOf('mirror_top', notResized), edge: 'backing', open: (below) => new JobFilter(below) };
}

/** Over an active layer that is committed. What is below it changes on the way, so that only what is read here makes sense. */
export function activeCommitFilter(name: string | undefined): InsertedFilter {
  const permissions = ({ uses }: Permissions): Permissions => ({
    uses: uses & ~Permission.consistentRead,
    shares: everything & ~Permission.resize,
  });
  return { ...mirrorFilter(name), driver: driverOf('mirror_top', permissions) };
}

/** Over the uppermost one of layers that are committed: the overlay reads through it what makes no sense by itself. */
export function commitFilter(name: string | undefined): InsertedFilter {
  const permissions = (): Permissions => ({ uses: 0, shares: everything });
  return { ...mirrorFilter(name), driver: driverOf('commit_top', permissions), readOnly: true };
}

/** Over a node that is streamed: what is read from backing files, down to the lowest one, comes into the node then. */
export function streamFilter(
  { drivers, host }: BlockGraph,
  name: string | undefined,
  lowest: BlockNode,
): InsertedFilter {
  const driver = drivers.named('copy-on-read');
  const options = new BlockOptions([['bottom', lowest.name]]);
  return { name, driver, edge: 'file', open: (file) => driver.open(inPlace(file, options, host)) };
}

/** Over the source of a backup, and on the target: what others would write there could not be kept before. */
export function backupFilter(
  name: string | undefined,
  target: BlockNode,
  { discardsSource }: { readonly discardsSource: boolean },
): InsertedFilter {
  const { consistentRead, write, resize } = Permission;
  const onTarget: Permissions = { uses: writing(target).uses & write, shares: everything & ~resize };
  const permissions = ({ uses, shares }: Permissions, { used }: ParentState, child: string): Permissions => {
    if (child === 'target') return onTarget;
    const own = uses & write ? consistentRead : 0;
    return { uses: uses | own | (discardsSource ? write : 0), shares: used ? shares & ~(write | resize) : everything };
  };
  const driver = driverOf('copy-before-write', permissions);
  return { name, implicit: false, driver, edge: 'file', target, open: (file) => new JobFilter(file) };
}

/** What a driver opens a filter with whose only child is there. */
function inPlace(file: Child, options: BlockOptions, host: BlockHost): OpenContext {
  const none = async (): Promise<never> => {
    throw new Error('A filter of a job has no other children');
  };
  const { node } = file;
  return {
    node,
    options,
    file,
    host,
    probed: false,
    noIo: false,
    openChild: none,
    detachChild: none,
    attachChild() {
      throw new Error('A filter of a job has no other children');
    },
  };
}

function notResized({ uses, shares }: Permissions): Permissions {
  return { uses, shares: shares & ~Permission.resize };
}

function driverOf(name: string, childPermissions: NonNullable<BlockDriver['childPermissions']>): BlockDriver {
  return {
    ...filterTraits,
    name,
    childPermissions,
    open() {
      throw new Error(`'${name}' is only put in by jobs`);
    },
  };
}

/** The edge from the filter of a job to what it filters. */
export function filtered({ under }: BlockNode): NodeEdge {
  if (under === undefined) throw new Error('A filter has nothing to filter');
  return under;
}

/** Has the filter of a backup show the disk as the backup keeps it, to a `snapshot-access` node above it. */
export function showPast({ instance }: BlockNode, past: PastView): void {
  if (instance instanceof JobFilter) instance.kept = past;
}

/** Hands all requests on. */
class JobFilter extends FilterInstance {
  /** Absent: the past is that of the node below. */
  kept: PastView | undefined;
  readonly writeCompressed?: (offset: number, data: Uint8Array) => Promise<void>;

  constructor(below: Child) {
    super(below);
    if (!below.node.compresses) return;
    this.writeCompressed = (offset, data) => below.write(offset, data, RequestFlag.compressed);
  }

  override get past(): PastView | undefined {
    return this.kept ?? super.past;
  }

  get leastBlock(): number {
    return this.file.node.leastBlock ?? this.requestAlignment;
  }

  exactFilename(): string {
    return this.file.node.filename;
  }

  /** A node sees to it that its file is flushed, and to nothing else. */
  async flushToOs(): Promise<void> {
    if (this.file.name !== 'file') await this.file.flush();
  }
}
