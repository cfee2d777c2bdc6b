import { phase } from '../problem.js';
import type { Reading } from '../reading.js';
import { indentation } from './builder.js';
import type { DocLine } from './part.js';

/** How many characters a line of documentation may have, counted from its `#`. */
const widest = 70;
/** The ends of sentences that one blank follows, and what looks like one: an abbreviation, a numbered item. */
const oneBlank = /(?:\be\.g\.|^ *\d\.|([.!?])) [A-Z0-9(]/g;
/** What literal text follows. */
const literalMark = /^(?:\.\. +qmp-example)? *::$/;
const loneUrl = /^ *(?:https?|ftp):\/\/[^ ]*$/;

/** Checks the lines of a documentation comment, which stand below each other, for their width and the blanks between sentences. */
export function checkLineFormat(reading: Reading, lines: readonly DocLine[]): void {
  const { text } = reading.file;
  // Most comments have nothing that could be wrong.
  if (!lines.some(isWide) && !hasOneBlank(text, lines)) return;
  const literal = new LiteralText();
  for (const line of lines) {
    const content = text.slice(line.start, line.end);
    if (!literal.holds(content, indentation(text, line))) checkLine(reading, line, content);
  }
}

function isWide({ hash, end }: DocLine): boolean {
  return end - hash > widest;
}

function hasOneBlank(text: string, lines: readonly DocLine[]): boolean {
  return /[.!?] [A-Z0-9(]/.test(text.slice(lines[0]?.start ?? 0, lines.at(-1)?.end ?? 0));
}

/** Knows which lines are literal: those below a mark that are indented like the first of them. */
class LiteralText {
  #state: 'none' | 'expected' | 'found' = 'none';
  #least = 0;

  /** Takes the next line, and says whether it is literal text or a mark of it. */
  holds(content: string, indented: number): boolean {
    if (literalMark.test(content)) {
      this.#state = 'expected';
    } else if (this.#state === 'expected' && content !== '') {
      this.#state = 'found';
      this.#least = indented;
    } else if (this.#state === 'found' && content !== '' && indented < this.#least) {
      this.#state = 'none';
    }
    return this.#state !== 'none';
  }
}

function checkLine(reading: Reading, line: DocLine, content: string): void {
  const { hash, start, end } = line;
  const { file, problems } = reading;
  const when = { at: hash, phase: phase.look } as const;
  if (isWide(line) && widthOf(content) > widest && !loneUrl.test(content)) {
    problems.report('long-documentation-line', { limit: widest }, [hash, end], when);
    return;
  }
  for (const found of content.matchAll(oneBlank)) {
    if (found[1] === undefined) continue;
    // The reference counts as if nothing stood before the `#`.
    const lineStart = file.text.lastIndexOf('\n', hash) + 1;
    const from = file.columns === 'character' ? hash : lineStart;
    const place = [from + 3 + found.index, start + found.index + 2] as const;
    problems.report('one-blank-after-sentence', {}, place, when);
    return;
  }
}

/** The characters of a line, its `# ` included. */
function widthOf(content: string): number {
  const pairs = content.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0;
  return '# '.length + content.length - pairs;
}
