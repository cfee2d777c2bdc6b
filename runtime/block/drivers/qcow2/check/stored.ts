import { getUint64, viewOf } from '../../shared/big-endian.js';
import type { CheckContext } from './context.js';

/** Refcount blocks are read in pages of this many bytes: who jumps about reads little. */
const largestPage = 4096;
const cachedPages = 2048;

/** File offsets are signed: none are this large. */
const addressLimit = 2 ** 63;

/** A part of a refcount block. */
export interface RefcountPage {
  /** The cluster that the first entry is of. */
  readonly first: number;
  readonly bytes: Uint8Array;
  /** Where it is in the file. */
  readonly offset: number;
}

/** What stands where a refcount block's offset should. */
export type BlockPlace =
  | { readonly kind: 'none' }
  | { readonly kind: 'invalid'; readonly why: string; readonly readable: boolean; readonly offset: number }
  | { readonly kind: 'block'; readonly offset: number };

/** The refcounts as they stand in the image. */
export class StoredRefcounts {
  /** Entries of the refcount table. */
  readonly blocks: number;
  /** Clusters that a block counts. */
  readonly perBlock: number;
  readonly #context: CheckContext;
  readonly #table: DataView;
  readonly #pageLength: number;
  readonly #perPage: number;
  #last: RefcountPage | undefined;
  readonly #pages = new Map<number, RefcountPage>();

  /** Reads the refcount table. */
  static async load(context: CheckContext): Promise<StoredRefcounts> {
    const { refcountTableClusters, refcountTableOffset, clusterSize } = context.header;
    const table = new Uint8Array(refcountTableClusters * clusterSize);
    await context.readTable(refcountTableOffset, table);
    return new StoredRefcounts(context, table);
  }

  private constructor(context: CheckContext, table: Uint8Array) {
    const { clusterSize } = context.header;
    this.#context = context;
    this.#table = viewOf(table);
    this.#pageLength = Math.min(largestPage, clusterSize);
    this.#perPage = (this.#pageLength * 8) / context.width.bits;
    this.blocks = table.length / 8;
    this.perBlock = (clusterSize * 8) / context.width.bits;
  }

  place(block: number): BlockPlace {
    if (block >= this.blocks) return { kind: 'none' };
    const entry = getUint64(this.#table, block * 8);
    const low = entry % 512;
    const offset = entry - low;
    const aligned = offset % this.#context.header.clusterSize === 0;
    if (low !== 0) return { kind: 'invalid', why: 'has bits set that must not be', readable: aligned, offset };
    if (!aligned || offset >= addressLimit) {
      return { kind: 'invalid', why: 'points at no cluster', readable: false, offset };
    }
    return offset === 0 ? { kind: 'none' } : { kind: 'block', offset };
  }

  /** The first cluster whose refcount is on another page, or in another block when there is no page. */
  pageEnd(cluster: number): number {
    const block = Math.floor(cluster / this.perBlock);
    if (block >= this.blocks) return Number.MAX_SAFE_INTEGER;
    const place = this.place(block);
    const step = place.kind === 'none' ? this.perBlock : this.#perPage;
    return (Math.floor(cluster / step) + 1) * step;
  }

  /** The page with a cluster's refcount; `none` when the refcount is 0 for want of a block, `unreadable` when it cannot be read. */
  page(cluster: number): RefcountPage | 'none' | 'unreadable' | Promise<RefcountPage> {
    const place = this.place(Math.floor(cluster / this.perBlock));
    if (place.kind === 'none' || place.offset === 0) return 'none';
    if (place.kind === 'invalid' && !place.readable) return 'unreadable';
    const index = Math.floor((cluster % this.perBlock) / this.#perPage);
    const offset = place.offset + index * this.#pageLength;
    const first = cluster - (cluster % this.#perPage);
    const cached = this.#pages.get(first);
    return cached ?? this.#load(first, offset);
  }

  /** A cluster's refcount; nothing when it cannot be read. */
  get(cluster: number): number | undefined | Promise<number> {
    const last = this.#last;
    // What is looked for is most often next to what was looked for before.
    if (last !== undefined && cluster >= last.first && cluster < last.first + this.#perPage) {
      return this.#context.width.getAtMost(last.bytes, cluster - last.first);
    }
    const page = this.page(cluster);
    if (page === 'none') return 0;
    if (page === 'unreadable') return undefined;
    const { getAtMost } = this.#context.width;
    if (page instanceof Promise) return page.then(({ bytes, first }) => getAtMost(bytes, cluster - first));
    this.#last = page;
    return getAtMost(page.bytes, cluster - page.first);
  }

  async #load(first: number, offset: number): Promise<RefcountPage> {
    const page = { first, offset, bytes: new Uint8Array(this.#pageLength) };
    await this.#context.readTable(offset, page.bytes);
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size < cachedPages) break;
      this.#pages.delete(oldest);
    }
    this.#pages.set(first, page);
    this.#last = page;
    return page;
  }
}
