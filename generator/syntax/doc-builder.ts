import type { SourceFile } from '../text/source-file.js';
import type { DocArgument, DocBlock, DocSection } from './doc-block.js';

/** A line of a documentation block. */
export interface DocLine {
  /** What follows `# `. */
  readonly text: string;
  /** The offset of `text`. */
  readonly start: number;
  /** The offset of the `#`. */
  readonly hash: number;
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
  /** Whether a `##` closes the block. */
  readonly closed: boolean;
}

/** A part of a documentation block that is being collected. */
export interface Section {
  readonly kind: 'body' | 'argument' | 'feature' | 'section' | 'discarded';
  /** The name of what is described, or the tag. */
  readonly name?: string;
  /** The line that it starts on. */
  readonly line: DocLine | undefined;
  readonly lines: string[];
  end: number;
}

/** Collects a documentation block line by line. */
export class DocBuilder {
  readonly #file: SourceFile;
  readonly #start: number;
  readonly #body: Section = { kind: 'body', line: undefined, lines: [], end: 0 };
  readonly #sections: Section[] = [];
  /** The part that takes the next line of text. */
  current: Section = this.#body;
  symbol: DocBlock['symbol'];

  constructor(file: SourceFile, start: number) {
    this.#file = file;
    this.#start = start;
  }

  /** Everything but the body, in order. */
  get sections(): readonly Section[] {
    return this.#sections;
  }

  /** Names what the block describes. `offset` is that of the name. */
  describe(name: string, offset: number): void {
    this.symbol = { name, span: { file: this.#file, start: offset, end: offset + name.length } };
  }

  /** Starts a part that has a name or tag. `text` is what its first line has after that. */
  start(kind: Section['kind'], line: DocLine, name: string, text: string): void {
    this.current = { kind, name, line, lines: [text.trim()], end: line.start + line.text.length };
    this.#sections.push(this.current);
  }

  /** Starts a part without a tag. */
  startUntagged(line: DocLine): void {
    this.current = { kind: 'section', line, lines: [line.text.trimEnd()], end: line.start + line.text.length };
    this.#sections.push(this.current);
  }

  /** Adds a line to the part that was started last. */
  add(line: DocLine, text: string = line.text): void {
    this.current.lines.push(text.trimEnd());
    if (text !== '') this.current.end = line.start + line.text.length;
  }

  /** Whether a part of this kind and name exists. */
  has(kind: Section['kind'], name: string): boolean {
    return this.#sections.some((section) => section.kind === kind && section.name === name);
  }

  /** The block; `end` is the offset after its last character. */
  finish(end: number): DocBlock {
    const file = this.#file;
    const args: DocArgument[] = [];
    const features: DocArgument[] = [];
    const sections: DocSection[] = [];
    for (const section of this.#sections) {
      const { kind, name, line } = section;
      if (!line) continue;
      const text = textOf(section);
      if (kind === 'section') {
        sections.push({
          ...(name !== undefined && { tag: name }),
          text,
          span: { file, start: line.start, end: section.end },
        });
      } else if ((kind === 'argument' || kind === 'feature') && name !== undefined) {
        const span = { file, start: line.start, end: line.start + 1 + name.length };
        (kind === 'argument' ? args : features).push({ name, text: text.replace(optionalMarker, ''), span });
      }
    }
    return {
      span: { file, start: this.#start, end },
      ...(this.symbol && { symbol: this.symbol }),
      body: textOf(this.#body),
      arguments: args,
      features,
      sections,
    };
  }
}

const optionalMarker = /^#optional[ ,:]*/;

/** Whether a part has no text at all. */
export function isEmpty(section: Section): boolean {
  return section.lines.every((line) => line.trim() === '');
}

/** How a part starts. */
export function label({ kind, name }: Section): string {
  return kind === 'section' ? `${name}:` : `@${name}:`;
}

/** The text of a part: without blank lines around it and without the indentation that its lines share. */
function textOf(section: Section): string {
  // The first line stands after a name or tag and says nothing about the indentation of the others.
  const [first = '', ...rest] = section.name === undefined ? ['', ...section.lines] : section.lines;
  let indentation = Number.POSITIVE_INFINITY;
  for (const line of rest) if (line !== '') indentation = Math.min(indentation, line.search(/\S/));
  return [first, ...rest.map((line) => line.slice(indentation))].join('\n').replace(/^\n+|\s+$/g, '');
}
