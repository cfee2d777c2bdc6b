import {
  type BlockDriver,
  type BlockStatus,
  type Child,
  type DriverInfo,
  type DriverInstance,
  type OpenContext,
  type Reopening,
  RequestFlag,
} from '../driver.js';
import { BlockError } from '../error.js';
import { roundUp, sectorSize } from '../limits.js';
import { nothingToSwitch } from './shared/reopening.js';

/** An image without a format: the file is the disk. What is missing of its last sector reads as zeroes. */
class RawInstance implements DriverInstance {
  /** It is handed on. */
  readonly writeFlags = RequestFlag.fua;
  protected readonly file: Child;

  constructor(file: Child) {
    this.file = file;
  }

  get info(): DriverInfo | undefined {
    return this.file.node.info;
  }

  get length(): number {
    return roundUp(this.file.node.length, sectorSize);
  }

  get requestAlignment(): number {
    return this.file.node.requestAlignment;
  }

  read(offset: number, buffer: Uint8Array): Promise<void> {
    this.file.debug('read_aio');
    return this.file.read(offset, buffer);
  }

  write(offset: number, data: Uint8Array, flags: number): Promise<void> {
    this.file.debug('write_aio');
    return this.file.write(offset, data, flags);
  }

  writeZeroes(offset: number, length: number, flags: number): Promise<void> {
    return this.file.writeZeroes(offset, length, flags);
  }

  discard(offset: number, length: number): Promise<void> {
    return this.file.discard(offset, length);
  }

  async blockStatus(offset: number, length: number): Promise<BlockStatus> {
    const { file } = this;
    const { offset: _, ...status } = await file.blockStatus(offset, length);
    return { ...status, allocated: true, offset, file };
  }

  truncate(size: number): Promise<void> {
    return this.file.truncate(size);
  }

  async prepareReopen(): Promise<Reopening> {
    return nothingToSwitch;
  }

  async close(): Promise<void> {}
}

/**
 * A raw image that is one only because its data looked like nothing else. A guest that could write the header of another format
 * to it would choose what is opened next time, with any backing file of the host: so it cannot.
 */
class ProbedRawInstance extends RawInstance {
  readonly #formatOf: (head: Uint8Array) => string;

  constructor(file: Child, formatOf: (head: Uint8Array) => string) {
    super(file);
    this.#formatOf = formatOf;
  }

  /** Formats are recognised by the first sector: it comes whole. */
  override get requestAlignment(): number {
    return Math.max(sectorSize, super.requestAlignment);
  }

  override async write(offset: number, data: Uint8Array, flags: number): Promise<void> {
    if (offset === 0) {
      const format = this.#formatOf(data.subarray(0, sectorSize));
      if (format !== 'raw') {
        throw new BlockError(
          `The first sector would make this an image of format '${format}'; give driver 'raw' explicitly to allow that`,
          { code: 'EPERM' },
        );
      }
    }
    await super.write(offset, data, flags);
  }
}

/** The driver for images without a format. */
export const rawDriver: BlockDriver = {
  name: 'raw',
  kind: 'format',
  isPlainFile: true,
  changeable: [],
  childPermissions: (own) => own,
  // Anything can be a raw image: all other formats come first.
  probe: () => 1,
  open: async (context) => open(context),
  // The protocol driver has made the file, and taken the options.
  create: async () => {},
};

function open(context: OpenContext): RawInstance {
  const { file, host, node, probe } = context;
  if (!context.probed || probe === undefined) return new RawInstance(file);
  const { filename } = file.node;
  if (!node.flags.readOnly) {
    host.warn(
      `The format of image '${filename}' was not given, and nothing but 'raw' fits. The first sector can only be written ` +
        "with what looks like no other format; give driver 'raw' explicitly to allow everything",
    );
  }
  return new ProbedRawInstance(file, (head) => probe(head, filename));
}
