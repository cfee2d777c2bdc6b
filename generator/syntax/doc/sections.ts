import type { DiagnosticDetails, DiagnosticName, DiagnosticParameters } from '../../text/diagnostic.js';
import { whenKnown } from '../dialect.js';
import type { DocBlock } from '../doc-block.js';
import { phase } from '../problem.js';
import type { Reading } from '../reading.js';
import { tokenAfter } from '../white-space.js';
import type { DocComment } from './builder.js';
import { DocBuilder, indentation, isBlank, label } from './builder.js';
import type { DocLine } from './part.js';
import { ofSection, readSymbol, reportLine, startDescription, startTagged } from './rules.js';

const description = /@([^:\n]*): */y;
const tagged = /(Returns|Errors|Since|Notes?|Examples?|TODO): */y;
/** A second colon makes a tag plain markup. */
const taggedOnce = /(Returns|Errors|Since|Notes?|Examples?|TODO)(?!::): */y;

/** Reads a documentation block as 9.0 and later do: paragraph by paragraph. */
export function readDocumentation(reading: Reading, comment: DocComment): DocBlock[] {
  const [first] = comment.lines;
  const builder = new DocBuilder(reading.file, comment.start, first?.start ?? comment.close);
  const reader = new DocumentationReader(reading, comment, builder);
  if (readSymbol(reading, first, builder)) reader.definition();
  else reader.freeForm();
  return [builder.finish(comment.end)];
}

/** Walks the lines of a block. Every method starts at the current line and leaves the first one that it does not take. */
class DocumentationReader {
  readonly #reading: Reading;
  readonly #text: string;
  readonly #comment: DocComment;
  readonly #builder: DocBuilder;
  readonly #outdated: boolean;
  readonly #headings: boolean;
  readonly #introduced: boolean;
  #next = 0;

  constructor(reading: Reading, comment: DocComment, builder: DocBuilder) {
    this.#reading = reading;
    this.#text = reading.file.text;
    this.#comment = comment;
    this.#builder = builder;
    this.#outdated = reading.dialect.has('outdated sections');
    this.#headings = reading.dialect.has('headings checked');
    this.#introduced = reading.dialect.has('introductions');
  }

