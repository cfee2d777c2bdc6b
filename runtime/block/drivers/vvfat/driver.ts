import type { BlockDriver, BlockStatus, DriverInstance, NodeFlags, OpenContext, Reopening } from '../../driver.js';
import { BlockError } from '../../error.js';
import { sectorSize } from '../../limits.js';
import { nothingToSwitch } from '../shared/reopening.js';
import { firstIndex } from '../shared/search.js';
import { geometryOf } from './geometry.js';
import { HostFiles } from './host-files.js';
import { parseFatName, takeVolumeOptions } from './options.js';
import { scanFolder } from './scan.js';
import { layOut, type Piece } from './volume.js';

/**
 * `vvfat`: a folder of the host as a disk with FAT. Read-only; what changes in the folder while it is open is undefined.
 *
 * Options: `dir`, `fat-type` (12, 16 or 32), `floppy`, `label`. As a file name: `fat:[12:|16:|32:][floppy:]DIR`.
 */
export const vvfat: BlockDriver = {
  name: 'vvfat',
  kind: 'protocol',
  prefixes: ['fat'],
  parseFilename: parseFatName,
  async open({ options, host }: OpenContext): Promise<DriverInstance> {
    const taken = takeVolumeOptions(options);
    const geometry = geometryOf(taken);
    const root = await scanFolder(taken.folder, host);
    return new FolderDisk(geometry.total * sectorSize, layOut(root, geometry, taken.label), new HostFiles(host));
  },
};

class FolderDisk implements DriverInstance {
  readonly length: number;
  readonly forcesReadOnly = true;
  readonly #pieces: readonly Piece[];
  readonly #files: HostFiles;

  constructor(length: number, pieces: readonly Piece[], files: HostFiles) {
    this.length = length;
    this.#pieces = pieces;
    this.#files = files;
  }

  async read(offset: number, buffer: Uint8Array): Promise<void> {
    const end = offset + buffer.length;
    let done = offset;
    for (let index = this.#firstAfter(offset); done < end; index++) {
      const piece = this.#pieces[index];
      const start = Math.min(end, Math.max(done, piece?.start ?? end));
      buffer.fill(0, done - offset, start - offset);
      done = start;
      if (piece === undefined || done === end) continue;
      const part = buffer.subarray(done - offset, Math.min(end, piece.start + piece.length) - offset);
      const inside = done - piece.start;
      if (piece.from instanceof Uint8Array) part.set(piece.from.subarray(inside, inside + part.length));
      else await this.#files.read(piece.from.path, inside, part);
      done += part.length;
    }
  }

  async blockStatus(offset: number, length: number): Promise<BlockStatus> {
    const { start, length: own } = this.#pieces[this.#firstAfter(offset)] ?? { start: this.length, length: 0 };
    const data = start <= offset;
    const known = Math.min(length, data ? start + own - offset : start - offset);
    return { length: known, allocated: true, data, zero: !data };
  }

  async prepareReopen({ readOnly }: NodeFlags): Promise<Reopening> {
    if (!readOnly) throw new BlockError("Driver 'vvfat' cannot write", { code: 'EACCES' });
    return nothingToSwitch;
  }

  close(): Promise<void> {
    return this.#files.close();
  }

  /** The index of the first piece that ends behind an offset. */
  #firstAfter(offset: number): number {
    return firstIndex(this.#pieces.length, (index) => {
      const { start = 0, length = 0 } = this.#pieces[index] ?? {};
      return start + length > offset;
    });
  }
}
