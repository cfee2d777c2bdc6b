/* The packets of TFTP: RFC 1350, with options as in RFC 2347 to 2349 and 7440. */

const opcodes = { read: 1, data: 3, acknowledge: 4, error: 5, options: 6 };

/** What can be agreed on. */
export interface TransferOptions {
  /** Bytes of a block. */
  readonly blockSize: number;
  /** Blocks that are sent before the next acknowledgement. */
  readonly window: number;
  /** Bytes of the file; absent where the server does not tell. */
  readonly size?: number | undefined;
}

/** What a server sends. */
export type ServerPacket =
  | { readonly kind: 'data'; readonly block: number; readonly data: Buffer }
  | { readonly kind: 'options'; readonly options: ReadonlyMap<string, string> }
  | { readonly kind: 'error'; readonly code: number; readonly message: string };

/** Asks for a file. @param wanted absent: without options */
export function readRequest(path: string, wanted: TransferOptions | undefined): Buffer {
  const options =
    wanted === undefined ? [] : ['tsize', 0, 'blksize', wanted.blockSize, 'windowsize', wanted.window].map(String);
  const words = [path, 'octet', ...options].flatMap((word) => [Buffer.from(word), Buffer.alloc(1)]);
  return Buffer.concat([number16(opcodes.read), ...words]);
}

export function acknowledgement(block: number): Buffer {
  return Buffer.concat([number16(opcodes.acknowledge), number16(block)]);
}

/** Tells that a transfer is over. */
export function errorPacket(code: number, message: string): Buffer {
  return Buffer.concat([number16(opcodes.error), number16(code), Buffer.from(message), Buffer.alloc(1)]);
}

/** @returns nothing when it is no packet of a server */
export function parsePacket(packet: Buffer): ServerPacket | undefined {
  if (packet.length < 4) return undefined;
  const opcode = packet.readUInt16BE(0);
  const number = packet.readUInt16BE(2);
  if (opcode === opcodes.data) return { kind: 'data', block: number, data: packet.subarray(4) };
  if (opcode === opcodes.error) return { kind: 'error', code: number, message: words(packet.subarray(4))[0] ?? '' };
  if (opcode !== opcodes.options) return undefined;
  const list = words(packet.subarray(2));
  const options = new Map<string, string>();
  for (let at = 0; at + 1 < list.length; at += 2) options.set((list[at] ?? '').toLowerCase(), list[at + 1] ?? '');
  return { kind: 'options', options };
}

function words(bytes: Buffer): string[] {
  return bytes.toString().split('\0').slice(0, -1);
}

function number16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
