/** Modifies a request. Combined with `|`. */
export const RequestFlag = {
  /** The data is on the disk, not in a cache, before the request is done. */
  fua: 1,
  /** A zero-write may deallocate. */
  mayUnmap: 2,
  /** A zero-write fails with ENOTSUP rather than writing buffers full of zeroes. */
  noFallback: 4,
  /** A read does not wait for serialising requests, nor is it copied on read: for what runs inside such a request. */
  noSerialising: 8,
  /** A read copies into this node what it takes from the backing chain. */
  copyOnRead: 16,
  /** A write stores its data compressed. Whole clusters only. */
  compressed: 32,
  /** A read with `copyOnRead` is for the copying only: the buffer is not filled. */
  prefetch: 64,
  /** A write runs alone where it overlaps others: what is read beside it is all from before it, or all from after it. */
  serialising: 128,
} as const;
