import type { JsonLimits } from './limits.js';
import { parseJson } from './parse.js';
import { parseTokens } from './parser.js';
import { MessageScanner, type ScanStop } from './scanner.js';
import { JsonSyntaxError, quote } from './syntax-error.js';
import { decodeLenient, decodeStrict } from './utf8.js';
import type { JsonValue } from './value.js';

/** What a reader found: a value, or what is wrong with the bytes it dropped. */
export type Incoming =
  | { readonly value: JsonValue; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: JsonSyntaxError };

/** How a reader reads. */
export interface ReaderOptions {
  /** Reads as a QMP server does, to the letter; otherwise as a client should, taking whatever makes sense. */
  readonly strict: boolean;
  readonly limits: JsonLimits;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/**
 * Takes a stream of bytes, cut anywhere, apart into JSON values. It is pulled: whoever stops calling `next` leaves the rest
 * of the bytes unread, to the byte.
 *
 * A value is complete at its closing bracket, whatever follows. Its bytes are looked at once and copied at most once, however
 * many chunks it came in. After malformed input it goes on as QMP servers do: the message is dropped, junk is skipped to the
 * next structural character or line end.
 */
export class MessageReader {
  readonly #scanner: MessageScanner;
  readonly #strict: boolean;
  readonly #chunks: Uint8Array[] = [];
  /** Where in the first chunk reading goes on. */
  #offset = 0;
  /** What former chunks held of the message in progress. */
  #parts: Uint8Array[] = [];

  constructor({ strict, limits }: ReaderOptions) {
    this.#scanner = new MessageScanner(limits, !strict);
    this.#strict = strict;
  }

  /** Whether pushed bytes wait to be read. */
  get pending(): boolean {
    return this.#chunks.length > 0;
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
      const found = this.#line(chunk) ?? this.#message(chunk);
      if (this.#offset >= chunk.length) {
        this.#chunks.shift();
        this.#offset = 0;
      }
      if (found) return found;
    }
    return undefined;
  }

  /** The short way for a client: most messages of a server stand whole on one line, and `JSON.parse` knows how to read them. */
  #line(chunk: Uint8Array): Incoming | undefined {
    if (this.#strict || !this.#scanner.idle) return undefined;
    while (isLineBreak(chunk[this.#offset])) this.#offset++;
    const end = chunk.indexOf(LINE_FEED, this.#offset);
    if (end < 0 || chunk[this.#offset] !== OPENING_BRACE) return undefined;
    const last = chunk[end - 1] === CARRIAGE_RETURN ? end - 2 : end - 1;
    if (chunk[last] !== CLOSING_BRACE) return undefined;
    try {
      const value = parseJson(decodeLenient(chunk.subarray(this.#offset, end)));
      this.#offset = end + 1;
      return { value };
    } catch {
      // Not one whole value: the scanner finds out what it is.
      return undefined;
    }
  }

  #message(chunk: Uint8Array): Incoming | undefined {
    const scanner = this.#scanner;
    const from = this.#offset;
    this.#offset = scanner.scan(chunk, from);
    const start = this.#parts.length > 0 ? from : scanner.start;
    if (scanner.stop === undefined) {
      if (!scanner.idle && !scanner.recovering) this.#parts.push(chunk.subarray(start));
      return undefined;
    }
    const last = chunk.subarray(start, this.#offset);
    const bytes = this.#parts.length > 0 ? Buffer.concat([...this.#parts, last]) : last;
    this.#parts = [];
    return scanner.stop === 'message' ? this.#parse(bytes) : { error: this.#explain(scanner.stop, bytes) };
  }

  #parse(bytes: Uint8Array): Incoming {
    try {
      if (this.#strict) return { value: parseTokens(decodeStrict(bytes), { strict: true }) };
      return { value: this.#parseTolerant(decodeLenient(bytes)) };
    } catch (error) {
      if (error instanceof JsonSyntaxError) return { error };
      throw error;
    }
  }

  #parseTolerant(text: string): JsonValue {
    try {
      return parseJson(text);
    } catch {
      return parseTokens(text, { strict: false });
    }
  }

  #explain(stop: Exclude<ScanStop, 'message'>, bytes: Uint8Array): JsonSyntaxError {
    if (stop !== 'stray') return new JsonSyntaxError(TOO_MUCH[stop]);
    const token = bytes.subarray(bytes.length - this.#scanner.tokenLength);
    return new JsonSyntaxError(`stray ${quote(decodeLenient(token))}`);
  }
}

const isLineBreak = (c: number | undefined): boolean => c === LINE_FEED || c === CARRIAGE_RETURN;

const TOO_MUCH: Record<Exclude<ScanStop, 'message' | 'stray'>, string> = {
  'text-limit': 'a message is too long',
  'token-limit': 'a message has too many tokens',
  'nesting-limit': 'a message is nested too deeply',
};
