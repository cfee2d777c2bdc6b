import type { BlockdevAmendOptions, ImageInfoSpecific } from '../../../../generated/index.js';
import type { AmendRequest, BlockDriver, Child, DriverInstance, OpenContext } from '../../driver.js';
import { BlockError, ioError } from '../../error.js';
import { roundDown, sectorSize } from '../../limits.js';
import { Permission } from '../../permissions.js';
import { RequestFlag } from '../../request-flag.js';
import { amendSlots } from './amend.js';
import { createLuks } from './create.js';
import { headerLength, isLuks, type LuksHeader, readHeader } from './header.js';
import { unlock } from './key-slots.js';
import { passphraseOf } from './passphrase.js';
import { sectorCipher } from './sector-cipher.js';
import type { SectorCipher } from './sector-transform.js';

/** Bytes that are encrypted or decrypted before other requests get their turn. */
const pieceLength = 1 << 20;

/**
 * `luks`: volumes that are encrypted, as `cryptsetup` and QEMU make them, in version 1 of the format. Option: `key-secret`, the
 * id of a secret with a passphrase. AES only.
 */
export const luks: BlockDriver = {
  name: 'luks',
  kind: 'format',
  probe: (head) => (isLuks(head) ? 100 : 0),
  // The header is only written while key slots change, and the data is as long as the file.
  childPermissions: (own, { readsData, amended }) => {
    const { consistentRead, write } = Permission;
    const uses = own.uses | (readsData ? consistentRead : 0);
    return amended ? { uses: uses | write, shares: own.shares & ~(consistentRead | write) } : { ...own, uses };
  },
  open: openLuks,
  create: createLuks,
};

async function openLuks({ file, options, noIo, host }: OpenContext): Promise<DriverInstance> {
  const keySecret = options.takeString('key-secret');
  const bytes = new Uint8Array(headerLength);
  await file.read(0, bytes);
  const header = readHeader(bytes, file.node.length);
  if (noIo) return new LuksVolume(file, header, undefined, keySecret);
  const key = await unlock(file, header, await passphraseOf(host, keySecret));
  try {
    return new LuksVolume(file, header, sectorCipher(header.cipher, key), keySecret);
  } finally {
    key.fill(0);
  }
}

class LuksVolume implements DriverInstance {
  readonly requestAlignment = sectorSize;
  readonly leastBlock = 1;
  readonly writeFlags = RequestFlag.fua;
  readonly encrypted = true;
  readonly info = {};
  readonly #file: Child;
  #header: LuksHeader;
  readonly #cipher: SectorCipher | undefined;
  readonly #keySecret: string | undefined;

  constructor(file: Child, header: LuksHeader, cipher: SectorCipher | undefined, keySecret: string | undefined) {
    this.#file = file;
    this.#header = header;
    this.#cipher = cipher;
    this.#keySecret = keySecret;
  }

  /** Whole sectors: a part of one cannot be decrypted. */
  get length(): number {
    const length = this.#file.node.length - this.#header.payloadOffset;
    if (length < 0) throw ioError('EIO');
    return roundDown(length, sectorSize);
  }

  async read(offset: number, buffer: Uint8Array): Promise<void> {
    const { decrypt } = this.#unlocked();
    for (let at = 0; at < buffer.length; at += pieceLength) {
      const piece = buffer.subarray(at, at + pieceLength);
      await this.#file.read(this.#header.payloadOffset + offset + at, piece);
      decrypt((offset + at) / sectorSize, piece, piece);
    }
  }

  async write(offset: number, data: Uint8Array, flags: number): Promise<void> {
    const { encrypt } = this.#unlocked();
    const encrypted = Buffer.allocUnsafe(Math.min(data.length, pieceLength));
    for (let at = 0; at < data.length; at += pieceLength) {
      const piece = data.subarray(at, at + pieceLength);
      const target = encrypted.subarray(0, piece.length);
      encrypt((offset + at) / sectorSize, piece, target);
      await this.#file.write(this.#header.payloadOffset + offset + at, target, flags & RequestFlag.fua);
    }
  }

  async truncate(size: number): Promise<void> {
    await this.#file.truncate(this.#header.payloadOffset + size);
  }

  async amend(options: BlockdevAmendOptions, { force, host }: AmendRequest): Promise<void> {
    if (options.driver !== 'luks') throw ioError('EINVAL');
    const volume = { file: this.#file, header: this.#header, keySecret: this.#keySecret };
    try {
      await amendSlots(volume, options, force, host);
    } finally {
      this.#header = volume.header;
    }
  }

  specificInfo(): ImageInfoSpecific {
    const { cipher, hash, payloadOffset, digestIterations, uuid, slots } = this.#header;
    return {
      type: 'luks',
      data: {
        'cipher-alg': cipher.algorithm,
        'cipher-mode': cipher.mode,
        'ivgen-alg': cipher.ivGenerator,
        ...(cipher.ivHash !== undefined && { 'ivgen-hash-alg': cipher.ivHash }),
        'hash-alg': hash,
        'detached-header': false,
        'payload-offset': payloadOffset,
        'master-key-iters': digestIterations,
        uuid,
        slots: slots.map(({ active, iterations, offset, stripes }) => ({
          active,
          ...(active && { iters: iterations, stripes }),
          'key-offset': offset,
        })),
      },
    };
  }

  async close(): Promise<void> {}

  #unlocked(): SectorCipher {
    if (this.#cipher !== undefined) return this.#cipher;
    throw new BlockError('The LUKS volume was opened without its key, for its header only', { code: 'EPERM' });
  }
}
