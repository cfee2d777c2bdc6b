/*
 * The contract between the block layer and its drivers. A driver implements BlockDriver and DriverInstance, is handed
 * an OpenContext and the Children it works on, and imports nothing else of the layer but abilities, request flags, errors, options, limits,
 * the reader of small files and the tracker that keeps overlapping requests apart.
 */

import type {
  BlkdebugEvent,
  BlockdevAmendOptions,
  BlockStatsSpecific,
  ImageInfoSpecific,
} from '../../generated/index.js';
import type { EventSink } from '../qmp/event-sink.js';
import type {
  DebugBreakpoints,
  InternalSnapshots,
  PersistentBitmaps,
  ReplicatedDisk,
  ThrottlePlace,
} from './abilities.js';
import type { Clock } from './clock.js';
import type { DriverInfo } from './driver-info.js';
import type { BlockOptions } from './options.js';
import type { ParentState, PermissionChange, Permissions } from './permissions.js';
import type { ClientCredentials } from './tls.js';

/**
 * What a child is to its parent, which decides how it is opened and what it inherits: a *protocol* child must resolve to a
 * protocol driver, a *format* child may be any driver (and is probed when none is named), a *backing* child is what an
 * overlay was made over. The *root* edge leads from a backend to its node.
 */
export type ChildRole = 'protocol' | 'format' | 'backing' | 'root';

/** The state of a stretch of a node, as one layer knows it. */
export interface BlockStatus {
  /** Bytes from the offset asked for that are in this state, at least 1, and at most as many as asked for. */
  readonly length: number;
  /** This layer has an entry of its own for it: backing files do not show through. */
  readonly allocated: boolean;
  /** There is data to be read. */
  readonly data: boolean;
  /** It reads as zeroes. */
  readonly zero: boolean;
  /** Where the data is in `file`, as it is there. Absent when it is compressed, encrypted or nowhere. */
  readonly offset?: number;
  /** The child that `offset` counts in. Default: the node itself, for protocol drivers. */
  readonly file?: Child;
}

/** What a node was opened with, and what can be changed by reopening it. */
export interface NodeFlags {
  readonly readOnly: boolean;
  /** `cache.direct`: host caches are bypassed. */
  readonly direct: boolean;
  /** `cache.no-flush`: flushes do not reach the disk. */
  readonly noFlush: boolean;
  /** `discard=unmap`: discards are handed on. */
  readonly unmap: boolean;
  /**
   * The image is another program's for the time being: it is not written, and nothing is expected of it. `readOnly` is `true`
   * meanwhile, and this says what it is to be afterwards. Absent: the node is active.
   */
  readonly inactive?: { readonly readOnly: boolean };
  /** `auto-read-only`: what cannot be written is opened all the same, and fails the user that is to write. Default: it is not opened. */
  readonly autoReadOnly?: boolean;
}

/** The disk as it was at an earlier moment. */
export interface PastView {
  /** @throws BlockError (EACCES) where it is not kept, or not any more */
  read(offset: number, buffer: Uint8Array): Promise<void>;
  blockStatus(offset: number, length: number): Promise<BlockStatus>;
  /** Forgets a stretch: it is not kept any more. */
  discard(offset: number, length: number): Promise<void>;
}

