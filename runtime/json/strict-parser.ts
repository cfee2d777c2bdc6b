import { IntegralDouble, parseInteger } from './number.js';
import { JsonSyntaxError, quote } from './syntax-error.js';
import { hasNoncharacter } from './utf8.js';
import type { JsonObject, JsonValue } from './value.js';

const ESCAPES: Record<string, string> = {
  '"': '"',
  "'": "'",
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

const WORDS = new Map<string, JsonValue>([
  ['true', true],
  ['false', false],
  ['null', null],
]);
const NUMBER = /-?(?:0(?:\.\d+(?:[eE][+-]?\d+)?)?|[1-9]\d*(?:\.\d+)?(?:[eE][+-]?\d+)?)/y;
const WORD = /[a-z]+/y;
const HEX = /^[0-9a-fA-F]{4}$/;

/** Reads one message. Nesting is recursion: the scanner has bounded it. */
class Parser {
  readonly #text: string;
  /** Whether there is anything beyond ASCII. */
  readonly #foreign: boolean;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#foreign = /[^\0-\x7f]/.test(text);
  }

  message(): JsonValue {
    const value = this.#value();
    if (this.#peek() !== '') throw new JsonSyntaxError('more than one value in a message');
    return value;
  }

  /** The next character that is not white space; empty at the end. */
  #peek(): string {
    const text = this.#text;
    let c = text.charCodeAt(this.#at);
    while (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) c = text.charCodeAt(++this.#at);
    return text.charAt(this.#at);
  }

  #value(): JsonValue {
    const first = this.#peek();
    switch (first) {
      case '{':
        return this.#object();
      case '[':
        return this.#array();
      case '"':
      case "'":
        return this.#string(first);
      case '':
      case '}':
      case ']':
      case ',':
      case ':':
        throw new JsonSyntaxError(`expected a value${first && `, found ${quote(first)}`}`);
      default:
        return this.#number(first) ?? this.#word();
    }
  }

  #object(): JsonObject {
    const object: JsonObject = {};
    this.#at++;
    if (this.#peek() === '}') {
      this.#at++;
      return object;
    }
    for (;;) {
      const key = this.#value();
      if (typeof key !== 'string') throw new JsonSyntaxError('an object key must be a string');
      if (this.#peek() !== ':') throw new JsonSyntaxError(`expected ':' after the key ${quote(key)}`);
      this.#at++;
      if (Object.hasOwn(object, key)) throw new JsonSyntaxError(`duplicate key ${quote(key)}`);
      setMember(object, key, this.#value());
      const next = this.#peek();
      if (next !== '}' && next !== ',') throw new JsonSyntaxError("expected ',' or '}' after an object member");
      this.#at++;
      if (next === '}') return object;
    }
  }

  #array(): JsonValue[] {
    const array: JsonValue[] = [];
    this.#at++;
    if (this.#peek() === ']') {
      this.#at++;
      return array;
    }
    for (;;) {
      array.push(this.#value());
      const next = this.#peek();
      if (next !== ']' && next !== ',') throw new JsonSyntaxError("expected ',' or ']' after an array element");
      this.#at++;
      if (next === ']') return array;
    }
  }

  #number(first: string): JsonValue | undefined {
    if (first !== '-' && (first < '0' || first > '9')) return undefined;
    NUMBER.lastIndex = this.#at;
    const digits = NUMBER.exec(this.#text)?.[0];
    if (digits === undefined) return undefined;
    this.#at += digits.length;
    if (!/[.eE]/.test(digits)) return parseInteger(digits);
    const double = Number(digits);
    if (!Number.isSafeInteger(double)) return double;
    // It passes for a JsonValue until a visitor that knows the type looks at it.
    return new IntegralDouble(double) as unknown as JsonValue;
  }

  #word(): JsonValue {
    WORD.lastIndex = this.#at;
    const word = WORD.exec(this.#text)?.[0] ?? this.#text.charAt(this.#at);
    const value = WORDS.get(word);
    if (value === undefined) throw new JsonSyntaxError(`unknown word ${quote(word)}`);
    this.#at += word.length;
    return value;
  }

  #string(delimiter: string): string {
    const start = ++this.#at;
    const end = this.#text.indexOf(delimiter, start);
    if (end < 0) throw new JsonSyntaxError('a string does not end');
    let value = this.#text.slice(start, end);
    const escaped = value.includes('\\');
    if (escaped) value = this.#escaped(delimiter);
    else this.#at = end + 1;
    if ((escaped || this.#foreign) && hasNoncharacter(value)) {
      throw new JsonSyntaxError('a string holds a code point that is not for interchange');
    }
    return value;
  }

  #escaped(delimiter: string): string {
    const text = this.#text;
    let value = '';
    let start = this.#at;
    for (;;) {
      const c = text.charAt(this.#at);
      if (c === '') throw new JsonSyntaxError('a string does not end');
      if (c !== delimiter && c !== '\\') {
        this.#at++;
        continue;
      }
      value += text.slice(start, this.#at++);
      if (c === delimiter) return value;
      value += this.#escape();
      start = this.#at;
    }
  }

  /** What stands behind a backslash. */
  #escape(): string {
    const c = this.#text.charAt(this.#at++);
    if (c === 'u') return this.#unicode();
    const value = ESCAPES[c];
    if (value === undefined) throw new JsonSyntaxError(`invalid escape ${quote(`\\${c}`)} in a string`);
    return value;
  }

  #unicode(): string {
    const unit = this.#codeUnit();
    if (unit < 0xd800 || unit > 0xdfff) return String.fromCharCode(unit);
    if (unit < 0xdc00 && this.#text.startsWith('\\u', this.#at)) {
      this.#at += 2;
      const low = this.#codeUnit();
      if (low >= 0xdc00 && low <= 0xdfff) return String.fromCharCode(unit, low);
    }
    throw new JsonSyntaxError(`\\u${unit.toString(16)} is half of a surrogate pair without its other half`);
  }

  #codeUnit(): number {
    const digits = this.#text.slice(this.#at, this.#at + 4);
    if (!HEX.test(digits)) throw new JsonSyntaxError(`invalid escape ${quote(`\\u${digits}`)} in a string`);
    this.#at += 4;
    return Number.parseInt(digits, 16);
  }
}

/** Sets a member by whatever name: `__proto__` would otherwise be taken for the prototype. */
function setMember(object: JsonObject, key: string, value: JsonValue): void {
  if (key !== '__proto__') object[key] = value;
  else Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

/**
 * Reads one message as a QMP server does: no key twice in an object, no lone surrogates or non-characters, integral doubles kept
 * apart from integers. Its tokens must be in order: a {@link RequestScanner} has seen them.
 *
 * @throws JsonSyntaxError saying what is wrong with their sequence
 */
export function parseStrict(text: string): JsonValue {
  return new Parser(text).message();
}
