import { longestName } from './protocol.js';

/** Reads the fields of an option's data. Reading beyond the end gives `undefined` and marks the data as malformed. */
export class Cursor {
  readonly #data: Buffer;
  #position = 0;
  failed = false;

  constructor(data: Buffer) {
    this.#data = data;
  }

  get exhausted(): boolean {
    return !this.failed && this.#position === this.#data.length;
  }

  uint16(): number | undefined {
    return this.#next(2)?.readUInt16BE();
  }

  uint32(): number | undefined {
    return this.#next(4)?.readUInt32BE();
  }

  /** A text after its length in 32 bits. */
  text(): string | undefined {
    const length = this.uint32();
    if (length === undefined || length > longestName) {
      this.failed = true;
      return undefined;
    }
    return this.#next(length)?.toString();
  }

  #next(length: number): Buffer | undefined {
    if (this.#position + length > this.#data.length) {
      this.failed = true;
      return undefined;
    }
    this.#position += length;
    return this.#data.subarray(this.#position - length, this.#position);
  }
}