/** What others may know of a node. */
export interface NodeView {
  /** Its node-name, unique. Generated names begin with `#`. */
  readonly name: string;
  readonly driver: BlockDriver;
  readonly flags: NodeFlags;
  /** Bytes. */
  readonly length: number;
  /** A medium is in the drive. Absent: there is. */
  readonly inserted?: boolean;
  /** Its plain or `json:` file name, as queries show it; empty while it is being opened. */
  readonly filename: string;
  /** The node's children by the names of the edges. */
  readonly children: ReadonlyMap<string, Child>;
  /** What unallocated data is read from; absent when there is nothing, or while the node is being opened. */
  readonly backing: Child | undefined;
  /** The edge that what the node does not have itself is read through: to the backing file, or to what a filter filters. */
  readonly under: Child | undefined;
  /** What its driver tells of the image. Absent: nothing. */
  readonly info?: DriverInfo | undefined;
  /** Requests must begin and end at multiples of it; the layer sees to that. A power of two. */
  readonly requestAlignment: number;
  /** The disk as it was when the node was opened, if the node keeps that. */
  readonly past?: PastView | undefined;
  /** It can write clusters compressed. Absent: it cannot. */
  readonly compresses?: boolean;
  /** The smallest block that clients of an export learn of, where it is not `requestAlignment`. */
  readonly leastBlock?: number | undefined;
  /** The name of the backend that the node is the root of, or the node's own name. For events. */
  readonly deviceOrNodeName: string;
  /** The name of the backend that the node is the root of, or empty. For events. */
  readonly deviceName: string;
}

/** An edge of the graph: what a driver does its I/O on. Stays the same object when the graph puts another node below it. */
export interface Child {
  /** The name of the edge: `file`, `backing`, `children.0`. */
  readonly name: string;
  readonly role: ChildRole;
  readonly node: NodeView;
  /**
   * Fills `buffer` with what is at `offset`. Beyond the end there are zeroes.
   *
   * @throws BlockError when that fails; the buffer's contents are then undefined.
   */
  read(offset: number, buffer: Uint8Array, flags?: number): Promise<void>;
  /** Writes. May make the child longer. `data` must not change until it is done. @throws BlockError */
  write(offset: number, data: Uint8Array, flags?: number): Promise<void>;
  /** Makes a stretch read as zeroes. @throws BlockError */
  writeZeroes(offset: number, length: number, flags?: number): Promise<void>;
  /** Tells that a stretch is not needed any more. What it reads as afterwards is undefined. @throws BlockError */
  discard(offset: number, length: number): Promise<void>;
  /** All that was written before is on the disk afterwards. @throws BlockError */
  flush(): Promise<void>;
  /** Makes the child longer (by zeroes) or shorter. @throws BlockError */
  truncate(size: number): Promise<void>;
  /** The state of the first stretch from `offset` on, as the child's own layer knows it. @throws BlockError */
  blockStatus(offset: number, length: number): Promise<BlockStatus>;
  /** Announces a step of what is being done to the child, for `blkdebug` to act on. Costs nothing when nothing listens. */
  debug(event: BlkdebugEvent): void;
}

/** What is outside of the block layer. */
export interface BlockHost {
  readonly events: EventSink;
  readonly clock: Clock;
  /** The data of a `secret` object. @throws BlockError when there is none of that id */
  secret(id: string): Promise<Uint8Array>;
  /**
   * A socket that the parent process has opened and passed on, by the number of its file descriptor, which is given as text. Returns
   * nothing when none may be used: what clients ask for cannot have been. @throws BlockError when it is no socket
   */
  readonly passedSocket?: (number: string) => number | undefined;
  /** What a client shows to servers, of a `tls-creds-…` object. Absent: there are none. @throws BlockError when none for clients has that id */
  readonly clientCredentials?: (id: string) => ClientCredentials;
  /** Tells the operator. */
  warn(message: string): void;
  /**
   * Whether a file may be used at all. Called before each opening or creating, and again with the descriptor: what a path leads
   * to may have changed meanwhile.
   *
   * @throws BlockError (EACCES) when it lies outside of what the operator allows
   */
  authorize(path: string, fd?: number): Promise<void>;
  /** A place in a throttle group that exists. @throws BlockError when there is none of that name */
  throttle?(group: string): ThrottlePlace;
  /** The stretches that a bitmap says are dirty. @throws BlockError when there is no such bitmap */
  dirtyStretches?(node: string, bitmap: string): Iterable<{ readonly offset: number; readonly length: number }>;
  /** Something has happened after which going on would destroy data: the operator's program ends. Never returns normally. */
  fatal(message: string): void;
}

