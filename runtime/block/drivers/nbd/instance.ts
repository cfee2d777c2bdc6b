import type { BlockStatus, DriverInstance, NodeFlags, Reopening } from '../../driver.js';
import { BlockError, invalid, ioError } from '../../error.js';
import { roundDown, sectorSize } from '../../limits.js';
import { Command, CommandFlag, ExportFlag, ExtentState } from '../../nbd/protocol.js';
import { RequestFlag } from '../../request-flag.js';
import { nothingToSwitch } from '../shared/reopening.js';
import type { NbdDisk } from './disk.js';
import type { NbdOptions } from './options.js';
import { inPieces } from './pieces.js';

/** The most bytes that a request without data may be about, unless its header is extended. */
const longest = 2 ** 31;

/** An export as a node. */
export class NbdInstance implements DriverInstance {
  readonly length: number;
  readonly requestAlignment: number;
  readonly writeFlags: number;
  readonly #disk: NbdDisk;
  readonly #options: NbdOptions;

  constructor(disk: NbdDisk, options: NbdOptions) {
    this.#disk = disk;
    this.#options = options;
    const { size, minimum } = disk.agreement;
    this.length = size;
    // A server that does not say takes whole sectors at least, and parts of them if its export has one.
    this.requestAlignment = minimum ?? (size % sectorSize === 0 ? sectorSize : 1);
    this.writeFlags = disk.can(ExportFlag.fua) ? RequestFlag.fua : 0;
  }

  read(offset: number, buffer: Uint8Array): Promise<void> {
    const target = Buffer.from(buffer.buffer, buffer.byteOffset, buffer.length);
    return this.#transfer(offset, buffer.length, (at, length) =>
      this.#disk.request({
        type: Command.read,
        flags: 0,
        offset: at,
        length,
        target: target.subarray(at - offset, at - offset + length),
      }),
    );
  }

  write(offset: number, data: Uint8Array, flags: number): Promise<void> {
    this.#expectInside(offset, data.length);
    return this.#transfer(offset, data.length, (at, length) =>
      this.#disk.request({
        type: Command.write,
        flags: fuaOf(flags),
        offset: at,
        length,
        payload: data.subarray(at - offset, at - offset + length),
      }),
    );
  }

  async writeZeroes(offset: number, length: number, flags: number): Promise<void> {
    if (!this.#disk.can(ExportFlag.writeZeroes)) throw ioError('ENOTSUP');
    const fast = (flags & RequestFlag.noFallback) !== 0;
    if (fast && !this.#disk.can(ExportFlag.fastZero)) throw ioError('ENOTSUP');
    this.#expectInside(offset, length);
    const all =
      fuaOf(flags) | (flags & RequestFlag.mayUnmap ? 0 : CommandFlag.noHole) | (fast ? CommandFlag.fastZero : 0);
    const { framing, maximum } = this.#disk.agreement;
    const most = framing === 'extended' ? Number.POSITIVE_INFINITY : maximum;
    await inPieces(offset, length, most, (at, size) =>
      this.#disk.request({ type: Command.writeZeroes, flags: all, offset: at, length: size }),
    );
  }

  async discard(offset: number, length: number): Promise<void> {
    if (!this.#disk.can(ExportFlag.trim)) throw ioError('ENOTSUP');
    const inside = Math.min(length, this.length - offset);
    await inPieces(offset, inside, this.#longest, (at, size) =>
      this.#disk.request({ type: Command.trim, flags: 0, offset: at, length: size }),
    );
  }

  async flushToDisk(): Promise<void> {
    // A server that has no flush has nothing to flush.
    if (!this.#disk.can(ExportFlag.flush)) return;
    await this.#disk.request({ type: Command.flush, flags: 0, offset: 0, length: 0 });
  }

  async blockStatus(offset: number, length: number): Promise<BlockStatus> {
    const wanted = Math.min(length, this.#longest);
    if (this.#disk.agreement.contextId === undefined)
      return { length, allocated: true, data: true, zero: false, offset };
    const extent = await this.#disk.request({
      type: Command.blockStatus,
      flags: CommandFlag.requestOne,
      offset,
      length: wanted,
    });
    const { length: told = 0, state = 0 } = extent ?? {};
    const whole = roundDown(Math.min(told, wanted), this.requestAlignment);
    // A block that is in several states has data.
    if (whole === 0) return { length: this.requestAlignment, allocated: true, data: true, zero: false, offset };
    return {
      length: whole,
      allocated: true,
      data: (state & ExtentState.hole) === 0,
      zero: (state & ExtentState.zero) !== 0,
      offset,
    };
  }

  /** An export has the size that its server gives it; to be used in part only is up to the user. */
  async truncate(size: number): Promise<void> {
    if (size > this.length) throw invalid('An NBD export cannot be made larger by its clients');
  }

  get forcesReadOnly(): boolean {
    return this.#disk.can(ExportFlag.readOnly);
  }

  async prepareReopen({ readOnly }: NodeFlags): Promise<Reopening> {
    checkWritable(this.#disk, readOnly, this.#options);
    return nothingToSwitch;
  }

  effectiveOptions(): NbdOptions['shown'] {
    return this.#options.shown;
  }

  exactFilename(): string | undefined {
    return this.#options.exactFilename;
  }

  giveUpWaiting(): void {
    this.#disk.giveUpWaiting();
  }

  async close(): Promise<void> {
    this.#disk.close();
  }

  /** The most bytes that a trim or a request for block status may be about. */
  get #longest(): number {
    return this.#disk.agreement.framing === 'extended' ? Number.POSITIVE_INFINITY : longest;
  }

  #transfer(offset: number, length: number, run: (offset: number, length: number) => Promise<unknown>): Promise<void> {
    return inPieces(offset, length, this.#disk.agreement.maximum, run);
  }

  #expectInside(offset: number, length: number): void {
    if (offset + length > this.length) throw ioError('ENOSPC');
  }
}

function fuaOf(flags: number): number {
  return flags & RequestFlag.fua ? CommandFlag.fua : 0;
}

/** @throws BlockError (EACCES) when an export that cannot be written is to be */
export function checkWritable(disk: NbdDisk, readOnly: boolean, { exportName }: NbdOptions): void {
  if (readOnly || !disk.can(ExportFlag.readOnly)) return;
  throw new BlockError(`Export '${exportName}' is read-only: open the node with 'read-only' on`, { code: 'EACCES' });
}
