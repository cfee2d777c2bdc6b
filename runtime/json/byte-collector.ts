/** Pieces shorter than this are joined at once, so that many tiny ones do not cost more memory than their bytes. */
const SHORT = 1024;

/** Collects the bytes of a value that comes in many chunks. Long chunks are kept as they are and copied once, at the end. */
export class ByteCollector {
  /** How many bytes there are. */
  length = 0;
  #parts: Uint8Array[] = [];

  /** Adds bytes. They may be kept: the caller leaves them alone. */
  add(bytes: Uint8Array): void {
    const last = this.#parts.at(-1);
    if (last && last.length < SHORT) this.#parts[this.#parts.length - 1] = Buffer.concat([last, bytes]);
    else this.#parts.push(bytes);
    this.length += bytes.length;
  }

  /** All bytes in one piece, followed by some more. The collector is empty then. */
  take(last: Uint8Array): Uint8Array {
    const parts = this.#parts;
    this.#parts = [];
    this.length = 0;
    return parts.length > 0 ? Buffer.concat([...parts, last]) : last;
  }
}
