import type { BlockHost, Child, NodeView } from '../../../driver.js';
import { ioError } from '../../../error.js';
import { viewOf } from '../../shared/big-endian.js';
import { Lock } from '../../shared/lock.js';
import type { LuksVolume } from '../../shared/luks/volume.js';
import { TableCache } from '../../shared/table-cache.js';
import { UnpackedBlocks } from '../../shared/unpacked-blocks.js';
import { WriteOrder } from '../../shared/write-order.js';
import type { BitmapState } from '../bitmaps/state.js';
import {
  AutoclearFeature,
  type HeaderPatch,
  hasDataFile,
  l2EntrySize,
  type Qcow2Header,
  subclusters,
} from '../format/header.js';
import type { Settings } from '../format/options.js';
import { type RefcountWidth, refcountWidth } from '../format/refcount-width.js';
import type { Snapshot } from '../format/snapshot-table.js';
import { type HostCluster, hostCluster, hostOffset } from '../format/units.js';
import { GracePeriods } from './grace.js';
import { AllocationsInFlight } from './in-flight.js';
import { TablePlaces } from './table-places.js';

/** A table that is kept in memory as a whole: the active L1 table, the refcount table. */
export interface WholeTable {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Checks that nothing else is where something is to be written. @throws BlockError and marks the image as corrupt */
export type OverlapCheck = (offset: number, length: number) => Promise<void>;

/** Clusters that nothing refers to any more, but that still count as used. */
export interface FreedClusters {
  /** The first host cluster. */
  readonly first: HostCluster;
  count: number;
  readonly reason: FreeReason;
}

/** What clusters were freed for, which decides whether they are discarded in the file, too. */
export type FreeReason = 'request' | 'snapshot' | 'other';

/** An open image: what its parts, each in a file of its own, share. */
export class Image {
  readonly node: NodeView;
  readonly file: Child;
  /** The file with what is on the disk: `file`, unless the image has a data file. */
  readonly data: Child;
  /** What the data is encrypted with. Absent: it is not. */
  readonly volume: LuksVolume | undefined;
  /** There is a data file: each cluster of the disk has its place there, and no refcount. */
  readonly external: boolean;
  readonly host: BlockHost;
  settings: Settings;
  readonly clusterSize: number;
  /** Bytes of an L2 entry. */
  readonly l2EntrySize: 8 | 16;
  /** L2 entries tell of each subcluster whether it is there. */
  readonly extended: boolean;
  /** Bytes of the smallest part of the disk that can be there or not: a subcluster, or a cluster. */
  readonly unit: number;
  /** Entries of an L2 table. */
  readonly l2Entries: number;
  /** Bytes of the disk that an L2 table maps. */
  readonly l2Span: number;
  readonly refcounts: RefcountWidth;
  readonly refcountsPerBlock: number;
  readonly l2Tables: TableCache;
  readonly refcountBlocks: TableCache;
  readonly order: WriteOrder;
  /** Held while refcounts change, clusters get places, or tables change but for filling in promised places. */
  readonly lock = new Lock();
  readonly grace = new GracePeriods();
  readonly inFlight = new AllocationsInFlight();
  /** Where L2 tables and refcount blocks are. */
  readonly tablePlaces: TablePlaces;

