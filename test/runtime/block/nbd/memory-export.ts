import type { NbdExport, NbdExtent } from '../../../../runtime/block/nbd/export.js';

/** A disk in memory. Blocks of 4096 bytes that were never written, or were trimmed, are holes. */
export class MemoryExport implements NbdExport {
  readonly name: string;
  readonly size: number;
  readonly readOnly: boolean;
  readonly description = 'a disk in memory';
  readonly blockSize = { minimum: 1, preferred: 4096 };
  readonly data: Buffer;
  readonly allocated: Uint8Array;
  flushes = 0;
  /** Set to make the next request fail. */
  failure: Error | undefined;

  constructor(name: string, size: number, readOnly = false) {
    this.name = name;
    this.size = size;
    this.readOnly = readOnly;
    this.data = Buffer.alloc(size);
    this.allocated = new Uint8Array(Math.ceil(size / 4096));
  }

  #maybeFail(): void {
    const { failure } = this;
    this.failure = undefined;
    if (failure) throw failure;
  }

  async read(offset: number, buffer: Uint8Array): Promise<void> {
    this.#maybeFail();
    buffer.set(this.data.subarray(offset, offset + buffer.length));
  }

  async write(offset: number, data: Uint8Array, { fua }: { fua: boolean }): Promise<void> {
    this.#maybeFail();
    this.data.set(data, offset);
    this.allocated.fill(1, Math.floor(offset / 4096), Math.ceil((offset + data.length) / 4096));
    if (fua) this.flushes++;
  }

  async writeZeroes(offset: number, length: number, { unmap }: { unmap: boolean }): Promise<void> {
    this.data.fill(0, offset, offset + length);
    this.allocated.fill(unmap ? 0 : 1, Math.ceil(offset / 4096), Math.floor((offset + length) / 4096));
  }

  trim(offset: number, length: number): Promise<void> {
    return this.writeZeroes(offset, length, { unmap: true });
  }

  async flush(): Promise<void> {
    this.flushes++;
  }

  async blockStatus(offset: number, length: number): Promise<NbdExtent[]> {
    const extents: NbdExtent[] = [];
    for (let at = offset; at < offset + length; ) {
      const state = this.allocated[Math.floor(at / 4096)];
      let end = at;
      while (end < this.size && this.allocated[Math.floor(end / 4096)] === state) {
        end = Math.min(this.size, (Math.floor(end / 4096) + 1) * 4096);
      }
      extents.push({ length: end - at, hole: !state, zero: !state });
      at = end;
    }
    return extents;
  }
}
