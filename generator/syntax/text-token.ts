import { whenKnown } from './dialect.js';
import { phase } from './problem.js';
import type { Reading } from './reading.js';

/** The contents of a string, escapes resolved, and the offset after its closing quote. */
export interface TextToken {
  readonly value: string;
  readonly end: number;
}

/** Printable ASCII without quote and backslash, up to the closing quote. */
const simple = /[ -&(-[\]-~]*'/y;

const escapes: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  '\\': '\\',
  '/': '/',
  "'": "'",
  '"': '"',
};

/** The offset after the string whose opening quote is at `start`, if what stands between its quotes is what it says. */
export function endOfSimpleText(text: string, start: number): number | undefined {
  simple.lastIndex = start + 1;
  return simple.test(text) ? simple.lastIndex : undefined;
}

/** Reads a string, with all that can be wrong with it, whose opening quote is at `start`. */
export function readText(reading: Reading, start: number): TextToken {
  return new TextReader(reading, start).read();
}

/** Reads a string with escapes or errors. Of several errors only the first is reported: all are placed at the opening quote. */
class TextReader {
  readonly #reading: Reading;
  readonly #start: number;
  readonly #lineEnd: number;
  #position: number;
  #faulty = false;

  constructor(reading: Reading, start: number) {
    this.#reading = reading;
    this.#start = start;
    this.#lineEnd = reading.file.lineEndAt(start);
    this.#position = start + 1;
  }

  read(): TextToken {
    const { text } = this.#reading.file;
    const plainOnly = this.#reading.dialect.has('printable strings only');
    let value = '';
    while (this.#position < this.#lineEnd) {
      const character = String.fromCodePoint(text.codePointAt(this.#position) as number);
      if (character === "'") return { value, end: this.#position + 1 };
      if (character === '\\') {
        value += this.#escape();
        continue;
      }
      if (plainOnly && !/[ -~]/.test(character)) this.#unprintable(character);
      value += character;
      this.#position += character.length;
    }
    this.#fault('unclosed-string', {}, this.#start, this.#lineEnd);
    // What would come behind the quote is mostly there, up to the end of the line.
    let end = this.#lineEnd;
    while (end > this.#start + 1 && /[\s,:{}[\]]/.test(text[end - 1] as string)) end--;
    return { value: value.slice(0, value.length - (this.#lineEnd - end)), end };
  }

  /** Reads an escape sequence. A backslash at the end of a line leaves the string unclosed. */
  #escape(): string {
    const { file, dialect } = this.#reading;
    const start = this.#position;
    const letter = start + 1 < this.#lineEnd ? String.fromCodePoint(file.text.codePointAt(start + 1) as number) : '';
    this.#position += 1 + letter.length;
    if (letter === '') return '';
    const many = dialect.has('escapes beside the backslash');
    if (many && letter === 'u') return this.#unicode(start);
    const resolved = many || letter === '\\' ? escapes[letter] : undefined;
    if (resolved !== undefined) return resolved;
    const known = many ? 'are \\b \\f \\n \\r \\t \\\\ \\/ \\\' \\" and \\uXXXX' : "is only '\\\\', a backslash";
    const when = letter in escapes || letter === 'u' ? whenKnown('escapes beside the backslash', dialect) : undefined;
    const hint = when && `'\\${letter}' is ${when}`;
    this.#fault('unknown-escape', { sequence: `\\${letter}`, known }, start, this.#position, hint);
    return letter;
  }

  #unicode(start: number): string {
    const digits = /^[0-9a-fA-F]{4}/.exec(this.#reading.file.text.slice(this.#position, this.#lineEnd))?.[0];
    const code = digits === undefined ? 0 : Number.parseInt(digits, 16);
    this.#position += digits?.length ?? 0;
    if (code > 0 && code <= 0x7f) return String.fromCharCode(code);
    const sequence = this.#reading.file.text.slice(start, Math.max(this.#position, Math.min(start + 6, this.#lineEnd)));
    this.#fault('bad-unicode-escape', { sequence }, start, Math.max(this.#position, start + 2));
    return '\ufffd';
  }

  #unprintable(character: string): void {
    const code = (character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0');
    const shown = /\p{C}|\p{Z}/u.test(character) ? `U+${code}` : `'${character}' (U+${code})`;
    this.#fault('unprintable-character', { character: shown }, this.#position, this.#position + character.length);
  }

  #fault(
    ...[name, parameters, start, end, hint]:
      | ['unclosed-string', Readonly<Record<string, never>>, number, number, hint?: undefined]
      | ['unknown-escape', { sequence: string; known: string }, number, number, hint: string | undefined]
      | ['bad-unicode-escape', { sequence: string }, number, number, hint?: undefined]
      | ['unprintable-character', { character: string }, number, number, hint?: undefined]
  ): void {
    if (this.#faulty) return;
    this.#faulty = true;
    const { file, problems } = this.#reading;
    const related = start === this.#start ? [] : [{ message: 'here', span: { file, start, end } }];
    const when = { at: this.#start, phase: phase.read };
    // The string's own end is not known yet, and its line is the most that it can take.
    problems.report(name, parameters as never, [this.#start, this.#stringEnd()], when, { related, hint });
  }

  #stringEnd(): number {
    const quote = this.#reading.file.text.indexOf("'", this.#position);
    return quote === -1 || quote >= this.#lineEnd ? this.#lineEnd : quote + 1;
  }
}
