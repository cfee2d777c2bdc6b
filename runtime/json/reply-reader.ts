import { ByteCollector } from './byte-collector.js';
import { decode } from './decode.js';
import type { Incoming } from './incoming.js';
import type { JsonLimits } from './limits.js';
import { parseJson } from './parse.js';
import { JsonSyntaxError } from './syntax-error.js';
import { isJsonObject, type JsonValue } from './value.js';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/** Brackets are braces but for one bit. */
const isOpening = (c: number): boolean => (c | 0x20) === OPENING_BRACE;
const isClosing = (c: number): boolean => (c | 0x20) === CLOSING_BRACE;

/** So much of a line inside a message is held back, to see whether it is a message of its own. */
const HELD_BACK = 64 * 1024;

/** So much of what is no message is shown. */
const SHOWN = 80;

const NOTHING = new Uint8Array();

const TOO_MUCH = 'a message is too long or nested too deeply';
const ENDLESS = 'a message does not end';

/**
 * Takes what a QMP server sends, cut anywhere, apart into values. It is tolerant: a message may stand on a line, as servers
 * write them, be spread over lines, or have no line end at all.
 *
 * Bytes are looked at once and copied at most once, however many chunks a message comes in. What cannot be read is dropped, up
 * to the next line that is a message by itself.
 */
export class ReplyReader {
  readonly #limits: Pick<JsonLimits, 'nesting' | 'text'>;
  #chunk: Uint8Array = NOTHING;
  /** Where in the chunk reading goes on, and where the message in progress begins in it. */
  #at = 0;
  #start = 0;
  /** What earlier chunks held of the message in progress. */
  readonly #earlier = new ByteCollector();
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Inside a message a line begins, which may be a message of its own: then the end of the one in progress is missing. */
  #lineBegins = false;
  /** The rest of the line belongs to a message that was dropped. */
  #dropping = false;

  constructor(limits: Pick<JsonLimits, 'nesting' | 'text'>) {
    this.#limits = limits;
  }

  /** Gives the reader more bytes, once all former ones are read. They may be kept: the caller leaves them alone. */
  push(chunk: Uint8Array): void {
    const held = this.#chunk.subarray(this.#at);
    this.#chunk = held.length > 0 ? Buffer.concat([held, chunk]) : chunk;
    this.#at = 0;
    this.#start = 0;
  }

  /** The next value or error; undefined when more bytes are needed. */
  next(): Incoming | undefined {
    const chunk = this.#chunk;
    while (this.#at < chunk.length) {
      const from = this.#at;
      let c = chunk[from] as number;
      const inside = this.#depth > 0;
      if (this.#dropping) {
        this.#at = chunk.indexOf(LINE_FEED, from) + 1 || chunk.length;
        this.#dropping = chunk[this.#at - 1] !== LINE_FEED;
        continue;
      }
      if (!inside && c <= 0x20) {
        this.#at++;
        continue;
      }
      if (c === OPENING_BRACE && (!inside || this.#lineBegins)) {
        const end = chunk.indexOf(LINE_FEED, from);
        // The line has to be seen whole before anything can be said of it, and may yet become so.
        if (inside && end < 0 && chunk.length - from <= HELD_BACK) break;
        // Most messages are one line of one chunk.
        if (chunk[chunk[end - 1] === CARRIAGE_RETURN ? end - 2 : end - 1] === CLOSING_BRACE) {
          const line = parse(decode(chunk, from, end));
          if (inside && isMessage(line.value)) return this.#giveUp(ENDLESS);
          if (!inside && !line.error) {
            this.#at = end + 1;
            return line;
          }
        }
      }
      let at = from;
      if (!inside) {
        if (!isOpening(c)) {
          do c = chunk[++at] as number;
          while (at < chunk.length && c !== LINE_FEED && c !== OPENING_BRACE);
          this.#at = at;
          return { error: new JsonSyntaxError(`stray '${decode(chunk, from, Math.min(at, from + SHOWN))}'`) };
        }
        this.#start = from;
      }
      // On to the end of the message, of the line, or of the chunk. Local variables are several times as fast.
      const { nesting } = this.#limits;
      let depth = this.#depth;
      let inString = this.#inString;
      let escaped = this.#escaped;
      do {
        c = chunk[at++] as number;
        if (escaped) escaped = false;
        else if (c === QUOTE) inString = !inString;
        else if (inString) escaped = c === BACKSLASH;
        else if (isOpening(c)) depth++;
        else if (isClosing(c)) depth--;
      } while (at < chunk.length && c !== LINE_FEED && depth > 0 && depth <= nesting);
      this.#at = at;
      this.#depth = depth;
      this.#inString = inString;
      this.#escaped = escaped;
      this.#lineBegins = c === LINE_FEED;
      if (depth === 0) return parse(decode(this.#earlier.take(chunk.subarray(this.#start, at))));
      if (depth > nesting) return this.#giveUp(TOO_MUCH, true);
      if (inString && this.#lineBegins) return this.#giveUp(ENDLESS);
    }
    if (this.#depth === 0) return undefined;
    // What has been read of the message in progress is kept.
    this.#earlier.add(chunk.subarray(this.#start, this.#at));
    this.#start = this.#at;
    return this.#earlier.length > this.#limits.text ? this.#giveUp(TOO_MUCH, true) : undefined;
  }

  /** Drops the message in progress, and maybe the rest of the line with it. */
  #giveUp(why: string, dropping = false): Incoming {
    this.#earlier.take(NOTHING);
    this.#depth = 0;
    this.#inString = false;
    this.#escaped = false;
    this.#dropping = dropping;
    return { error: new JsonSyntaxError(why) };
  }
}

/** Whether a value has what tells the messages of a server apart. */
const isMessage = (value: JsonValue | undefined): boolean =>
  isJsonObject(value) && ['return', 'error', 'event', 'QMP'].some((key) => key in value);

function parse(text: string): Incoming {
  try {
    return { value: parseJson(text) };
  } catch (error) {
    return { error: new JsonSyntaxError((error as Error).message) };
  }
}
