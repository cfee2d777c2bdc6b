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
    while (this.#at < this.#chunk.length) {
      if (this.#lineBegins && this.#awaitsLine()) return undefined;
      const found = this.#dropping ? this.#drop() : this.#depth === 0 ? this.#begin() : this.#continue();
      if (found) return found;
    }
    return this.#depth > 0 && this.#start < this.#at ? this.#keep() : undefined;
  }

  /** Between messages. */
  #begin(): Incoming | undefined {
    const c = this.#chunk[this.#at] as number;
    if (c <= 0x20) {
      this.#at++;
      return undefined;
    }
    // Most messages are one line of one chunk.
    const whole = this.#line();
    if (whole) return whole;
    if (!isOpening(c)) return this.#junk();
    this.#start = this.#at++;
    this.#depth = 1;
    return undefined;
  }

  /** The rest of the line, if it is all there and an object. */
  #line(): Incoming | undefined {
    const end = this.#chunk.indexOf(LINE_FEED, this.#at);
    const last = this.#chunk[end - 1] === CARRIAGE_RETURN ? end - 2 : end - 1;
    if (end < 0 || this.#chunk[this.#at] !== OPENING_BRACE || this.#chunk[last] !== CLOSING_BRACE) return undefined;
    const line = parse(decode(this.#chunk, this.#at, end));
    if (line.error) return undefined;
    this.#at = end + 1;
    return line;
  }

  /** What is not JSON between messages: up to the line end, or to what may be an object. */
  #junk(): Incoming {
    const from = this.#at++;
    let c = this.#chunk[this.#at];
    while (c !== undefined && c !== LINE_FEED && c !== OPENING_BRACE) c = this.#chunk[++this.#at];
    const stray = decode(this.#chunk, from, Math.min(this.#at, from + SHOWN));
    return { error: new JsonSyntaxError(`stray '${stray}'`) };
  }

  #drop(): undefined {
    const end = this.#chunk.indexOf(LINE_FEED, this.#at);
    this.#dropping = end < 0;
    this.#at = this.#dropping ? this.#chunk.length : end + 1;
  }

  /** Inside a message, up to its end, the end of a line, or the end of the chunk. */
  #continue(): Incoming | undefined {
    if (this.#lineBegins) {
      this.#lineBegins = false;
      const at = this.#at;
      const line = this.#line();
      this.#at = at;
      if (isMessage(line?.value)) return this.#giveUp('a message does not end');
    }
    const chunk = this.#chunk;
    let at = this.#at;
    let depth = this.#depth;
    let inString = this.#inString;
    let escaped = this.#escaped;
    let c = 0;
    while (at < chunk.length && depth > 0 && depth <= this.#limits.nesting) {
      c = chunk[at++] as number;
      if (c === LINE_FEED) break;
      if (escaped) escaped = false;
      else if (c === QUOTE) inString = !inString;
      else if (inString) escaped = c === BACKSLASH;
      else if (isOpening(c)) depth++;
      else if (isClosing(c)) depth--;
    }
    this.#at = at;
    this.#depth = depth;
    this.#inString = inString;
    this.#escaped = escaped;
    if (depth === 0) return parse(decode(this.#earlier.take(chunk.subarray(this.#start, at))));
    if (depth > this.#limits.nesting) return this.#giveUp(TOO_MUCH, true);
    if (c === LINE_FEED && inString) return this.#giveUp('a message does not end');
    this.#lineBegins = c === LINE_FEED;
    return undefined;
  }

  /** Keeps what has been read of the message in progress. */
  #keep(): Incoming | undefined {
    this.#earlier.add(this.#chunk.subarray(this.#start, this.#at));
    this.#start = this.#at;
    return this.#earlier.length > this.#limits.text ? this.#giveUp(TOO_MUCH, true) : undefined;
  }

  /** Whether the line that begins here has to be seen whole before anything can be said of it, and may yet become so. */
  #awaitsLine(): boolean {
    const line = this.#chunk.subarray(this.#at);
    if (line.length > HELD_BACK || line[0] !== OPENING_BRACE || line.includes(LINE_FEED)) return false;
    this.#keep();
    return true;
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