  get #line(): DocLine | undefined {
    return this.#comment.lines[this.#next];
  }

  freeForm(): void {
    for (let line = this.#line; line; this.#next++, line = this.#line) {
      const described = this.#match(description, line);
      if (described) this.#report('description-in-free-form', { name: described[1] as string }, line);
      if (this.#headings && this.#next > 0 && this.#text[line.start] === '=') {
        this.#report('misplaced-heading', { rule: 'it comes first in its documentation block' }, line);
      }
      if (!isBlank(line)) this.#builder.add(line);
    }
  }

  definition(): void {
    let after: string | undefined;
    if (this.#introduced) this.#indented();
    else this.#next = 1;
    for (let line = this.#skipBlank(); line; line = this.#skipBlank()) {
      const described = this.#match(description, line);
      const tag = this.#match(this.#outdated ? taggedOnce : tagged, line);
      if (this.#isFeatures(line)) {
        this.#features(line);
        after = 'the list of features';
      } else if (described) {
        if (after !== undefined) {
          this.#report('description-after-section', { name: described[1] as string, section: after }, line);
        }
        this.#descriptions('argument');
        after ??= 'the text that follows them';
      } else if (tag) {
        this.#tagged(line, tag);
        after = `'${tag[1]}:'`;
      } else {
        if (this.#headings && this.#text[line.start] === '=') {
          this.#report('misplaced-heading', { rule: 'it belongs into a documentation block of its own' }, line);
        }
        this.#paragraph(line);
      }
    }
    this.#checkEmpty();
  }

  #isFeatures({ start, end }: DocLine): boolean {
    return end === start + 9 && this.#text.startsWith('Features:', start);
  }

  /** The current line, or the first one after it that is not blank. */
  #skipBlank(): DocLine | undefined {
    let line = this.#line;
    while (line && isBlank(line)) {
      this.#next++;
      line = this.#line;
    }
    return line;
  }

  #features(line: DocLine): void {
    if (this.#builder.parts.some(({ kind }) => kind === 'feature')) {
      this.#report('repeated-section', { tag: 'Features' }, line);
    }
    this.#next++;
    const first = this.#skipBlank();
    if (first && this.#match(description, first)) {
      this.#descriptions('feature');
    } else if (first) {
      this.#report('features-without-description', {}, first);
    } else {
      const { close, end } = this.#comment;
      const found = [close, Math.max(close, end)] as const;
      this.#reading.problems.report('features-without-description', {}, found, { at: close, phase: phase.look });
    }
  }

  #descriptions(kind: 'argument' | 'feature'): void {
    for (let line = this.#line; line; line = this.#line) {
      const described = this.#match(description, line);
      if (!described) return;
      startDescription(this.#reading, this.#builder, kind, described[1] as string, line, textStart(line, described));
      this.#indented();
    }
  }

  #tagged(line: DocLine, match: RegExpExecArray): void {
    const tag = match[1] as string;
    if (this.#outdated && /^(?:Note|Example)/.test(tag)) {
      const markup = tag.startsWith('Note') ? '.. note::' : '.. qmp-example::';
      const hint = `sections '${tag}:' are ${whenKnown('sections of notes and examples', this.#reading.dialect)}`;
      this.#report('outdated-section', { tag, markup }, line, { hint });
    }
    startTagged(this.#reading, this.#builder, tag, line, textStart(line, match));
    this.#indented();
  }

  /** The lines after the current one, which starts a section: as long as they are indented like the first of them. */
  #indented(): void {
    this.#next++;
    const first = this.#skipBlank();
    const least = first ? indentation(this.#text, first) : 0;
    if (!first || least === 0) return;
    this.#builder.add(first);
    this.#next++;
    let follows = true;
    for (let line = this.#line; line; this.#next++, line = this.#line) {
      if (this.#match(description, line)) return;
      if (!isBlank(line)) {
        if (indentation(this.#text, line) < least) {
          // The reference only notices directly below the line that sets the indentation; further down, the section ends.
          if (!follows) return;
          this.#report('unexpected-dedent', { least }, line);
        }
        this.#builder.add(line);
      }
      follows = false;
    }
  }

  #paragraph(first: DocLine): void {
    const { kind, name } = this.#builder.current;
    if (kind !== 'body' && (kind !== 'section' || name !== undefined)) {
      this.#builder.start('section', first, undefined, first.start);
    }
    for (let line = this.#line; line && !isBlank(line); this.#next++, line = this.#line) this.#builder.add(line);
  }

  #checkEmpty(): void {
    const { problems, file, dialect } = this.#reading;
    for (const part of this.#builder.parts) {
      const { line, kind, filled } = part;
      if (!line || kind === 'discarded' || filled) continue;
      const at = tokenAfter(file.text, this.#comment.end, dialect.has('decoded text'));
      const when = { at, phase: phase.finish } as const;
      problems.report(
        'empty-section',
        { section: label(part) },
        [line.start, line.end],
        when,
        ofSection(this.#reading),
      );
    }
  }

  #match(pattern: RegExp, { start }: DocLine): RegExpExecArray | null {
    pattern.lastIndex = start;
    return pattern.exec(this.#text);
  }

  #report<N extends DiagnosticName>(
    name: N,
    parameters: DiagnosticParameters<N>,
    line: DocLine,
    details?: DiagnosticDetails,
  ): void {
    reportLine(this.#reading, name, parameters, line, details);
  }
}

/** Where the text of a line starts behind a name or tag. */
function textStart(line: DocLine, match: RegExpExecArray): number {
  return Math.min(line.start + match[0].length, line.end);
}
