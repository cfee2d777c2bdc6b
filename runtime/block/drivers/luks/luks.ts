import { type BlockdevAmendOptions, type ImageInfoSpecific, PreallocMode } from '../../../../generated/index.js';
import type { AmendRequest, BlockDriver, Child, DriverInstance, OpenContext } from '../../driver.js';
import { ioError } from '../../error.js';
import { roundDown, sectorSize } from '../../limits.js';
import { Permission } from '../../permissions.js';
import { RequestFlag } from '../../request-flag.js';
import { amendSlots } from '../shared/luks/amend.js';
import { newVolume } from '../shared/luks/create.js';
import { readEncrypted, writeEncrypted } from '../shared/luks/encrypted-data.js';
import { isLuks } from '../shared/luks/header.js';
import { infoOf } from '../shared/luks/info.js';
import { cipherOf, type LuksVolume, openVolume } from '../shared/luks/volume.js';
import { writeOutZeroes } from '../shared/zeroed.js';

/**
 * `luks`: volumes that are encrypted, as `cryptsetup` and QEMU make them, in version 1 of the format. Option: `key-secret`, the
 * id of a secret with a passphrase. AES only.
 */
export const luks: BlockDriver = {
  name: 'luks',
  kind: 'format',
  changeable: [],
  probe: (head) => (isLuks(head) ? 100 : 0),
  // The header is only written while key slots change, and the data is as long as the file.
  childPermissions: (own, { readsData, amended }) => {
    const { consistentRead, write } = Permission;
    const uses = own.uses | (readsData ? consistentRead : 0);
    return amended ? { uses: uses | write, shares: own.shares & ~(consistentRead | write) } : { ...own, uses };
  },
  async open({ file, options, noIo, host }: OpenContext) {
    const option = 'key-secret';
    const keySecret = options.takeString(option);
    return new LuksInstance(file, await openVolume(file, file.node.length, { keySecret, option, host, locked: noIo }));
  },
  async create(file, { options, host, size }) {
    const preallocation = options.takeEnum('preallocation', PreallocMode) ?? 'off';
    const volume = await newVolume(options, host);
    const { payloadOffset } = volume.header;
    await file.truncate(payloadOffset + size);
    if (preallocation === 'falloc') await file.writeZeroes(payloadOffset, size);
    else if (preallocation === 'full') await writeOutZeroes(file, payloadOffset, size);
    await volume.write(file);
  },
};

class LuksInstance implements DriverInstance {
  readonly requestAlignment = sectorSize;
  readonly leastBlock = 1;
  readonly writeFlags = RequestFlag.fua;
  readonly encrypted = true;
  readonly info = {};
  readonly #file: Child;
  readonly #volume: LuksVolume;

  constructor(file: Child, volume: LuksVolume) {
    this.#file = file;
    this.#volume = volume;
  }

  /** Whole sectors: a part of one cannot be decrypted. */
  get length(): number {
    const length = this.#file.node.length - this.#volume.header.payloadOffset;
    if (length < 0) throw ioError('EIO');
    return roundDown(length, sectorSize);
  }

  async read(offset: number, buffer: Uint8Array): Promise<void> {
    const { payloadOffset } = this.#volume.header;
    await readEncrypted(this.#file, cipherOf(this.#volume), payloadOffset, offset, buffer);
  }

  async write(offset: number, data: Uint8Array, flags: number): Promise<void> {
    const { payloadOffset } = this.#volume.header;
    await writeEncrypted(this.#file, cipherOf(this.#volume), payloadOffset, offset, data, flags & RequestFlag.fua);
  }

  async truncate(size: number): Promise<void> {
    await this.#file.truncate(this.#volume.header.payloadOffset + size);
  }

  async amend(options: BlockdevAmendOptions, { force, host }: AmendRequest): Promise<void> {
    if (options.driver !== 'luks') throw ioError('EINVAL');
    await amendSlots(this.#volume, options, force, host);
  }

  specificInfo(): ImageInfoSpecific {
    return { type: 'luks', data: infoOf(this.#volume.header) };
  }

  async close(): Promise<void> {}
}
