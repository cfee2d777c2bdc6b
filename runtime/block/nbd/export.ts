/** A stretch of an export in one state, as `base:allocation` tells it. */
export interface NbdExtent {
  /** Bytes, at least 1. */
  readonly length: number;
  /** Nothing is allocated for it. */
  readonly hole: boolean;
  /** It reads as zeroes. */
  readonly zero: boolean;
}

/** A stretch of an export in one state of a metadata context. */
export interface NbdState {
  /** Bytes, at least 1. */
  readonly length: number;
  /** What the context has for it: 32 bits. */
  readonly state: number;
}

/** Something that an export tells of its contents, besides `base:allocation`. */
export interface NbdContext {
  /** `qemu:dirty-bitmap:b0`, for instance. */
  readonly name: string;
  /**
   * The states from `offset` on: at least one, none beginning beyond `offset + length`.
   *
   * @param one the client asks for the first state only
   */
  status(offset: number, length: number, options: { one: boolean }): Promise<readonly NbdState[]>;
}

/**
 * A disk that NBD clients can use by name. Offsets and lengths are bytes; the server has checked that they lie inside.
 * A failing method rejects; an error whose `code` is one of the protocol's names (`EPERM`, `ENOSPC`, …) reaches the client as that.
 */
export interface NbdExport {
  readonly name: string;
  readonly description?: string;
  /** Bytes, fixed while the export exists. */
  readonly size: number;
  readonly readOnly: boolean;
  /** Block sizes reported to clients: powers of two. */
  readonly blockSize: { readonly minimum: number; readonly preferred: number };
  /** What else clients may ask about it. Default: nothing. */
  readonly contexts?: readonly NbdContext[];
  /** Fills a buffer, all of it. */
  read(offset: number, buffer: Uint8Array): Promise<void>;
  /** `data` does not change until it is done, but may then. */
  write(offset: number, data: Uint8Array, options: { fua: boolean }): Promise<void>;
  writeZeroes(offset: number, length: number, options: { unmap: boolean; fua: boolean; fast: boolean }): Promise<void>;
  trim(offset: number, length: number, options: { fua: boolean }): Promise<void>;
  /** Reads a stretch into caches. Absent: there are none. */
  cache?(offset: number, length: number): Promise<void>;
  /** Everything written before is on the disk when it resolves. */
  flush(): Promise<void>;
  /**
   * The extents from `offset` on: at least one, none beginning beyond `offset + length`.
   *
   * @param one the client asks for the first extent only
   */
  blockStatus(offset: number, length: number, options: { one: boolean }): Promise<readonly NbdExtent[]>;
}
