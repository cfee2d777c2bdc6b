import type { Reading } from '../reading.js';
import { lineEnd, trimEnd } from '../white-space.js';
import { type DocBuilder, label } from './builder.js';
import type { DocLine, Part } from './part.js';
import { reportLine, startDescription, startTagged } from './rules.js';

/** Comment lines between two marks: from the line end before the first of them to the end of the last one. */
export interface Chunk {
  readonly start: number;
  readonly end: number;
  /** The mark before the lines, when it names what is described itself. */
  readonly opening?: DocLine | undefined;
}

/**
 * The lines that can start a section: unindented ones after a blank line, those that start with `@` or the first letter of a
 * tag; and those without a blank behind the `#`, which are errors. The group tells of the blank line.
 */
const noteworthy = /\n[^\S\n]*#(?:[^\S\n]*(\n)\s*# (?=[^\s])| (?=[@REFSNT])|(?=[^\s#]))/g;
/** The next line that is not blank, and how its text is indented. */
const secondLine = /\n[^\S\n]*# ?([^\S\n]*)(?=\S)/;
const symbolLine = /@([^\s:]*)[^\S\n]*(:?)[^\S\n]*/y;
const description = /@([^\s:]*) ?:(?=\s|$)[^\S\n]*/y;
const tag = /(?:(Returns|Errors|Since|Notes?|Examples?|TODO):(?!:)|Since (?=\d))[^\S\n]*/y;

/** Reads the line that names what is described; what stands behind the name belongs to the body. */
export function readLenientSymbol(reading: Reading, line: DocLine, builder: DocBuilder): boolean {
  const found = match(symbolLine, reading.file.text, line.start);
  if (!found) return false;
  const [whole, name = '', colon] = found;
  const rest = Math.min(line.start + whole.length, line.end);
  if (name === '') reportLine(reading, 'missing-symbol', {}, line);
  else if (colon === '' || rest < line.end) reportLine(reading, 'symbol-without-colon', {}, line);
  if (name !== '') builder.describe(name, line.start + 1);
  builder.startBody(rest);
  return true;
}

export function readLenientFreeForm(reading: Reading, { start, end }: Chunk, builder: DocBuilder): void {
  for (const { line } of noteworthyLines(reading, start, end)) {
    const described = match(description, reading.file.text, line.start);
    if (described) reportLine(reading, 'description-in-free-form', { name: described[1] as string }, line);
  }
  builder.extend(end);
}

/** Reads what follows the line with the name of what is described. */
export function readLenientDefinition(reading: Reading, symbol: DocLine, end: number, builder: DocBuilder): void {
  const reader = new LenientReader(reading, builder);
  for (const { line, before, afterBlank } of noteworthyLines(reading, symbol.end, end))
    reader.line(line, before, afterBlank);
  builder.extend(end);
  for (const part of builder.parts) {
    const { kind, name, line, filled } = part;
    if (line && name !== undefined && kind !== 'discarded' && !filled) {
      reportLine(reading, 'empty-section', { section: label(part) }, line);
    }
  }
}

/** A line that can start a section, and where the text before it ends. */
interface Noteworthy {
  readonly line: DocLine;
  readonly before: number;
  readonly afterBlank: boolean;
}

function noteworthyLines(reading: Reading, start: number, end: number): Noteworthy[] {
  const { text } = reading.file;
  const lines: Noteworthy[] = [];
  const region = text.slice(start, end);
  noteworthy.lastIndex = 0;
  for (let found = noteworthy.exec(region); found; found = noteworthy.exec(region)) {
    const from = start + noteworthy.lastIndex;
    const separated = text[from - 1] === ' ';
    const line = lineAt(text, from - (separated ? 2 : 1), from);
    if (!separated) reportLine(reading, 'doc-without-blank', {}, line);
    lines.push({ line, before: start + found.index, afterBlank: found[1] !== undefined });
  }
  return lines;
}

/** A line whose text starts at `start`, or behind a blank there. */
export function lineAt(text: string, hash: number, start: number): DocLine {
  const from = text[start] === ' ' ? start + 1 : start;
  return { hash, start: from, end: trimEnd(text, from, lineEnd(text, from)) };
}

function match(pattern: RegExp, text: string, start: number): RegExpExecArray | null {
  pattern.lastIndex = start;
  return pattern.exec(text);
}

/** Where the reader of a definition's documentation is. */
type Place = 'body' | 'arguments' | 'features' | 'sections';

class LenientReader {
  readonly #reading: Reading;
  readonly #text: string;
  readonly #builder: DocBuilder;
  #place: Place = 'body';
  /** Whether the current section with a tag goes on with unindented text; undefined until there is some. */
  #goesOn: boolean | undefined;

  constructor(reading: Reading, builder: DocBuilder) {
    this.#reading = reading;
    this.#text = reading.file.text;
    this.#builder = builder;
  }

  line(line: DocLine, before: number, afterBlank: boolean): void {
    if (this.#text[line.start] === '@' && this.#description(line, before, afterBlank)) return;
    if (this.#features(line, before, afterBlank) || this.#tagged(line, before)) return;
    if (!afterBlank) return;
    this.#builder.extend(before);
    if (!this.#endsHere(this.#builder.current, before)) return;
    this.#place = 'sections';
    this.#builder.start('section', line, undefined, line.start);
  }

  #description(line: DocLine, before: number, afterBlank: boolean): boolean {
    const { current } = this.#builder;
    if (this.#place === 'sections' && current.name === undefined && !afterBlank) return false;
    const found = match(description, this.#text, line.start);
    if (!found) return false;
    const name = found[1] as string;
    this.#builder.extend(before);
    if (this.#place === 'sections') {
      const section = current.name === undefined ? 'the text that follows them' : `'${label(current)}'`;
      reportLine(this.#reading, 'description-after-section', { name, section }, line);
    }
    const kind = this.#place === 'features' ? 'feature' : 'argument';
    if (kind === 'argument') this.#place = 'arguments';
    startDescription(this.#reading, this.#builder, kind, name, line, Math.min(line.start + found[0].length, line.end));
    return true;
  }

  #features(line: DocLine, before: number, afterBlank: boolean): boolean {
    if (line.end !== line.start + 9 || !this.#text.startsWith('Features:', line.start)) return false;
    if (this.#place !== 'body' && !afterBlank) return false;
    this.#builder.extend(before);
    this.#builder.start('discarded', line, 'Features', line.end);
    this.#place = 'features';
    return true;
  }

  #tagged(line: DocLine, before: number): boolean {
    const found = match(tag, this.#text, line.start);
    if (!found) return false;
    this.#builder.extend(before);
    this.#place = 'sections';
    this.#goesOn = undefined;
    const start = Math.min(line.start + found[0].length, line.end);
    startTagged(this.#reading, this.#builder, found[1] ?? 'Since', line, start);
    return true;
  }

  /** Whether unindented text after a blank line belongs to the current section no more. */
  #endsHere(part: Part, before: number): boolean {
    if (part.name === undefined) return false;
    if (this.#place !== 'sections') return true;
    this.#goesOn ??= this.#goesOnUnindented(part, before);
    return !this.#goesOn;
  }

  /**
   * Up to 8.2 a section with a tag goes on up to the next one, from 9.0 its text is indented: its second line tells. Without
   * one, text on the line of the tag looks complete, but an example does not.
   */
  #goesOnUnindented({ name, line, filled }: Part, before: number): boolean {
    const second = secondLine.exec(this.#text.slice(line?.end, before));
    return second ? second[1] === '' : !filled || name?.startsWith('Example') === true;
  }
}
