/*
 * Numbers of the NBD protocol: fixed-newstyle negotiation, transmission, structured replies, metadata contexts.
 * Source: the NBD protocol document (https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md).
 */

/** "NBDMAGIC", the first eight bytes that a server sends. */
export const initMagic = 0x4e42444d41474943n;
/** What a server of the old style, without any negotiation, sends next. */
export const oldstyleMagic = 0x00420281861253n;
/** "IHAVEOPT", which introduces the newstyle negotiation and every option. */
export const optionMagic = 0x49484156454f5054n;
export const optionReplyMagic = 0x0003e889045565a9n;
export const requestMagic = 0x25609513;
export const extendedRequestMagic = 0x21e41c71;
export const simpleReplyMagic = 0x67446698;
export const structuredReplyMagic = 0x668e33ef;
export const extendedReplyMagic = 0x6e8a278c;

/**
 * How requests and replies are framed, as client and server have agreed: replies are simple, or chunks of structured replies, or
 * the headers of requests and chunks are extended, with lengths in 64 bits.
 */
export type Framing = 'simple' | 'structured' | 'extended';

/** Handshake flags; the client's have the same values. */
export const HandshakeFlag = { fixedNewstyle: 1, noZeroes: 2 } as const;

export const Option = {
  exportName: 1,
  abort: 2,
  list: 3,
  startTls: 5,
  info: 6,
  go: 7,
  structuredReply: 8,
  listMetaContext: 9,
  setMetaContext: 10,
  extendedHeaders: 11,
} as const;

export const OptionReply = {
  ack: 1,
  server: 2,
  info: 3,
  metaContext: 4,
  unsupported: 0x80000001,
  policy: 0x80000002,
  invalid: 0x80000003,
  tlsRequired: 0x80000005,
  unknownExport: 0x80000006,
  tooBig: 0x80000009,
  extendedHeadersRequired: 0x8000000a,
} as const;

export const Info = { export: 0, name: 1, description: 2, blockSize: 3 } as const;

export const ExportFlag = {
  hasFlags: 1,
  readOnly: 2,
  flush: 4,
  fua: 8,
  trim: 32,
  writeZeroes: 64,
  dontFragment: 128,
  multiConnection: 256,
  cache: 1024,
  fastZero: 2048,
  blockStatusPayload: 4096,
} as const;

export const Command = {
  read: 0,
  write: 1,
  disconnect: 2,
  flush: 3,
  trim: 4,
  cache: 5,
  writeZeroes: 6,
  blockStatus: 7,
} as const;

export const CommandFlag = {
  fua: 1,
  noHole: 2,
  dontFragment: 4,
  requestOne: 8,
  fastZero: 16,
  payloadLength: 32,
} as const;

export const ChunkFlag = { done: 1 } as const;

export const Chunk = {
  none: 0,
  offsetData: 1,
  offsetHole: 2,
  blockStatus: 5,
  /** Lengths and states have 64 bits. */
  blockStatusExtended: 6,
  error: 0x8001,
} as const;
/** The bit of a chunk's type that says that it is some error, whichever. */
export const errorChunk = 0x8000;

/** States of an extent in the `base:allocation` context. */
export const ExtentState = { hole: 1, zero: 2 } as const;

/** The errors that a reply can carry. They have the numbers that Linux gives them. */
export const NbdErrno = {
  EPERM: 1,
  EIO: 5,
  ENOMEM: 12,
  EINVAL: 22,
  ENOSPC: 28,
  EOVERFLOW: 75,
  ENOTSUP: 95,
  ESHUTDOWN: 108,
} as const;

/** The bytes of a request's header. */
export const requestSize = { simple: 28, structured: 28, extended: 32 } as const;
/** The bytes of the header of a reply or of one of its chunks. */
export const replySize = { simple: 16, structured: 20, extended: 32 } as const;
/** The most bytes that one request may read or write. */
export const largestPayload = 32 * 1024 * 1024;
/** The most bytes that an option may carry; the longest useful one names an export of 4096 bytes and some contexts. */
export const largestOption = 64 * 1024;
/** The most bytes that the name of an export may have. */
export const longestName = 4096;
/** How many requests of one client are worked on at a time; further ones wait in the socket. */
export const mostInFlight = 16;

/** The metadata context that every export has: which parts are allocated and which read as zeroes. */
export const allocationContext = 'base:allocation';
/** The context that tells how many layers down data lies: 1 is the uppermost, 0 none. Source: QEMU's docs/interop/nbd.txt. */
export const depthContext = 'qemu:allocation-depth';
/** The contexts that tell what is dirty: their names end with the bitmap's. Source: as above. */
export const dirtyBitmapPrefix = 'qemu:dirty-bitmap:';

/** States of an extent in the context of a bitmap. */
export const DirtyState = { dirty: 1 } as const;

/** Reads a number of 64 bits, rounded where it is beyond 2^53. */
export function readUint64(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

/** Writes a number in 64 bits. Returns where it ends. */
export function writeUint64(bytes: Buffer, value: number, at: number): number {
  return bytes.writeUInt32BE(value % 2 ** 32, bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at));
}
