import type { BlockDriver, BlockStatus, Child, DriverInstance, NodeFlags, OpenContext, Reopening } from '../driver.js';
import type { DriverInfo } from '../driver-info.js';
import { BlockError, invalid, ioError } from '../error.js';
import { roundUp, sectorSize } from '../limits.js';
import type { BlockOptions } from '../options.js';
import { Permission, type Permissions } from '../permissions.js';
import { RequestFlag } from '../request-flag.js';
import { nothingToSwitch } from './shared/reopening.js';

/** The part of the file that is the disk. */
interface FilePart {
  readonly offset: number;
  /** Absent: up to the end of the file. */
  readonly size?: number;
}

/** Takes the options `offset` and `size`. @throws BlockError when the file has no such part */
function takePart(options: BlockOptions, file: Child): FilePart {
  const offset = options.takeSize('offset') ?? 0;
  const size = options.takeSize('size');
  const { length } = file.node;
  if (offset > length) {
    throw invalid(`Offset (${offset}) cannot be greater than size of the containing file (${length})`);
  }
  if (size === undefined) return { offset };
  if (size % sectorSize !== 0) throw invalid(`Specified size is not multiple of ${sectorSize}`);
  if (size > length - offset) {
    throw invalid(
      `The sum of offset (${offset}) and size (${size}) has to be smaller or equal to the actual size of the containing file (${length})`,
    );
  }
  return { offset, size };
}

/** An image without a format: the file, or a part of it, is the disk. What is missing of its last sector reads as zeroes. */
class RawInstance implements DriverInstance {
  /** It is handed on. */
  readonly writeFlags = RequestFlag.fua;
  protected readonly file: Child;
  #part: FilePart;
  /** As in QEMU, reopening does not change it. */
  readonly #openedAsPart: boolean;

  constructor(file: Child, part: FilePart) {
    this.file = file;
    this.#part = part;
    this.#openedAsPart = part.offset !== 0 || part.size !== undefined;
  }

  /** What follows a part of a file is not this disk: no other user may move the file's end. */
  childPermissions({ uses, shares }: Permissions): Permissions {
    return { uses, shares: this.#openedAsPart ? shares & ~Permission.resize : shares };
  }

  get info(): DriverInfo | undefined {
    return this.file.node.info;
  }

  get length(): number {
    const { offset, size } = this.#part;
    return roundUp(size ?? Math.max(0, this.file.node.length - offset), sectorSize);
  }

  get requestAlignment(): number {
    return this.file.node.requestAlignment;
  }

  read(offset: number, buffer: Uint8Array): Promise<void> {
    this.file.debug('read_aio');
    return this.file.read(this.#part.offset + offset, buffer);
  }

  async write(offset: number, data: Uint8Array, flags: number): Promise<void> {
    this.file.debug('write_aio');
    this.#checkRoom(offset, data.length);
    return this.file.write(this.#part.offset + offset, data, flags);
  }

  async writeZeroes(offset: number, length: number, flags: number): Promise<void> {
    this.#checkRoom(offset, length);
    return this.file.writeZeroes(this.#part.offset + offset, length, flags);
  }

  async discard(offset: number, length: number): Promise<void> {
    this.#checkRoom(offset, length);
    return this.file.discard(this.#part.offset + offset, length);
  }

  /** A part of a file does not grow: what follows is not this disk. @throws BlockError (ENOSPC) */
  #checkRoom(offset: number, length: number): void {
    const { size = Number.POSITIVE_INFINITY } = this.#part;
    if (offset + length > size) throw ioError('ENOSPC');
  }

  async blockStatus(offset: number, length: number): Promise<BlockStatus> {
    const { file } = this;
    const inFile = this.#part.offset + offset;
    const { offset: _, ...status } = await file.blockStatus(inFile, length);
    // What the file does not have, as an image with a backing file may not, is not here either.
    return { ...status, offset: inFile, file };
  }

  async truncate(size: number): Promise<void> {
    if (this.#part.size !== undefined) throw new BlockError('Cannot resize fixed-size raw disks', { code: 'ENOTSUP' });
    await this.file.truncate(this.#part.offset + size);
  }

  async prepareReopen(_flags: NodeFlags, options?: BlockOptions): Promise<Reopening> {
    if (options === undefined) return nothingToSwitch;
    const part = takePart(options, this.file);
    return {
      commit: async () => {
        this.#part = part;
      },
      async abort() {},
    };
  }

  async close(): Promise<void> {}
}

/**
 * A raw image that is one only because its data looked like nothing else. A guest that could write the header of another format
 * to it would choose what is opened next time, with any backing file of the host: so it cannot.
 */
class ProbedRawInstance extends RawInstance {
  readonly #formatOf: (head: Uint8Array) => string;

  constructor(file: Child, part: FilePart, formatOf: (head: Uint8Array) => string) {
    super(file, part);
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
  changeable: ['offset', 'size'],
  childPermissions: (own) => own,
  // Anything can be a raw image: all other formats come first.
  probe: () => 1,
  open: async (context) => open(context),
  // The protocol driver has made the file, and taken the options.
  create: async () => {},
};

function open(context: OpenContext): RawInstance {
  const { file, host, node, options, probe } = context;
  const part = takePart(options, file);
  if (!context.probed || probe === undefined) return new RawInstance(file, part);
  const { filename } = file.node;
  if (!node.flags.readOnly) {
    host.warn(
      `The format of image '${filename}' was not given, and nothing but 'raw' fits. The first sector can only be written ` +
        "with what looks like no other format; give driver 'raw' explicitly to allow everything",
    );
  }
  return new ProbedRawInstance(file, part, (head) => probe(head, filename));
}
