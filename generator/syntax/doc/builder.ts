import type { SourceFile, Span } from '../../text/source-file.js';
import type { DocArgument, DocBlock, DocSection } from '../doc-block.js';

/** A line of a documentation block, by offsets: of its `#`, of its text, and of the end of the text. */
export interface DocLine {
  readonly hash: number;
  readonly start: number;
  readonly end: number;
}

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

/** What a part of a documentation block is about. Text of `discarded` parts is lost. */
export type PartKind = 'body' | 'argument' | 'feature' | 'section' | 'discarded';

/** A part of a documentation block that is being collected. */
export interface Part {
  readonly kind: PartKind;
  /** The name of what is described, or the tag. The body and untagged sections have none. */
  readonly name: string | undefined;
  /** The line that it starts on; the body has none. */
  readonly line: DocLine | undefined;
  /** Where its text starts: behind the name or tag. */
  start: number;
  /** Where its text ends so far. */
  end: number;
  /** Whether it has any text. */
  filled: boolean;
}

/** So many parts are looked through one by one. */
const few = 16;

type DocSymbol = NonNullable<DocBlock['symbol']>;

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
    const block = new LazyBlock({ file, start: this.#start, end }, this.#comment, this.#body, this.symbol);
    for (const part of this.#parts) {
      if (part.kind === 'argument') block.arguments.push(new LazyArgument(file, part));
      else if (part.kind === 'feature') block.features.push(new LazyArgument(file, part));
      else if (part.kind === 'section') block.sections.push(new LazySection(file, part));
    }
    return block;
  }
}

/** A part whose text is cut out of the file when it is asked for first: most are never asked for. */
class LazyPart {
  readonly #file: SourceFile;
  readonly #part: Part;
  #text: string | undefined;

  constructor(file: SourceFile, part: Part) {
    this.#file = file;
    this.#part = part;
  }

  get text(): string {
    this.#text ??= cut(this.#file.text, this.#part);
    return this.#text;
  }
}

class LazySection extends LazyPart implements DocSection {
  readonly tag?: string;
  readonly span: Span;

  constructor(file: SourceFile, part: Part) {
    super(file, part);
    if (part.name !== undefined) this.tag = part.name;
    this.span = { file, start: part.line?.start ?? part.start, end: part.end };
  }
}

class LazyArgument extends LazyPart implements DocArgument {
  readonly name: string;
  readonly span: Span;

  constructor(file: SourceFile, part: Part) {
    super(file, part);
    const { name = '', line, start } = part;
    this.name = name;
    const at = line?.start ?? start;
    this.span = { file, start: at, end: at + 1 + name.length };
  }

  override get text(): string {
    return super.text.replace(optionalMarker, '');
  }
}

class LazyBlock implements DocBlock {
  readonly span: Span;
  readonly comment: number;
  readonly symbol?: DocSymbol;
  readonly arguments: DocArgument[] = [];
  readonly features: DocArgument[] = [];
  readonly sections: DocSection[] = [];
  readonly #body: LazyPart;

  constructor(span: Span, comment: number, body: Part, symbol: DocSymbol | undefined) {
    this.span = span;
    this.comment = comment;
    if (symbol) this.symbol = symbol;
    this.#body = new LazyPart(span.file, body);
  }

  get body(): string {
    return this.#body.text;
  }
}

const optionalMarker = /^#optional[ ,:]*/;

/** How a part starts. */
export function label({ kind, name }: Part): string {
  return kind === 'section' ? `${name}:` : `@${name}:`;
}

/** The text of a part: without `# `, without blank lines around it and without the indentation that its lines share. */
function cut(text: string, { name, start, end }: Part): string {
  const raw = text.slice(start, end);
  if (!raw.includes('\n')) return raw.trim();
  // What stands behind a name or tag says nothing about the indentation of the other lines.
  const first = name === undefined ? '\n' : '';
  const lines = (first + raw).replace(/\n\s*# ?/g, '\n').replace(/(?<![^\S\n])[^\S\n]+\n/g, '\n');
  if (name !== undefined) return dedent(lines).trim();
  // An introduction is indented, and what follows it is not.
  const unindented = lines.search(/\n\S/);
  return (unindented === -1 ? dedent(lines) : dedent(lines.slice(0, unindented)) + lines.slice(unindented)).trim();
}

/** Takes away the indentation that all lines but the first share. */
function dedent(text: string): string {
  if (/\n\S/.test(text)) return text;
  let least = Number.POSITIVE_INFINITY;
  for (const [, blanks] of text.matchAll(/\n( *)(?=\S)/g)) least = Math.min(least, (blanks as string).length);
  return least === Number.POSITIVE_INFINITY ? text : text.replaceAll(`\n${' '.repeat(least)}`, '\n');
}
