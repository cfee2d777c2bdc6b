import type { SourceFile } from '../../text/source-file.js';
import type { DocArgument, DocBlock, DocSection } from '../doc-block.js';
import { LazyArgument, LazyBlock, LazySection } from './lazy-block.js';
import type { DocLine, DocSymbol, Part, PartKind } from './part.js';

/** Whether a line has no text. */
export function isBlank({ start, end }: DocLine): boolean {
  return start === end;
}

/** How many blanks a line starts with. */
export function indentation(text: string, { start, end }: DocLine): number {
  let offset = start;
  while (offset < end && text.charCodeAt(offset) <= 0x20) offset++;
  return offset - start;
}

/** Whether the `#` at an offset starts its line. The caller has seen that nothing follows it. */
function isBlankComment(text: string, offset: number): boolean {
  if (text[offset] !== '#') return false;
  let before = offset;
  while (before > 0 && /[^\S\n]/.test(text[before - 1] as string)) before--;
  return before === 0 || text[before - 1] === '\n';
}

/** A documentation comment between its `##` lines. */
export interface DocComment {
  readonly lines: readonly DocLine[];
  /** The offset of the opening `##`. */
  readonly start: number;
  /** The offset of the token that ends the block: mostly the closing `##`. */
  readonly close: number;
  /** The offset after the closing `##`, if there is one. */
  readonly end: number;
}

/** So many parts are looked through one by one. */
const few = 16;

/** Collects a documentation block line by line. Texts are cut out of the file when they are read. */
export class DocBuilder {
  readonly #file: SourceFile;
  readonly #start: number;
  readonly #comment: number;
  readonly #body: Part;
  readonly #parts: Part[] = [];
  /** The kinds and names of the parts; made when there are many. */
  #names: Set<string> | undefined;
  /** The part that takes the next line of text. */
  current: Part;
  symbol: DocSymbol | undefined;

  /**
   * @param text where the text of the body starts
   * @param comment where the comment starts that holds the block
   */
  constructor(file: SourceFile, start: number, text: number, comment: number = start) {
    this.#file = file;
    this.#start = start;
    this.#comment = comment;
    this.#body = { kind: 'body', name: undefined, line: undefined, start: text, end: text, filled: false };
    this.current = this.#body;
  }

  /** Lets the text of the body start behind the line that names what is described. */
  startBody(offset: number): void {
    this.#body.start = offset;
    this.#body.end = offset;
  }

  /** Everything but the body, in order. */
  get parts(): readonly Part[] {
    return this.#parts;
  }

  /** Names what the block describes. `offset` is that of the name. */
  describe(name: string, offset: number): void {
    this.symbol = { name, span: { file: this.#file, start: offset, end: offset + name.length } };
  }

  /** Starts a part. Its text starts at `start`, which is the end of the line when the line has none. */
  start(kind: PartKind, line: DocLine, name: string | undefined, start: number): void {
    if (name !== undefined && this.#names) this.#names.add(`${kind} ${name}`);
    this.current = { kind, name, line, start, end: line.end, filled: start < line.end };
    this.#parts.push(this.current);
  }

  /** Adds a line that is not blank to the part that was started last. */
  add(line: DocLine): void {
    this.current.end = line.end;
    this.current.filled = true;
  }

  /** Adds all lines up to an offset to the part that was started last. */
  extend(offset: number): void {
    const { current } = this;
    const { text } = this.#file;
    let end = offset;
    while (end > current.start && (text.charCodeAt(end - 1) <= 0x20 || isBlankComment(text, end - 1))) end--;
    current.end = end;
    current.filled = end > current.start;
  }

  /** Whether a part of this kind and name exists. */
  has(kind: PartKind, name: string): boolean {
    if (!this.#names && this.#parts.length < few) {
      return this.#parts.some((part) => part.name === name && part.kind === kind);
    }
    this.#names ??= new Set(this.#parts.map((part) => `${part.kind} ${part.name}`));
    return this.#names.has(`${kind} ${name}`);
  }

  /** The block; `end` is the offset after its last character. */
  finish(end: number): DocBlock {
    const file = this.#file;
    const described: DocArgument[] = [];
    const features: DocArgument[] = [];
    const sections: DocSection[] = [];
    for (const part of this.#parts) {
      if (part.kind === 'argument') described.push(new LazyArgument(file, part));
      else if (part.kind === 'feature') features.push(new LazyArgument(file, part));
      else if (part.kind === 'section') sections.push(new LazySection(file, part));
    }
    const parts = { arguments: exactly(described), features: exactly(features), sections: exactly(sections) };
    return new LazyBlock(file, this.#start, end, this.#comment, this.#body, this.symbol, parts);
  }
}

const none: readonly never[] = [];

/** A list without the room that is kept for more. */
function exactly<T>(list: readonly T[]): readonly T[] {
  return list.length === 0 ? none : list.slice();
}

/** How a part starts. */
export function label({ kind, name }: Part): string {
  return kind === 'section' ? `${name}:` : `@${name}:`;
}
