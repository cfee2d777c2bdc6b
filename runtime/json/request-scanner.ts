import type { JsonLimits } from './limits.js';

/** Why a scan stopped: a message is complete, a byte fits no token, or a limit was passed. */
export type ScanStop = 'message' | 'stray' | 'text-limit' | 'token-limit' | 'nesting-limit';

// States of the lexer between two bytes. START is 0: nothing of a token has been seen.
const START = 0;
const STRING = 1;
const ESCAPE = 2;
const MINUS = 3;
const ZERO = 4;
const DIGITS = 5;
const POINT = 6;
const FRACTION = 7;
const EXPONENT = 8;
const EXPONENT_SIGN = 9;
const EXPONENT_DIGITS = 10;
const WORD = 11;
const RECOVERY = 12;

// Classes of bytes; 0 is every other.
const SPACE = 1;
const STRUCTURAL = 2;
const QUOTE = 3;
const DIGIT = 4;
const LETTER = 5;
const SIGN = 6;

const CLASS = new Uint8Array(256);
for (const c of ' \t\r\n') CLASS[c.charCodeAt(0)] = SPACE;
for (const c of '{}[],:') CLASS[c.charCodeAt(0)] = STRUCTURAL;
for (const c of '"\'') CLASS[c.charCodeAt(0)] = QUOTE;
for (const c of '0123456789') CLASS[c.charCodeAt(0)] = DIGIT;
for (let c = 0x61; c <= 0x7a; c++) CLASS[c] = LETTER;
CLASS[0x2d] = SIGN;

/** Bytes that may stand in a string, quotes and backslash left to the caller. */
const inString = (c: number): boolean => c >= 0x20 && c <= 0xfd;

/**
 * Finds where messages end in a stream of bytes that may be cut anywhere. It follows the lexical rules of QMP's input
 * and nothing more: whether the tokens between two ends make a value is the parser's business.
 *
 * Every byte is looked at once. Between two calls only the state of the lexer and some counters are kept.
 */
export class RequestScanner {
  /** Why the last scan stopped; undefined when it used up its input. */
  stop: ScanStop | undefined;
  /** Where in the bytes of the last scan the message in progress, or the one just ended, began, if it began in them. */
  start = 0;
  /** Bytes of the token in progress, or, after a stray byte, of the token that it ended, itself included. */
  tokenLength = 0;

  #state = START;
  #delimiter = 0;
  #braces = 0;
  #brackets = 0;
  #tokens = 0;
  #text = 0;
  /** White space inside the message. It is not text, but a reader has to hold it, so it is bounded all the same. */
  #space = 0;
  readonly #limits: JsonLimits;

  constructor(limits: JsonLimits) {
    this.#limits = limits;
  }

  /** Whether nothing of a message has been seen since the last one ended. */
  get idle(): boolean {
    return this.#state === START && this.#tokens === 0;
  }

  /** Whether junk is being skipped after a stray byte. */
  get recovering(): boolean {
    return this.#state === RECOVERY;
  }