  header: Qcow2Header;
  l1: WholeTable;
  refcountTable: WholeTable;
  snapshots: readonly Snapshot[] = [];
  /** Bytes of the snapshot table. */
  snapshotTableLength = 0;
  /** Refcounts are only written when the image is closed; the dirty bit tells who opens it after a crash. */
  lazyRefcounts = false;
  /** The image was opened, or reopened, for writing: it is put in order when it is closed. */
  claimed = false;
  /** Bitmaps and other autoclear features are marked on the disk: the image may be changed. */
  announced = false;
  /** Running while that is being done. */
  announcing: Promise<void> | undefined;
  readonly bitmaps: BitmapState = {
    directory: undefined,
    records: [],
    problem: undefined,
    inUse: false,
    contents: undefined,
    budget: 0,
  };
  /** Metadata were found to be impossible: nothing is read or written any more. */
  dead = false;
  /** Where the search for free clusters begins: behind what was found last, or at what was freed since. */
  searchFrom = hostCluster(0);
  /** Where the next compressed cluster may begin, in a host cluster that has room; 0: nowhere. */
  compressedEnd = hostOffset(0);
  /** The compressed clusters that were read last, by where they are in the file. */
  readonly decompressed = new UnpackedBlocks();
  /** The end of all that has ever been in the file: from here on it reads as zeroes. */
  highWater: number;
  /** Held while the refcounts of freed clusters go down. */
  readonly freeing = new Lock();
  /** Freed clusters whose refcounts go down once the tables that do without them are on the disk. */
  freed: FreedClusters[] = [];

  constructor(
    place: {
      readonly node: NodeView;
      readonly file: Child;
      readonly data: Child;
      readonly volume: LuksVolume | undefined;
      readonly host: BlockHost;
    },
    header: Qcow2Header,
    settings: Settings,
    checks: { readonly l2: (image: Image) => OverlapCheck; readonly refcounts: (image: Image) => OverlapCheck },
  ) {
    this.node = place.node;
    this.file = place.file;
    this.data = place.data;
    this.volume = place.volume;
    this.external = hasDataFile(header);
    this.host = place.host;
    this.header = header;
    this.settings = settings;
    const { clusterSize, refcountOrder } = header;
    this.clusterSize = clusterSize;
    this.tablePlaces = new TablePlaces(clusterSize);
    this.l2EntrySize = l2EntrySize(header);
    this.extended = this.l2EntrySize === 16;
    this.unit = this.extended ? clusterSize / subclusters : clusterSize;
    this.l2Entries = clusterSize / this.l2EntrySize;
    this.l2Span = clusterSize * this.l2Entries;
    this.refcounts = refcountWidth(refcountOrder);
    this.refcountsPerBlock = (clusterSize * 8) / this.refcounts.bits;
    this.l1 = wholeTable(new Uint8Array(header.l1Entries * 8));
    this.refcountTable = wholeTable(new Uint8Array(header.refcountTableClusters * clusterSize));
    this.highWater = this.file.node.length;
    const { file } = place;
    this.order = new WriteOrder(
      () => this.refcountBlocks.writeAll(),
      () => this.flushData().then(() => file.flush()),
    );
    this.l2Tables = new TableCache(
      {
        file,
        clusterSize,
        loadEvent: 'l2_load',
        writeEvent: 'l2_update',
        settled: () => this.order.settle(),
        check: checks.l2(this),
      },
      settings.l2Tables,
    );
    this.refcountBlocks = new TableCache(
      {
        file,
        clusterSize,
        loadEvent: 'refblock_load',
        writeEvent: 'refblock_update_part',
        settled: () => undefined,
        check: checks.refcounts(this),
      },
      settings.refcountBlocks,
    );
  }

  /** The data file alone is to be what is on the disk. */
  get rawData(): boolean {
    return this.external && (this.header.autoclear & AutoclearFeature.rawData) !== 0n;
  }

  get readOnly(): boolean {
    return this.node.flags.readOnly;
  }

  /** @throws BlockError (ENOMEDIUM) when the image was found to be corrupt */
  alive(): void {
    if (this.dead) throw ioError('ENOMEDIUM');
  }

  /** What was written to a data file is on the disk afterwards. */
  async flushData(): Promise<void> {
    if (this.data !== this.file) await this.data.flush();
  }

  /** Changes the header, in the file and then here, and flushes. What belongs together is in one patch. */
  async changeHeader(header: Qcow2Header, patch: HeaderPatch): Promise<void> {
    await this.file.write(patch.offset, patch.bytes);
    await this.file.flush();
    this.header = header;
  }
}

/** A table of which `bytes` are the contents. */
export function wholeTable(bytes: Uint8Array): WholeTable {
  return { bytes, view: viewOf(bytes) };
}
