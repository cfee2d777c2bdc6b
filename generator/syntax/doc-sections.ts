import type { DiagnosticName, DiagnosticParameters } from '../text/diagnostic.js';
import type { DocBlock } from './doc-block.js';
import type { DocComment } from './doc-builder.js';
import { DocBuilder, type DocLine, isEmpty, label } from './doc-builder.js';
import { readSymbol, reportLine, startDescription, startTagged } from './doc-rules.js';
import { phase } from './problem.js';
import type { Reading } from './reading.js';
import { tokenAfter } from './white-space.js';

const description = /^@([^:]*): */;

/** Reads a documentation block as 9.0 and later do: paragraph by paragraph. */
export function readDocumentation(source: Reading, comment: DocComment): DocBlock[] {
  const lines = comment.lines.map((line) => ({ ...line, text: line.text.trimEnd() }));
  const builder = new DocBuilder(source.file, comment.start);
  const reader = new DocumentationReader(source, { ...comment, lines }, builder);
  if (readSymbol(source, lines[0], builder)) reader.definition();
  else reader.freeForm();
  return [builder.finish(comment.end)];
}

/** Walks the lines of a block. Every method starts at the current line and leaves the first one that it does not take. */
class DocumentationReader {
  readonly #source: Reading;
  readonly #comment: DocComment;
  readonly #builder: DocBuilder;
  readonly #tag: RegExp;
  #next = 0;

  constructor(source: Reading, comment: DocComment, builder: DocBuilder) {
    this.#source = source;
    this.#comment = comment;
    this.#builder = builder;
    this.#tag = source.dialect.has('outdated sections')
      ? /^(Returns|Errors|Since|Notes?|Examples?|TODO)(?!::): */
      : /^(Returns|Errors|Since|Notes?|Examples?|TODO): */;
  }

  get #line(): DocLine | undefined {
    return this.#comment.lines[this.#next];
  }

  freeForm(): void {
    const checked = this.#source.dialect.has('headings checked');
    for (let line = this.#line; line; this.#next++, line = this.#line) {
      const described = description.exec(line.text);
      if (described) this.#report('description-in-free-form', { name: described[1] as string }, line);
      if (checked && line.text.startsWith('=') && this.#next > 0) {
        this.#report('misplaced-heading', { rule: 'it comes first in its documentation block' }, line);
      }
      this.#builder.add(line);
    }
  }

  definition(): void {
    let after: string | undefined;
    this.#next = 1;
    for (;;) {
      this.#skipBlank();
      const line = this.#line;
      if (!line) break;
      const described = description.exec(line.text);
      const tagged = this.#tag.exec(line.text);
      if (line.text === 'Features:') {
        this.#features(line);
        after = 'features';
      } else if (described) {
        if (after !== undefined) {
          this.#report('description-after-section', { name: described[1] as string, section: after }, line);
        }
        this.#descriptions('argument');
        after ??= 'what follows them';
      } else if (tagged) {
        this.#tagged(line, tagged);
        after = `'${tagged[1]}:'`;
      } else {
        if (line.text.startsWith('=') && this.#source.dialect.has('headings checked')) {
          this.#report('misplaced-heading', { rule: 'it belongs into a documentation block of its own' }, line);
        }
        this.#paragraph(line);
      }
    }
    this.#checkEmpty();
  }

  #skipBlank(): void {
    while (this.#line?.text === '') {
      this.#builder.add(this.#line);
      this.#next++;
    }
  }

  #features(line: DocLine): void {
    if (this.#builder.sections.some(({ kind }) => kind === 'feature')) {
      this.#report('repeated-section', { tag: 'Features' }, line);
    }
    this.#next++;
    this.#skipBlank();
    const first = this.#line;
    if (first && description.test(first.text)) {
      this.#descriptions('feature');
    } else {
      const { close, end } = this.#comment;
      const found = first
        ? ([first.start, first.start + first.text.length] as const)
        : ([close, Math.max(close, end)] as const);
      const when = { at: first ? first.hash : close, phase: phase.look };
      this.#source.problems.report('features-without-description', {}, found, when);
    }
  }

  #descriptions(kind: 'argument' | 'feature'): void {
    for (let line = this.#line; line; line = this.#line) {
      const described = description.exec(line.text);
      if (!described) return;
      const name = described[1] as string;
      startDescription(this.#source, this.#builder, kind, name, line, line.text.slice(described[0].length));
      this.#indented();
    }
  }

  #tagged(line: DocLine, match: RegExpExecArray): void {
    const tag = match[1] as string;
    if (/^(Note|Example)/.test(tag) && this.#source.dialect.has('outdated sections')) {
      this.#report(
        'outdated-section',
        { tag, markup: tag.startsWith('Note') ? '.. note::' : '.. qmp-example::' },
        line,
      );
    }
    startTagged(this.#source, this.#builder, tag, line, line.text.slice(match[0].length));
    this.#indented();
  }

  /** The lines after the first of a section: as long as they are indented like the first of them. */
  #indented(): void {
    this.#next++;
    this.#skipBlank();
    const first = this.#line;
    const least = first ? indentation(first.text) : 0;
    if (!first || least === 0) return;
    this.#builder.add(first);
    this.#next++;
    let follows = true;
    for (let line = this.#line; line; this.#next++, line = this.#line) {
      if (description.test(line.text)) return;
      if (line.text !== '' && indentation(line.text) < least) {
        // The reference only notices directly below the line that sets the indentation; further down, the section ends.
        if (!follows) return;
        this.#report('unexpected-dedent', { least }, line);
      }
      this.#builder.add(line);
      follows = false;
    }
  }

  #paragraph(first: DocLine): void {
    const { current } = this.#builder;
    if (current.kind !== 'body' && (current.kind !== 'section' || current.name !== undefined)) {
      this.#builder.startUntagged(first);
      this.#next++;
    }
    for (let line = this.#line; line && line.text !== ''; this.#next++, line = this.#line) this.#builder.add(line);
  }

  #checkEmpty(): void {
    const { problems, file, dialect } = this.#source;
    for (const section of this.#builder.sections) {
      const { line } = section;
      if (!line || section.kind === 'discarded' || !isEmpty(section)) continue;
      const at = tokenAfter(file.text, this.#comment.end, dialect.has('decoded text'));
      const when = { at, phase: phase.finish };
      problems.report('empty-section', { section: label(section) }, [line.start, line.start + line.text.length], when);
    }
  }

  #report<N extends DiagnosticName>(name: N, parameters: DiagnosticParameters<N>, line: DocLine): void {
    reportLine(this.#source, name, parameters, line);
  }
}

function indentation(text: string): number {
  return text.length - text.trimStart().length;
}
