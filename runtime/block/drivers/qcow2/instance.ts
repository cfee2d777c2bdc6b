import type { BlockdevAmendOptions, ImageInfoSpecific } from '../../../../generated/index.js';
import type { InternalSnapshots, PersistentBitmaps } from '../../abilities.js';
import type { AmendRequest, BackingFile, BlockStatus, DriverInstance, NodeFlags, Reopening } from '../../driver.js';
import type { DriverInfo } from '../../driver-info.js';
import { blockErrorOf, invalid, ioError } from '../../error.js';
import type { BlockOptions } from '../../options.js';
import { amendSlots } from '../shared/luks/amend.js';
import { beforeChange } from './autoclear.js';
import { persistentBitmaps } from './bitmaps/kept.js';
import { storeBitmaps } from './bitmaps/store.js';
import { Encryption, IncompatibleFeature, serialiseHeader } from './format/header.js';
import type { Settings } from './format/options.js';
import { snapshotInfoOf } from './format/snapshot-table.js';
import { guestOffset } from './format/units.js';
import { lazyRefcounts, settingsFor } from './open.js';
import { refuseBehindRaw } from './open-data.js';
import { prepareReopen } from './reopen.js';
import { writeCompressed } from './request/compressed-write.js';
import { makeEmpty } from './request/empty.js';
import { read } from './request/read.js';
import { resize } from './request/resize.js';
import { blockStatus } from './request/status.js';
import { write } from './request/write.js';
import { discard, writeZeroes } from './request/zero.js';
import { createSnapshot, deleteSnapshot } from './snapshots.js';
import { finish, writeCaches } from './space/flush.js';
import type { Image } from './space/image.js';
import { specificInfo } from './specific-info.js';

const second = 1e9;

/** One open qcow2 image, as the block layer sees it. */
export class Qcow2Instance implements DriverInstance {
  readonly requestAlignment = 512;
  readonly leastBlock = 1;
  readonly zeroAlignment: number;
  readonly snapshots: InternalSnapshots;
  readonly bitmaps: PersistentBitmaps;
  readonly #image: Image;
  #cleaning: { cancel(): void } | undefined;

  constructor(image: Image) {
    this.#image = image;
    this.zeroAlignment = image.unit;
    this.snapshots = {
      list: () => image.snapshots.map(snapshotInfoOf),
      create: (snapshot) => createSnapshot(image, snapshot),
      delete: (id) => deleteSnapshot(image, id),
    };
    this.bitmaps = persistentBitmaps(image);
    this.#scheduleCleaning();
  }

  get length(): number {
    return this.#image.header.size;
  }

  get encrypted(): boolean {
    return this.#image.header.encryption !== Encryption.none;
  }

  get backingFile(): BackingFile | undefined {
    return this.#image.header.backing;
  }

  get info(): DriverInfo {
    const { clusterSize, header } = this.#image;
    return {
      clusterSize,
      dirty: (header.incompatible & IncompatibleFeature.dirty) !== 0,
      unallocatedIsZero: true,
    };
  }

  read(offset: number, buffer: Uint8Array): Promise<void> {
    return read(this.#image, guestOffset(offset), buffer);
  }

  write(offset: number, data: Uint8Array): Promise<void> {
    return this.#change(() => write(this.#image, guestOffset(offset), data));
  }

  writeZeroes(offset: number, length: number, flags: number): Promise<void> {
    return this.#change(() => writeZeroes(this.#image, guestOffset(offset), length, flags));
  }

  discard(offset: number, length: number): Promise<void> {
    return this.#change(() => discard(this.#image, guestOffset(offset), length));
  }

  flushToOs(): Promise<void> {
    return writeCaches(this.#image);
  }

  /** The layer flushes the image's own file only. */
  flushToDisk(): Promise<void> {
    return this.#image.flushData();
  }

  blockStatus(offset: number, length: number): Promise<BlockStatus> {
    return blockStatus(this.#image, guestOffset(offset), length);
  }

  writeCompressed(offset: number, data: Uint8Array): Promise<void> {
    return this.#change(() => writeCompressed(this.#image, guestOffset(offset), data));
  }

  truncate(size: number): Promise<void> {
    return this.#change(() => resize(this.#image, size));
  }

  /** The new header is written as a whole, or, when it does not fit, not at all. */
  async changeBackingFile(backing: BackingFile | undefined): Promise<void> {
    const image = this.#image;
    refuseBehindRaw(image, backing);
    const change = async (): Promise<void> => {
      image.alive();
      const { backing: _, ...rest } = image.header;
      const header = backing === undefined ? rest : { ...rest, backing };
      await image.changeHeader(header, { offset: 0, bytes: serialiseHeader(header) });
    };
    await this.#change(() => image.lock.run(change));
  }

  makeEmpty(): Promise<void> {
    return this.#change(() => makeEmpty(this.#image));
  }

  /** Only the key slots can be changed. */
  async amend(options: BlockdevAmendOptions, { force, host }: AmendRequest): Promise<void> {
    if (options.driver !== 'qcow2') throw ioError('EINVAL');
    if (options.encrypt === undefined) return;
    const { volume } = this.#image;
    if (volume === undefined) throw invalid("image is not encrypted, can't amend");
    if (options.encrypt.format !== 'luks') {
      throw invalid("Amend can't be used to change the qcow2 encryption format");
    }
    await amendSlots(volume, options.encrypt, force, host);
  }

  specificInfo(): ImageInfoSpecific {
    return specificInfo(this.#image);
  }

  async prepareReopen(flags: NodeFlags, options?: BlockOptions): Promise<Reopening> {
    const settings = options === undefined ? undefined : settingsFor(this.#image.header, options);
    const reopening = await prepareReopen(this.#image, flags);
    return {
      ...reopening,
      commit: async () => {
        if (settings !== undefined) this.#apply(settings);
        await reopening.commit();
      },
    };
  }

  async close(): Promise<void> {
    this.#cleaning?.cancel();
    const image = this.#image;
    if (!image.claimed || image.dead) return;
    try {
      await storeBitmaps(image);
    } catch (error) {
      image.host.warn(
        `qcow2: ${blockErrorOf(error).message}: the bitmaps of node '${image.node.name}' could not be stored`,
      );
    }
    await finish(image);
  }

  /** Runs what changes the image. */
  #change(work: () => Promise<void>): Promise<void> {
    const ready = beforeChange(this.#image);
    return ready === undefined ? work() : ready.then(work);
  }

  #apply(settings: Settings): void {
    const image = this.#image;
    image.settings = settings;
    image.lazyRefcounts = lazyRefcounts(image.header, settings);
    image.l2Tables.resize(settings.l2Tables);
    image.refcountBlocks.resize(settings.refcountBlocks);
    this.#cleaning?.cancel();
    this.#scheduleCleaning();
  }

  #scheduleCleaning(): void {
    const { settings, host, l2Tables, refcountBlocks } = this.#image;
    if (settings.cleanInterval === 0) return;
    this.#cleaning = host.clock.after(settings.cleanInterval * second, () => {
      l2Tables.dropUnused();
      refcountBlocks.dropUnused();
      this.#scheduleCleaning();
    });
  }
}