/** What a driver is given to open a node. */
export interface OpenContext {
  /** The node that is being opened: name, driver, flags. It has no length and no backing file yet. */
  readonly node: NodeView;
  /** The node's options without those that every node has. Take those you know: an option that is left is an error. */
  readonly options: BlockOptions;
  /** The driver was chosen by looking at the data. */
  readonly probed: boolean;
  /** Open without reading or writing guest data: no key is needed, nothing is repaired. */
  readonly noIo: boolean;
  readonly host: BlockHost;
  /** The child called `file`, which format drivers always have. @throws Error for a protocol driver */
  readonly file: Child;
  /**
   * Opens a child from the options `NAME` (a reference) or `NAME.*` (a definition).
   *
   * @param name the name of the edge; also the key of the options
   * @param filename what to open when there are no such options
   * @throws BlockError when it cannot be opened, or nothing says what to open
   */
  openChild(name: string, role: ChildRole, filename?: string): Promise<Child>;
  /** Adds a node that exists as a child (`x-blockdev-change`). For use by {@link DriverInstance.addChild}. */
  attachChild(name: string, role: ChildRole, node: NodeView): Child;
  /** The name of the format that data is most probably in. */
  probe?(head: Uint8Array, filename: string): string;
  /** Takes a child away again. */
  detachChild(child: Child): Promise<void>;
}

/** What an image's header says of the file that it was made over. */
export interface BackingFile {
  /** The name as it stands there. */
  readonly name: string;
  /** The driver's name; absent: to be probed. */
  readonly format?: string;
}

/** How an image is amended. */
export interface AmendRequest {
  /** What loses data is allowed. */
  readonly force: boolean;
  /** The secrets of the objects. */
  readonly host: BlockHost;
}

/** A switch of a node's flags, in two steps so that many nodes can switch or none. */
export interface Reopening {
  /** Never fails. */
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/**
 * One opened image. Requests come aligned and inside of limits; they run side by side, and an instance that needs order among
 * them sees to it. All methods reject with a BlockError.
 */
export interface DriverInstance {
  /** Bytes. A driver whose children disagree throws. */
  readonly length: number;
  /** Requests must begin and end at multiples of it. A power of two. Default: 1. */
  readonly requestAlignment?: number;
  /** The smallest block that clients of an export learn of. Default: `requestAlignment`. */
  readonly leastBlock?: number;
  /** Zero-writes are better aligned to it. Default: `requestAlignment`. */
  readonly zeroAlignment?: number;
  /** The flags of {@link RequestFlag} that `write` and `writeZeroes` see to themselves; `fua` is else made by a flush. */
  readonly writeFlags?: number;
  /** The image is of a kind that is never written: the node becomes read-only. */
  readonly forcesReadOnly?: boolean;
  /** The data is encrypted. */
  readonly encrypted?: boolean;
  /** From the header. Absent: there is none, or the format has no such thing. */
  readonly backingFile?: BackingFile | undefined;
  readonly info?: DriverInfo | undefined;
  readonly snapshots?: InternalSnapshots;
  /** The disk as it was when the node was opened. Absent: it is not kept. */
  readonly past?: PastView | undefined;
  /** Lets all requests go that are held back for other reasons than their order, until {@link drainEnd}. Calls nest. */
  drainBegin?(): void;
  drainEnd?(): void;
  /** Fails the requests that wait for a server to come back. Absent: none do. */
  giveUpWaiting?(): void;
  /** Absent: the format keeps no bitmaps. */
  readonly bitmaps?: PersistentBitmaps;

