import type { DocBlock } from '../doc-block.js';
import { phase } from '../problem.js';
import type { Reading } from '../reading.js';
import type { DocComment } from './builder.js';
import { DocBuilder, indentation, isBlank, label } from './builder.js';
import type { DocLine, Part } from './part.js';
import { readSymbol, reportLine, startDescription, startTagged } from './rules.js';

const tagWord = /^(Returns|Since|Notes?|Examples?|TODO):/;

/** Reads a documentation comment as 2.9–8.2 do: line by line. From 5.2 a heading divides a free-form block. */
export function readLegacyDocumentation(reading: Reading, comment: DocComment): DocBlock[] {
  const blocks: DocBlock[] = [];
  const headings = reading.dialect.has('headings checked');
  let reader = new LegacyReader(reading, comment, comment.start, comment.lines[0]?.start ?? comment.close);
  for (const line of comment.lines) {
    if (headings && reading.file.text[line.start] === '=') {
      if (reader.builder.symbol) {
        reportLine(reading, 'misplaced-heading', { rule: 'it belongs into a documentation block of its own' }, line);
      } else if (!reader.empty) {
        blocks.push(reader.builder.finish(line.hash));
        reader = new LegacyReader(reading, comment, line.hash, line.start);
      }
    }
    reader.line(line);
  }
  reader.finish();
  blocks.push(reader.builder.finish(comment.end));
  return blocks;
}

/** Where the reader of a definition block is: what a line means depends on what came before. */
type Place = 'start' | 'free-form' | 'body' | 'arguments' | 'features' | 'sections';

class LegacyReader {
  readonly builder: DocBuilder;
  readonly #reading: Reading;
  readonly #text: string;
  readonly #comment: DocComment;
  #place: Place = 'start';
  /** The last line of the current section was blank. */
  #afterBlank = false;
  /** How far the lines of the current section are indented at least; undefined when the next line decides that. */
  #least: number | undefined = 0;

  constructor(reading: Reading, comment: DocComment, start: number, text: number) {
    this.builder = new DocBuilder(reading.file, start, text, comment.start);
    this.#text = reading.file.text;
    this.#reading = reading;
    this.#comment = comment;
  }

  get empty(): boolean {
    return this.#place === 'start';
  }

