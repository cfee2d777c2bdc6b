import type { Incoming } from '../json/incoming.js';
import type { JsonLimits } from '../json/limits.js';
import { ReplyReader } from '../json/reply-reader.js';

/** The byte that an agent puts before the reply to `guest-sync-delimited`. It is part of no text in UTF-8. */
export const MARK = 0xff;

/** What was read, and whether a mark stood before it. */
export interface MarkedIncoming {
  readonly incoming: Incoming;
  readonly marked: boolean;
}

/** Reads the output of a guest agent: replies, some with a mark before them, which ends whatever was begun. */
export class AgentReader {
  readonly #limits: Pick<JsonLimits, 'nesting' | 'text'>;
  #reader: ReplyReader;
  /** The parts that the marks cut what was pushed into: a mark stands before each but the first. */
  #parts: Uint8Array[] = [];
  #marked = false;

  constructor(limits: Pick<JsonLimits, 'nesting' | 'text'>) {
    this.#limits = limits;
    this.#reader = new ReplyReader(limits);
  }

  /** Gives the reader more bytes, once all former ones are read. They may be kept: the caller leaves them alone. */
  push(chunk: Uint8Array): void {
    let start = 0;
    for (let at = chunk.indexOf(MARK); at >= 0; at = chunk.indexOf(MARK, start)) {
      this.#parts.push(chunk.subarray(start, at));
      start = at + 1;
    }
    this.#parts.push(chunk.subarray(start));
    this.#reader.push(this.#parts.shift() ?? chunk);
  }

  /** The next value or error; undefined when more bytes are needed. */
  next(): MarkedIncoming | undefined {
    for (;;) {
      const incoming = this.#reader.next();
      if (incoming) {
        const marked = this.#marked;
        this.#marked = false;
        return { incoming, marked };
      }
      const part = this.#parts.shift();
      if (!part) return undefined;
      // What was begun before the mark is dropped with its reader.
      this.#reader = new ReplyReader(this.#limits);
      this.#reader.push(part);
      this.#marked = true;
    }
  }
}