  /** Reads from `offset` to the end of a message, to an error or to the end of the bytes. Returns the next offset. */
  scan(bytes: Uint8Array, offset: number): number {
    this.stop = undefined;
    let at = offset;
    while (at < bytes.length) {
      const c = bytes[at] as number;
      switch (this.#state) {
        case START:
          if (this.#tokens === 0) this.start = at;
          at++;
          if (this.#begin(c)) return at;
          break;
        case STRING:
          at = this.#string(bytes, at);
          if (this.stop) return at;
          break;
        case ESCAPE:
          at++;
          if (!inString(c)) return this.#stray(at);
          this.#state = STRING;
          if (this.#grow(1)) return at;
          break;
        case RECOVERY:
          if (CLASS[c] === STRUCTURAL || !(inString(c) || c === 0x09)) this.#state = START;
          else at++;
          break;
        default: {
          const next = this.#follow(this.#state, c);
          if (next === START) {
            if (this.#end()) return at;
          } else {
            at++;
            if (next < 0) return this.#stray(at);
            this.#state = next;
            if (this.#grow(1)) return at;
          }
        }
      }
    }
    return at;
  }

  /** The first byte of a token. Returns whether the scan stops after it. */
  #begin(c: number): boolean {
    this.tokenLength = 1;
    switch (CLASS[c]) {
      case SPACE:
        this.tokenLength = 0;
        return this.#tokens > 0 && ++this.#space > this.#limits.text ? this.#stopFor('text-limit') : false;
      case STRUCTURAL:
        if (c === 0x7b) this.#braces++;
        else if (c === 0x7d) this.#braces--;
        else if (c === 0x5b) this.#brackets++;
        else if (c === 0x5d) this.#brackets--;
        return this.#end();
      case QUOTE:
        this.#state = STRING;
        this.#delimiter = c;
        return false;
      case DIGIT:
        this.#state = c === 0x30 ? ZERO : DIGITS;
        return false;
      case LETTER:
        this.#state = WORD;
        return false;
      case SIGN:
        this.#state = MINUS;
        return false;
      default:
        this.#stray(0);
        return true;
    }
  }

  /** The inside of a string, up to and including its closing quote or the backslash of an escape. */
  #string(bytes: Uint8Array, offset: number): number {
    const delimiter = this.#delimiter;
    const end = Math.min(bytes.length, offset + this.#limits.text + 1 - this.tokenLength);
    let at = offset;
    while (at < end) {
      const c = bytes[at++] as number;
      if (c === delimiter) {
        this.tokenLength += at - offset;
        this.#end();
        return at;
      }
      if (c === 0x5c) {
        this.#state = ESCAPE;
        break;
      }
      if (!inString(c)) {
        this.tokenLength += at - offset - 1;
        return this.#stray(at);
      }
    }
    this.#grow(at - offset);
    return at;
  }

  /** The state after one more byte of a number or word: START when the token ended before it, -1 when it fits nowhere. */
  #follow(state: number, c: number): number {
    const kind = CLASS[c];
    switch (state) {
      case WORD:
        return kind === LETTER ? WORD : START;
      case MINUS:
        if (kind !== DIGIT) return -1;
        return c === 0x30 ? ZERO : DIGITS;
      case ZERO:
        if (c === 0x2e) return POINT;
        return kind === DIGIT ? -1 : START;
      case DIGITS:
        if (kind === DIGIT) return DIGITS;
        if (c === 0x2e) return POINT;
        return isExponent(c) ? EXPONENT : START;
      case POINT:
        return kind === DIGIT ? FRACTION : -1;
      case FRACTION:
        if (kind === DIGIT) return FRACTION;
        return isExponent(c) ? EXPONENT : START;
      case EXPONENT:
        if (kind === DIGIT) return EXPONENT_DIGITS;
        return kind === SIGN || c === 0x2b ? EXPONENT_SIGN : -1;
      case EXPONENT_SIGN:
        return kind === DIGIT ? EXPONENT_DIGITS : -1;
      default:
        return kind === DIGIT ? EXPONENT_DIGITS : START;
    }
  }

  /** One more token is complete. Returns whether the scan stops here. */
  #end(): boolean {
    this.#state = START;
    this.#tokens++;
    this.#text += this.tokenLength;
    this.tokenLength = 0;
    const { text, tokens, nesting } = this.#limits;
    if (this.#text >= text) return this.#stopFor('text-limit');
    if (this.#tokens > tokens) return this.#stopFor('token-limit');
    if (this.#braces + this.#brackets > nesting) return this.#stopFor('nesting-limit');
    // Braces and brackets are counted apart, so "[}" ends a message and "{[}" does not.
    const open = (this.#braces > 0 || this.#brackets > 0) && this.#braces >= 0 && this.#brackets >= 0;
    return open ? false : this.#stopFor('message');
  }

  /** The token in progress got longer. Returns whether that passed the limit. */
  #grow(by: number): boolean {
    this.tokenLength += by;
    return this.tokenLength > this.#limits.text ? this.#stopFor('text-limit') : false;
  }

  #stray(at: number): number {
    if (this.#state !== START) this.tokenLength++;
    this.#stopFor('stray');
    this.#state = RECOVERY;
    return at;
  }

  #stopFor(stop: ScanStop): true {
    this.stop = stop;
    this.#state = START;
    this.#braces = 0;
    this.#brackets = 0;
    this.#tokens = 0;
    this.#text = 0;
    this.#space = 0;
    return true;
  }
}

const isExponent = (c: number): boolean => c === 0x65 || c === 0x45;
