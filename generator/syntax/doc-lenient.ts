import type { DocBlock } from './doc-block.js';
import { DocBuilder, type DocLine, isBlank, label, type Part } from './doc-builder.js';
import { reportLine, startDescription, startTagged } from './doc-rules.js';
import { phase } from './problem.js';
import type { Reading } from './reading.js';
import { lastLineEnd, lineEnd, skipWhiteSpace, trimEnd } from './white-space.js';

/**
 * Documentation as any release wrote it. Before 2.9 nobody read it: marks are missing or doubled, names lack their colon,
 * `#optional` precedes descriptions. What no release that reads documentation accepts is reported; the caller decides
 * what becomes of that.
 */
export interface LenientDocs {
  readonly blocks: DocBlock[];
  /** The offset of what follows. */
  readonly end: number;
}

/** Reads the comments at the top level from `start` up to the next token. Lines that start with `##` separate blocks. */
export function readLenientDocs(source: Reading, start: number): LenientDocs {
  const { text } = source.file;
  const decoded = source.dialect.has('decoded text');
  const blocks: DocBlock[] = [];
  let lines: DocLine[] = [];
  let outside: DocLine[] = [];
  let opened: number | undefined;
  let offset = start;
  while (text.charCodeAt(offset) === hash) {
    const end = lineEnd(text, offset);
    if (!isMark(text, offset, end)) {
      const line = readLine(text, offset, offset + 1, end);
      if (opened !== undefined && !isBlank(line) && line.start === offset + 1) {
        reportLine(source, 'doc-without-blank', {}, line);
      }
      lines.push(line);
    } else {
      const mark = readLine(text, offset, Math.min(offset + 2, end), end);
      if (!isBlank(mark))
        reportLine(source, 'text-after-doc-mark', { role: opened === undefined ? 'opens' : 'closes' }, mark);
      if (opened === undefined) {
        opened = offset;
        outside = lines;
        // What stands behind the mark is taken for a line of the block.
        lines = isBlank(mark) || text[mark.start] === '#' ? [] : [mark];
      } else {
        if (firstText(lines)) blocks.push(readBlock(source, lines, opened, end));
        opened = undefined;
        lines = [];
      }
    }
    offset = skipWhiteSpace(text, end, decoded);
  }
  if (opened !== undefined) reportUnclosed(source, opened, offset);
  if (opened !== undefined && firstText(lines)) blocks.push(readBlock(source, lines, opened, endOf(lines)));
  else if (isNamed(text, lines)) blocks.push(readBlock(source, lines, startOf(lines), endOf(lines)));
  else if (isNamed(text, outside) && !firstText(lines)) {
    blocks.push(readBlock(source, outside, startOf(outside), endOf(outside)));
  }
  return { blocks, end: offset };
}

const hash = 0x23;
const blank = 0x20;
const at = 0x40;
const colon = 0x3a;

/** Whether a comment opens or closes a block: `##`, with or without text behind it, or `###`, but no longer row. */
function isMark(text: string, start: number, end: number): boolean {
  if (text.charCodeAt(start + 1) !== hash) return false;
  return text.charCodeAt(start + 2) !== hash || end === start + 3;
}

/** A line whose text starts behind the blank at `start`, if there is one. */
function readLine(text: string, offset: number, start: number, end: number): DocLine {
  const from = text.charCodeAt(start) === blank && start < end ? start + 1 : start;
  return { hash: offset, start: from, end: trimEnd(text, from, end) };
}

function reportUnclosed({ file, problems }: Reading, opened: number, end: number): void {
  const until = Math.min(end, lastLineEnd(file.text));
  const found = end === file.text.length ? 'the end of the file' : 'what follows';
  const related = [{ message: 'the block starts here', span: { file, start: opened, end: opened + 2 } }];
  const span = [until, Math.min(until + 1, file.text.length)] as const;
  problems.report('unclosed-documentation', { found }, span, { at: until, phase: phase.look }, { related });
}

function firstText(lines: readonly DocLine[]): DocLine | undefined {
  return lines.find((line) => !isBlank(line));
}

/** Whether comments are documentation without marks: only a line that is nothing but a name tells. */
function isNamed(text: string, lines: readonly DocLine[]): boolean {
  const first = firstText(lines);
  return first !== undefined && /^@[\w.-]+:?$/.test(text.slice(first.start, first.end));
}

function startOf(lines: readonly DocLine[]): number {
  return lines[0]?.hash ?? 0;
}

function endOf(lines: readonly DocLine[]): number {
  return lines[lines.length - 1]?.end ?? 0;
}

function readBlock(source: Reading, lines: readonly DocLine[], start: number, end: number): DocBlock {
  const builder = new DocBuilder(source.file, start, startOf(lines) + 1);
  const first = firstText(lines);
  if (first && readLenientSymbol(source, first, builder)) {
    new LenientReader(source, builder).read(lines, first);
  } else {
    readFreeForm(source, lines, builder);
  }
  return builder.finish(end);
}

const symbolLine = /@([^\s:]*)[^\S\n]*(:?)[^\S\n]*/y;
const tag = /(?:(Returns|Errors|Since|Notes?|Examples?|TODO):(?!:)|Since (?=\d))[^\S\n]*/y;
/** The letters that tags start with. */
const tagLetters = 'REFSNT';

function match(pattern: RegExp, text: string, { start }: DocLine): RegExpExecArray | null {
  pattern.lastIndex = start;
  return pattern.exec(text);
}

