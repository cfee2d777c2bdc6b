import type { BlkdebugEvent, BlockdevDetectZeroesOptions } from '../../../generated/index.js';
import type { Int64, JsonValue } from '../../json/value.js';
import type { BackingFile, BlockDriver, BlockStatus, DriverInstance, NodeFlags, PastView } from '../driver.js';
import type { DriverInfo } from '../driver-info.js';
import { BlockError, ioError } from '../error.js';
import { NodeRequests } from '../io/requests.js';
import { statusOf } from '../io/status.js';
import type { BlockOptions } from '../options.js';
import { type Blocker, type Operation, OperationBlockers } from './blockers.js';
import type { Edge, EdgeChanges, EdgeEnd, EdgeUser } from './edge.js';
import { describeNode } from './filename.js';
import type { OpenFlags } from './flags.js';

/** What a node is made from, before its driver has opened anything. */
export interface NodeDescription {
  readonly name: string;
  readonly driver: BlockDriver;
  readonly flags: OpenFlags;
  /** The options with which it was opened, in full: for file names and for reopening. */
  readonly given: BlockOptions;
  /** Of the graph that the node is in. */
  readonly edgeChanges: EdgeChanges;
}

/** An edge between nodes, or from a backend to a node. */
export type NodeEdge = Edge<BlockNode>;

/** A user of nodes outside of the graph. */
export type RootOwner = EdgeUser<BlockNode>;

/** One opened image: a node of the graph. */
export class BlockNode implements EdgeEnd<BlockNode> {
  readonly name: string;
  readonly driver: BlockDriver;
  /** The options with which it is open, in full. */
  given: BlockOptions;
  readonly edgeChanges: EdgeChanges;
  readonly requests: NodeRequests;
  readonly children = new Map<string, NodeEdge>();
  readonly parents = new Set<NodeEdge>();
  readonly blockers = new OperationBlockers();
  /** Its driver's part. Absent before it is open and after it is closed. */
  instance: DriverInstance | undefined;
  /** It is open with all that is below it: others may use it. */
  usable = false;
  flags: NodeFlags;
  /** Others may do anything to it, and it is not noticed. */
  readonly forceShare: boolean;
  /** It was not opened for its header only. */
  readonly readsData: boolean;
  /** The parent that opened it for itself, whose flags it follows. */
  opener: BlockNode | undefined;
  detectZeroes: BlockdevDetectZeroesOptions = 'off';
  filename = '';
  /** The options that its file name stands for. */
  options: JsonValue = {};
  /** The file name of the backing file that was opened by what the header says. Absent: none was, or the header says something else by now. */
  openedFromHeader: string | undefined;
  /** An overlay in a file that is gone with it: its cache mode was not chosen by a user. */
  temporary = false;
  /** More than 0: options of its format are being changed, and its driver writes to its header. */
  amendments = 0;
  /** The monitor holds it: it came from `blockdev-add`. */
  monitorOwned = false;
  /** Others that hold it, mostly for a moment: until they put it somewhere. */
  holds = 0;
  /** The offset beyond which a write is reported, once; 0: none. Exact, also where no disk reaches. */
  writeThreshold: Int64 = 0;
  /** A job has put it in, and takes it out when it ends: `implicit` when no user has given it a name, and queries of drives pass over it. */
  ofJob: 'implicit' | 'explicit' | undefined;
  /** What this node forbids on its backing node. */
  backingBlocker: Blocker | undefined;
  /** The drivers in and below it that know whether there is a medium, and how many changes of edges they were looked for at. */
  #drives: readonly DriverInstance[] = [];
  #drivesAt = -1;

  constructor({ name, driver, flags, given, edgeChanges }: NodeDescription) {
    this.name = name;
    this.driver = driver;
    this.flags = flags;
    this.forceShare = flags.forceShare;
    this.readsData = !flags.noIo;
    this.given = given;
    this.edgeChanges = edgeChanges;
    this.requests = new NodeRequests(this);
  }

  get length(): number {
    return this.open.length;
  }

  /** The driver's part of an open node. @throws BlockError (ENOMEDIUM) when it is closed */
  get open(): DriverInstance {
    if (this.instance === undefined) throw ioError('ENOMEDIUM');
    return this.instance;
  }

  get info(): DriverInfo | undefined {
    return this.instance?.info;
  }

  get requestAlignment(): number {
    return this.instance?.requestAlignment ?? 1;
  }

  get past(): PastView | undefined {
    return this.instance?.past;
  }

  get compresses(): boolean {
    return this.instance?.writeCompressed !== undefined;
  }

  get leastBlock(): number | undefined {
    return this.instance?.leastBlock;
  }

  get file(): NodeEdge | undefined {
    return this.children.get('file');
  }

  /** The edge to what an overlay is over. What a filter filters is none, whatever the edge is called. */
  get backing(): NodeEdge | undefined {
    return this.driver.filter ? undefined : this.children.get('backing');
  }

