import { ByteCollector } from './byte-collector.js';
import { decode } from './decode.js';
import type { Incoming } from './incoming.js';
import type { JsonLimits } from './limits.js';
import { RequestScanner, type ScanStop } from './request-scanner.js';
import { parseStrict } from './strict-parser.js';
import { JsonSyntaxError, quote } from './syntax-error.js';
import { decodeStrict } from './utf8.js';

/**
 * Takes a stream of requests, cut anywhere, apart as a QMP server does, to the letter. It is pulled: a caller that stops calling `next`
 * leaves the rest of the bytes unread, to the byte.
 *
 * A request is complete at its closing bracket, whatever follows. Its bytes are looked at once and copied at most once, however
 * many chunks it came in. After malformed input it goes on as QMP servers do: the message is dropped, junk is skipped to the
 * next structural character or line end.
 */
export class RequestReader {
  readonly #scanner: RequestScanner;
  readonly #chunks: Uint8Array[] = [];
  /** Where in the first chunk reading goes on. */
  #offset = 0;
  /** What earlier chunks held of the message in progress. */
  readonly #earlier = new ByteCollector();

  constructor(limits: JsonLimits) {
    this.#scanner = new RequestScanner(limits);
  }

  /** Whether pushed bytes wait to be read. */
  get pending(): boolean {
    return this.#chunks.length > 0;
  }

  /** Whether nothing but white space waits to be read. */
  get exhausted(): boolean {
    const [chunk, more] = this.#chunks;
    if (chunk === undefined) return true;
    let at = this.#offset;
    while (isSpace(chunk[at])) at++;
    return at === chunk.length && more === undefined;
  }

  /** Whether all bytes are read and no message is begun. */
  get idle(): boolean {
    return !this.pending && this.#scanner.idle;
  }

  /** Gives the reader more bytes. They are not copied: the caller leaves them alone. */
  push(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#chunks.push(chunk);
  }

  /** The next value or error; undefined when more bytes are needed. */
  next(): Incoming | undefined {
    for (let chunk = this.#chunks[0]; chunk !== undefined; chunk = this.#chunks[0]) {
      const found = this.#message(chunk);
      if (this.#offset >= chunk.length) {
        this.#chunks.shift();
        this.#offset = 0;
      }
      if (found) return found;
    }
    return undefined;
  }

  #message(chunk: Uint8Array): Incoming | undefined {
    const scanner = this.#scanner;
    const from = this.#offset;
    this.#offset = scanner.scan(chunk, from);
    const start = this.#earlier.length > 0 ? from : scanner.start;
    if (scanner.stop === undefined) {
      if (!scanner.idle && !scanner.recovering) this.#earlier.add(chunk.subarray(start));
      return undefined;
    }
    const bytes = this.#earlier.take(chunk.subarray(start, this.#offset));
    return scanner.stop === 'message' ? this.#parse(bytes) : { error: this.#explain(scanner.stop, bytes) };
  }

  #parse(bytes: Uint8Array): Incoming {
    try {
      return { value: parseStrict(decodeStrict(bytes)) };
    } catch (error) {
      if (error instanceof JsonSyntaxError) return { error };
      throw error;
    }
  }

  #explain(stop: Exclude<ScanStop, 'message'>, bytes: Uint8Array): JsonSyntaxError {
    if (stop !== 'stray') return new JsonSyntaxError(TOO_MUCH[stop]);
    const token = bytes.subarray(bytes.length - this.#scanner.tokenLength);
    return new JsonSyntaxError(`stray ${quote(decode(token))}`);
  }
}

const isSpace = (c: number | undefined): boolean => c === 0x0a || c === 0x0d || c === 0x20 || c === 0x09;

const TOO_MUCH: Record<Exclude<ScanStop, 'message' | 'stray'>, string> = {
  'text-limit': 'a message is too long',
  'token-limit': 'a message has too many tokens',
  'nesting-limit': 'a message is nested too deeply',
};