/** The offset of the colon of a line that starts with `@NAME:`; 0 when it does not. */
function descriptionColon(text: string, { start, end }: DocLine): number {
  if (text.charCodeAt(start) !== at) return 0;
  for (let offset = start + 1; offset < end; offset++) {
    const code = text.charCodeAt(offset);
    if (code === colon) return offset + 1 === end || text.charCodeAt(offset + 1) <= blank ? offset : 0;
    // Before 2.9 some descriptions have a blank before the colon.
    if (code <= blank && text.charCodeAt(offset + 1) !== colon) return 0;
  }
  return 0;
}

/** The offset of the first character behind `offset` that is no blank; the end of the line when there is none. */
function skipBlanks(text: string, offset: number, { end }: DocLine): number {
  let start = offset;
  while (start < end && text.charCodeAt(start) <= blank) start++;
  return start;
}

/** Reads the line that names what is described; what stands behind the name belongs to the body. */
function readLenientSymbol(source: Reading, line: DocLine, builder: DocBuilder): boolean {
  const found = match(symbolLine, source.file.text, line);
  if (!found) return false;
  const [whole, name = '', end] = found;
  const rest = Math.min(line.start + whole.length, line.end);
  if (name === '') reportLine(source, 'missing-symbol', {}, line);
  else if (end === '' || rest < line.end) reportLine(source, 'symbol-without-colon', {}, line);
  if (name !== '') builder.describe(name, line.start + 1);
  builder.startBody(rest);
  if (rest < line.end) builder.add(line);
  return true;
}

function readFreeForm(source: Reading, lines: readonly DocLine[], builder: DocBuilder): void {
  for (const line of lines) {
    const named = descriptionColon(source.file.text, line);
    if (named > 0) {
      const name = source.file.text.slice(line.start + 1, named).trimEnd();
      reportLine(source, 'description-in-free-form', { name }, line);
    }
    if (!isBlank(line)) builder.add(line);
  }
}

/** Where the reader of a definition's documentation is. */
type Place = 'body' | 'arguments' | 'features' | 'sections';

class LenientReader {
  readonly #source: Reading;
  readonly #text: string;
  readonly #builder: DocBuilder;
  #place: Place = 'body';
  #afterBlank = false;
  /** The current section has indented lines. */
  #indented = false;

  constructor(source: Reading, builder: DocBuilder) {
    this.#source = source;
    this.#text = source.file.text;
    this.#builder = builder;
  }

  /** Reads the lines behind the one with the name. */
  read(lines: readonly DocLine[], symbol: DocLine): void {
    for (const line of lines) {
      if (line.hash <= symbol.hash) continue;
      if (isBlank(line)) {
        this.#afterBlank = true;
        continue;
      }
      this.#line(line);
      this.#afterBlank = false;
    }
    for (const part of this.#builder.parts) {
      const { kind, name, line, filled } = part;
      if (!line || name === undefined || kind === 'discarded' || filled) continue;
      reportLine(this.#source, 'empty-section', { section: label(part) }, line);
    }
  }

  #line(line: DocLine): void {
    const first = this.#text.charCodeAt(line.start);
    if (first <= blank) {
      this.#builder.add(line);
      this.#indented = true;
    } else if (!(first === at && this.#description(line)) && !this.#tagged(line)) {
      this.#plain(line);
    }
  }

  #description(line: DocLine): boolean {
    const { current } = this.#builder;
    if (this.#place === 'sections' && current.name === undefined && !this.#afterBlank) return false;
    const named = descriptionColon(this.#text, line);
    if (named === 0) return false;
    const name = this.#text.slice(line.start + 1, named).trimEnd();
    if (this.#place === 'sections') {
      const section = current.name === undefined ? 'the text that follows them' : `'${label(current)}'`;
      reportLine(this.#source, 'description-after-section', { name, section }, line);
    }
    const kind = this.#place === 'features' ? 'feature' : 'argument';
    if (kind === 'argument') this.#place = 'arguments';
    startDescription(this.#source, this.#builder, kind, name, line, skipBlanks(this.#text, named + 1, line));
    this.#indented = false;
    return true;
  }

  #tagged(line: DocLine): boolean {
    if (!tagLetters.includes(this.#text[line.start] as string)) return false;
    if (this.#text.startsWith('Features:', line.start) && line.end === line.start + 9) {
      if (this.#place !== 'body' && !this.#afterBlank) return false;
      this.#place = 'features';
      return true;
    }
    const found = match(tag, this.#text, line);
    if (!found) return false;
    this.#place = 'sections';
    const start = Math.min(line.start + found[0].length, line.end);
    startTagged(this.#source, this.#builder, found[1] ?? 'Since', line, start);
    this.#indented = false;
    return true;
  }

  #plain(line: DocLine): void {
    if (this.#afterBlank && this.#endsHere(this.#builder.current)) {
      this.#place = 'sections';
      this.#builder.start('section', line, undefined, line.start);
    } else {
      this.#builder.add(line);
    }
  }

  /**
   * Whether unindented text after a blank line belongs to the current section no more. Up to 8.2 a section with a tag goes on
   * up to the next one, from 9.0 its text is indented.
   */
  #endsHere({ name, filled }: Part): boolean {
    if (name === undefined) return false;
    return this.#place !== 'sections' || this.#indented || (filled && !name.startsWith('Example'));
  }
}