  line(line: DocLine): void {
    if (this.#place === 'start') {
      this.#place = 'free-form';
      if (readSymbol(this.#reading, line, this.builder)) {
        this.#place = 'body';
        return;
      }
    }
    if (isBlank(line)) {
      this.#afterBlank = true;
      return;
    }
    const text = this.#text.slice(line.start, line.end);
    if (this.#place === 'free-form' || !this.#startsSection(line, text)) this.#textLine(line, text);
    this.#afterBlank = text.trim() === '';
  }

  finish(): void {
    const { close, end } = this.#comment;
    this.#checkEnded(this.builder.current, close, [close, Math.max(close, end)]);
  }

  /** Takes a line that starts a section, or the list of features. */
  #startsSection(line: DocLine, text: string): boolean {
    const described = this.#described(text);
    if (described) {
      const [start, name] = described;
      if (this.#place === 'sections') {
        const first = this.builder.parts.find(({ kind }) => kind === 'section');
        const section = first?.name === undefined ? 'the text that follows them' : `'${label(first)}'`;
        reportLine(this.#reading, 'description-after-section', { name, section }, line);
      }
      const kind = this.#place === 'features' ? 'feature' : 'argument';
      if (kind === 'argument') this.#place = 'arguments';
      const ended = this.builder.current;
      startDescription(this.#reading, this.builder, kind, name, line, this.#behind(line, start));
      this.#checkEnded(ended, line.hash, [line.hash, line.end]);
      this.#firstLine(line, start);
      return true;
    }
    const tagged = this.#tagged(text);
    if (tagged) {
      const [start, tag] = tagged;
      this.#place = 'sections';
      const ended = this.builder.current;
      startTagged(this.#reading, this.builder, tag, line, this.#behind(line, start));
      this.#checkEnded(ended, line.hash, [line.hash, line.end]);
      this.#firstLine(line, start);
      return true;
    }
    if (this.#place === 'body') {
      if (text !== 'Features:' || !this.#reading.dialect.has('documented features')) return false;
      this.#place = 'features';
      return true;
    }
    if (this.#place === 'sections' || !this.#afterBlank || /^\s/.test(text)) return false;
    if (this.#place === 'arguments' && text === 'Features:' && this.#reading.dialect.has('documented features')) {
      this.#place = 'features';
      return true;
    }
    this.#place = 'sections';
    this.#checkEnded(this.builder.current, line.hash, [line.hash, line.end]);
    this.builder.start('section', line, undefined, line.start);
    this.#least = 0;
    this.#checkText(line, text);
    return true;
  }

  /** The length of `@NAME:` and the name, for a line that describes something. */
  #described(text: string): [length: number, name: string] | undefined {
    const match = this.#reading.dialect.has('section starts may hold blanks')
      ? /^@([^:]*):/.exec(text)
      : /^@([^ ]*):(?= |$)/.exec(text);
    return match ? [match[0].length, match[1] as string] : undefined;
  }

  #tagged(text: string): [length: number, tag: string] | undefined {
    const match = tagWord.exec(text);
    if (!match) return undefined;
    const next = text[match[0].length];
    if (next !== undefined && next !== ' ' && !this.#reading.dialect.has('section starts may hold blanks'))
      return undefined;
    return [match[0].length, match[1] as string];
  }

  /** Where the text behind a name or tag of a certain length starts. */
  #behind(line: DocLine, length: number): number {
    return Math.min(line.start + length + indentation(this.#text, { ...line, start: line.start + length }), line.end);
  }

  /** Looks at the text behind the colon of a section's first line. */
  #firstLine(line: DocLine, length: number): void {
    const { dialect } = this.#reading;
    const start = this.#behind(line, length);
    this.#least = 0;
    if (dialect.has('indentation set by the second line')) this.#least = undefined;
    else if (dialect.has('indentation set by the first line') && start < line.end) this.#least = start - line.start;
    if (start === line.end) return;
    const from = dialect.has('section starts may hold blanks') ? start : line.start + length;
    this.#checkText(line, this.#text.slice(from, line.end));
  }

  /** Takes a line of text into the current section. */
  #textLine(line: DocLine, text: string): void {
    this.#checkText(line, text);
    const { kind } = this.builder.current;
    if (kind !== 'body' && !(kind === 'section' && this.builder.current.name === undefined)) {
      const found = indentation(this.#text, line);
      if (this.#least === undefined) this.#least = found;
      else if (found < this.#least) reportLine(this.#reading, 'unexpected-dedent', { least: this.#least }, line);
    }
    if (text.trim() !== '') this.builder.add(line);
  }

  /** Text must not look like a description; releases up to 2.11 also look for the marker of older schemas. */
  #checkText(line: DocLine, text: string): void {
    const { dialect, file, problems } = this.#reading;
    const { current } = this.builder;
    const example = current.kind === 'section' && current.name?.startsWith('Example');
    const tested = dialect.has('indentation ignored') && !example ? text.trim() : text;
    const described = /^@(\S+):/.exec(tested);
    if (described) reportLine(this.#reading, 'description-in-free-form', { name: described[1] as string }, line);
    if (current.kind === 'argument' && text.includes('#optional') && dialect.has('optional markers forbidden')) {
      const marker = this.#text.indexOf('#optional', line.start);
      const when = { at: line.hash, phase: phase.look } as const;
      // The reference names the line where the block starts.
      const { start, end } = this.#comment;
      const definition = { span: { file, start, end } };
      const parameters = { name: current.name as string };
      problems.report('optional-marker', parameters, [marker, marker + 9], when, { definition, columns: 'character' });
    }
  }

  /** A section is found to be empty by what ends it. */
  #checkEnded(part: Part, at: number, ends: readonly [number, number]): void {
    if (!part.line || part.name === undefined || part.kind === 'discarded' || part.filled) return;
    const { start, end } = part.line;
    const { file, problems } = this.#reading;
    const related = [{ message: 'the section starts here', span: { file, start, end } }];
    problems.report('empty-section', { section: label(part) }, ends, { at, phase: phase.look }, { related });
  }
}