  get below(): BlockNode | undefined {
    return this.backing?.node;
  }

  get under(): NodeEdge | undefined {
    const { filter, filters = 'file' } = this.driver;
    return filter ? (this.children.get(filters) ?? this.children.get('backing')) : this.backing;
  }

  /** The node, and what is below it along backing edges and through filters. */
  *chain(): Iterable<BlockNode> {
    yield this;
    for (let edge = this.under; edge !== undefined; edge = edge.node.under) yield edge.node;
  }

  /** The node itself, or, of a filter, the first node below that is none. */
  get image(): BlockNode {
    for (const node of this.chain()) if (!node.driver.filter) return node;
    return this;
  }

  /** Whether a node is this one, or in its backing chain. */
  chainHas(wanted: BlockNode): boolean {
    for (const node of this.chain()) if (node === wanted) return true;
    return false;
  }

  /** The nodes that its edges lead to. */
  *childNodes(): Iterable<BlockNode> {
    for (const edge of this.children.values()) yield edge.node;
  }

  /** Whether something needs it. */
  get held(): boolean {
    return this.monitorOwned || this.holds > 0 || this.parents.size > 0;
  }

  /** The node itself, or, of a filter that a job has put in, the first node below that is none. */
  get belowJobs(): BlockNode {
    for (const node of this.chain()) if (node.ofJob === undefined) return node;
    return this;
  }

  /** The same, but for filters that users have given names. */
  get belowImplicit(): BlockNode {
    for (const node of this.chain()) if (node.ofJob !== 'implicit') return node;
    return this;
  }

  /** All that is above it are backends, if anything is. */
  get isRoot(): boolean {
    for (const { owner } of this.parents) if (!('backend' in owner)) return false;
    return true;
  }

  /** A backend uses it directly. */
  get hasBackend(): boolean {
    for (const { owner } of this.parents) if ('backend' in owner) return true;
    return false;
  }

  get deviceName(): string {
    for (const { owner } of this.parents)
      if ('backend' in owner && owner.backend.name !== '') return owner.backend.name;
    return '';
  }

  get deviceOrNodeName(): string {
    return this.deviceName || this.name;
  }

  /** @throws BlockError when another user of the node forbids an operation on it */
  checkAllowed(operation: Operation): void {
    const reason = this.blockers.reason(operation);
    if (reason !== undefined) {
      throw new BlockError(`Node '${this.deviceOrNodeName}' is busy: ${reason}`, { code: 'EBUSY' });
    }
  }

  /** A medium is in the drive: the driver says so, or has no opinion and all children have one. */
  get inserted(): boolean {
    if (this.instance === undefined) return false;
    const { count } = this.edgeChanges;
    if (this.#drivesAt !== count) {
      this.#drives = drivesOf(this);
      this.#drivesAt = count;
    }
    for (const drive of this.#drives) if (drive.inserted?.() === false) return false;
    return true;
  }

  /**
   * Rewrites what the header says of the backing file. What the image has instead of it by now is on the disk before: after a crash nothing else
   * could tell.
   *
   * @throws BlockError when the format cannot, or the name does not fit; the header is as before then
   */
  async changeBackingFile(backing: BackingFile | undefined): Promise<void> {
    const { instance, requests, name } = this;
    if (instance?.changeBackingFile === undefined) {
      throw new BlockError(`The backing file of '${name}' cannot be changed`, { code: 'ENOTSUP' });
    }
    await requests.flush();
    await instance.changeBackingFile(backing);
    this.openedFromHeader = undefined;
    this.describe();
  }

  /** It is over something else than its header says, or over nothing where that names a backing file. Always false for a filter. */
  get backingOverridden(): boolean {
    const { driver, instance, below, readsData } = this;
    if (driver.filter || !readsData) return false;
    return below?.filename !== (this.openedFromHeader ?? instance?.backingFile?.name);
  }

  /** Makes its file name anew: after opening, and when something below has changed. */
  describe(): void {
    const described = this.ofJob === 'implicit' ? this.under?.node : undefined;
    const { filename, options } = described ?? describeNode(this);
    this.filename = filename;
    this.options = options;
  }

  statusHere(offset: number, length: number): Promise<BlockStatus> {
    return statusOf(this, offset, length);
  }

  announced(event: BlkdebugEvent): void {
    this.instance?.debug?.(event);
  }
}

/** The drivers in a node and below it that know whether there is a medium. The nodes below such a one are not asked. */
function drivesOf(node: BlockNode): DriverInstance[] {
  const drives: DriverInstance[] = [];
  const seen = new Set<BlockNode>([node]);
  for (const { instance, children } of seen) {
    if (instance?.inserted !== undefined) drives.push(instance);
    else for (const edge of children.values()) seen.add(edge.node);
  }
  return drives;
}