  /** Fills a buffer. The range is inside the length rounded up to the alignment. */
  read(offset: number, buffer: Uint8Array, flags: number): Promise<void>;
  /** Absent: the node cannot be written. */
  write?(offset: number, data: Uint8Array, flags: number): Promise<void>;
  /** Absent, or ENOTSUP: buffers full of zeroes are written instead. `flags` may contain `mayUnmap`. */
  writeZeroes?(offset: number, length: number, flags: number): Promise<void>;
  /** Absent: does nothing. Only called when the node unmaps. */
  discard?(offset: number, length: number): Promise<void>;
  /** Writes the format's caches to the `file` child. */
  flushToOs?(): Promise<void>;
  /** Writes what the host has to the disk. For drivers at the bottom; the layer flushes children itself. */
  flushToDisk?(): Promise<void>;
  /** Absent: all is allocated data, at unknown places. */
  blockStatus?(offset: number, length: number): Promise<BlockStatus>;
  /** Writes whole clusters compressed (the last one may be cut by the end). Absent: cannot. */
  writeCompressed?(offset: number, data: Uint8Array): Promise<void>;
  /** Absent: the size is fixed (ENOTSUP). */
  truncate?(size: number): Promise<void>;
  /** Rewrites name and format of the backing file in the header and in {@link backingFile}. Absent: ENOTSUP. */
  changeBackingFile?(backing: BackingFile | undefined): Promise<void>;
  /** Makes all of the image unallocated. */
  makeEmpty?(): Promise<void>;
  /** What `query-block` shows of this format only. */
  specificInfo?(): ImageInfoSpecific | undefined;
  /** What `query-blockstats` shows of this driver only. */
  specificStats?(): BlockStatsSpecific;
  /** Bytes that the host has allocated. Absent: that of the `file` child. */
  allocatedSize?(): Promise<number | undefined>;
  /**
   * Changes options of the format in the header. Nothing else changes the graph meanwhile. Absent: the format has none to change.
   *
   * @throws BlockError when they cannot be changed like that; a failure of a write may leave a change half done, never half valid
   */
  amend?(options: BlockdevAmendOptions, request: AmendRequest): Promise<void>;
  /**
   * Absent: cannot be reopened. Nothing is in flight, and the node has been flushed.
   *
   * @param options new values of those that the driver calls changeable, all of them: what is missing has its default. Absent: they stay
   */
  prepareReopen?(flags: NodeFlags, options?: BlockOptions): Promise<Reopening>;
  /**
   * Takes from other processes what its users need, and keeps what it has. Absent: no other process can reach it.
   *
   * @param wanted what all users of the node do together
   * @throws BlockError when others do what is not shared, or do not share what is done; nothing has changed then
   */
  preparePermissions?(wanted: Permissions): Promise<PermissionChange>;
  /** As {@link BlockDriver.childPermissions}, where the node's options decide. Absent: the driver's. */
  childPermissions?(own: Permissions, state: ParentState, child: string): Permissions;
  /** Options as `json:` file names show them, without those of children. Absent: those given. */
  effectiveOptions?(): { readonly [key: string]: string | number | boolean };
  /** A plain file name that opens the same, or nothing when only `json:` can. Absent: the layer's rule. */
  exactFilename?(): string | undefined;
  /** A medium is in the drive. Absent: if it is in all children. */
  inserted?(): boolean;
  /** Opens or closes the host's drive. */
  eject?(open: boolean): Promise<void>;
  /** Locks the host's drive. */
  lockMedium?(locked: boolean): Promise<void>;
  /** Where requests can be held up: in `blkdebug`. */
  readonly breakpoints?: DebugBreakpoints;
  /** It is a side of a replicated disk. */
  readonly replication?: ReplicatedDisk;
  /** Receives the steps that its parent announces: `blkdebug` acts on them. */
  debug?(event: BlkdebugEvent): void;
  /** Forgets what it remembers of the data, which another program has changed. Absent: it remembers nothing, or is opened anew. */
  refresh?(): Promise<void>;
  /** `x-blockdev-change`: takes one more child. */
  addChild?(node: NodeView): Promise<void>;
  /** `x-blockdev-change`: gives a child up. @throws BlockError when it cannot */
  removeChild?(child: Child): Promise<void>;
  /** Writes what is cached and lets go of everything but the children. Called once; the node is not used afterwards, even when it fails. */
  close(): Promise<void>;
}

/** What is to be created. */
export interface CreateRequest {
  /** What the `file` child was opened from. */
  readonly filename: string;
  /** Bytes, a multiple of 512. */
  readonly size: number;
  /** A disk of another size will not do, such as one that is rounded up. Default: `false`. */
  readonly exactSize?: boolean;
  readonly backing?: BackingFile;
  /** The format's own create options (image-formats §16). Take those you know: an option that is left is an error. */
  readonly options: BlockOptions;
  readonly host: BlockHost;
  /**
   * Makes a further file that the image consists of, as the image's own was made. It is open until the image is made.
   *
   * @param size bytes
   * @throws BlockError
   */
  createFile(filename: string, size: number): Promise<Child>;
  /** Opens the backing file, to look at it, until the image is made. @throws BlockError when there is none, or it cannot be opened */
  openBacking(): Promise<NodeView>;
}

/** A block driver: one entry of the table. */
export interface BlockDriver {
  /** As `BlockdevDriver` has it, or a name that only file names use (`nbd`). */
  readonly name: string;
  /**
   * Format drivers interpret a `file` child; protocol drivers are at the bottom of the graph, or pretend to be.
   */
  readonly kind: 'format' | 'protocol';
  /** Prefixes of file names that choose this protocol driver: `file` for `file:a.img`. Default for protocols: its name. */
  readonly prefixes?: readonly string[];
  /** The driver has many children, and is looked through when a snapshot, a resize or a replacement needs the image. */
  readonly filter?: boolean;
  /** The child whose disk a filter shows. Default: `file`. */
  readonly filters?: string;
  /** It cannot be opened without a file name. */
  readonly needsFilename?: boolean;
  /** Its own options, or groups of them, that `blockdev-reopen` can change. Absent: that refuses its nodes, as in QEMU. */
  readonly changeable?: readonly string[];
  /** Options that can be given other values as well, but must be given again once they have been. */
  readonly keptOnceGiven?: readonly string[];
  /** Options, or groups of them, that do not decide what is read: file names do without them. */
  readonly weakOptions?: readonly string[];
  /** Images may have a backing file. */
  readonly supportsBacking?: boolean;
  /**
   * What a node does to its children, other than the backing file, when this is done to it. Absent: a format does what its metadata
   * may need, a protocol driver what is done to it. `child` is the name of the edge.
   */
  childPermissions?(own: Permissions, state: ParentState, child: string): Permissions;
  /**
   * How well data suits this format: 0 not at all … 100 certainly.
   *
   * @param head the first 512 bytes, fewer when there are no more
   */
  probe?(head: Uint8Array, filename: string): number;
  /** Whether a path without a prefix is for this protocol driver: devices rather than files. What the host does not allow is not opened. */
  claimsPath?(path: string, host: BlockHost): Promise<boolean>;
  /**
   * Turns a file name into options. Absent: the option `filename` is the name.
   *
   * @throws BlockError when it is malformed
   */
  parseFilename?(filename: string, options: BlockOptions): void;
  open(context: OpenContext): Promise<DriverInstance>;
  /** The image is nothing but the file: `createFile` gives it its size and takes the create options. */
  readonly isPlainFile?: boolean;
  /** Fills a new image's `file`, which is empty unless the image is a plain file. Absent: images cannot be created. */
  create?(file: Child, request: CreateRequest): Promise<void>;
  /**
   * Makes the file for a new image, or empties one that exists. For protocol drivers.
   *
   * @param size bytes
   */
  createFile?(filename: string, size: number, options: BlockOptions, host: BlockHost): Promise<void>;
}
