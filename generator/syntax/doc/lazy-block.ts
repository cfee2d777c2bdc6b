import type { SourceFile, Span } from '../../text/source-file.js';
import type { DocArgument, DocBlock, DocSection } from '../doc-block.js';
import type { DocSymbol, Part } from './part.js';

/**
 * A part whose text is cut out of the file when it is asked for first: most are never asked for. Fields that others see are declared
 * without being defined, as those of syntactic values are.
 */
class LazyPart {
  readonly #file: SourceFile;
  readonly #hasName: boolean;
  readonly #start: number;
  readonly #end: number;
  #text: string | undefined;

  constructor(file: SourceFile, { name, start, end }: Part) {
    this.#file = file;
    this.#hasName = name !== undefined;
    this.#start = start;
    this.#end = end;
  }

  get text(): string {
    this.#text ??= cut(this.#file.text, this.#hasName, this.#start, this.#end);
    return this.#text;
  }

  protected spanFrom(start: number, end: number = this.#end): Span {
    return { file: this.#file, start, end };
  }
}

export class LazySection extends LazyPart implements DocSection {
  declare readonly tag?: string;
  readonly #at: number;

  constructor(file: SourceFile, part: Part) {
    super(file, part);
    if (part.name !== undefined) this.tag = part.name;
    this.#at = part.line?.start ?? part.start;
  }

  get span(): Span {
    return this.spanFrom(this.#at);
  }
}

export class LazyArgument extends LazyPart implements DocArgument {
  declare readonly name: string;
  readonly #at: number;

  constructor(file: SourceFile, part: Part) {
    super(file, part);
    const { name = '', line, start } = part;
    this.name = name;
    this.#at = line?.start ?? start;
  }

  get span(): Span {
    return this.spanFrom(this.#at, this.#at + 1 + this.name.length);
  }

  override get text(): string {
    return super.text.replace(optionalMarker, '');
  }
}

/** The text of its body is its own: that is a part like the others. */
export class LazyBlock extends LazyPart implements DocBlock {
  readonly #start: number;
  readonly #end: number;
  declare readonly comment: number;
  declare readonly symbol?: DocSymbol;
  declare readonly arguments: readonly DocArgument[];
  declare readonly features: readonly DocArgument[];
  declare readonly sections: readonly DocSection[];

  constructor(
    file: SourceFile,
    start: number,
    end: number,
    comment: number,
    body: Part,
    symbol: DocSymbol | undefined,
    parts: Pick<DocBlock, 'arguments' | 'features' | 'sections'>,
  ) {
    super(file, body);
    this.#start = start;
    this.#end = end;
    this.comment = comment;
    if (symbol) this.symbol = symbol;
    this.arguments = parts.arguments;
    this.features = parts.features;
    this.sections = parts.sections;
  }

  get span(): Span {
    return this.spanFrom(this.#start, this.#end);
  }

  get body(): string {
    return this.text;
  }
}

const optionalMarker = /^#optional[ ,:]*/;

/** The text of a part: without `# `, without blank lines around it and without the indentation that its lines share. */
function cut(text: string, hasName: boolean, start: number, end: number): string {
  const raw = text.slice(start, end);
  if (!raw.includes('\n')) return raw.trim();
  // What stands behind a name or tag says nothing about the indentation of the other lines.
  const first = hasName ? '' : '\n';
  const lines = (first + raw).replace(/\n\s*# ?/g, '\n').replace(/(?<![^\S\n])[^\S\n]+\n/g, '\n');
  if (hasName) return dedent(lines).trim();
  // An introduction is indented, and what follows it is not.
  const unindented = lines.search(/\n\S/);
  return (unindented === -1 ? dedent(lines) : dedent(lines.slice(0, unindented)) + lines.slice(unindented)).trim();
}

/** Takes away the indentation that all lines but the first share. */
function dedent(text: string): string {
  if (/\n\S/.test(text)) return text;
  let least = Number.POSITIVE_INFINITY;
  for (let line = text.indexOf('\n'); line >= 0; line = text.indexOf('\n', line + 1)) {
    let start = line + 1;
    while (text.charCodeAt(start) === 0x20) start++;
    if (/\S/.test(text.charAt(start))) least = Math.min(least, start - line - 1);
  }
  return least === Number.POSITIVE_INFINITY ? text : text.replaceAll(`\n${' '.repeat(least)}`, '\n');
}
