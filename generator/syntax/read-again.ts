import { readDocComment } from './doc/comment.js';
import type { FileItem, ParsedFile } from './parse-file.js';
import { compareMoments, phase } from './problem.js';
import type { Reading } from './reading.js';
import type { SyntaxObject } from './tree.js';
import { lastLineEnd, lineEnd, skipWhiteSpace } from './white-space.js';

/** What stands at the top level, and where it starts. */
type Found =
  | { readonly start: number; readonly item: Omit<FileItem & { kind: 'documentation' }, 'finished'> }
  | { readonly start: number; readonly item: Omit<FileItem & { kind: 'expression' }, 'finished'> };

/**
 * Reads a file whose expressions are known: nothing but comments stands between them.
 *
 * @returns undefined where something else stands there, which another release has taken for white space
 */
export function readAgain(reading: Reading, expressions: readonly SyntaxObject[]): ParsedFile | undefined {
  const { file, problems } = reading;
  const found: Found[] = [];
  let position: number | undefined = 0;
  for (const value of expressions) {
    position = readComments(reading, position, value.start, found);
    if (position !== value.start) return undefined;
    found.push({ start: position, item: { kind: 'expression', value, broken: false } });
    position = value.end;
  }
  if (readComments(reading, position, file.text.length, found) === undefined) return undefined;
  const end = lastLineEnd(file.text);
  // What comes before a token is finished when that token has been read.
  const at = (next: Found | undefined) => ({ at: next?.start ?? end, phase: phase.finish });
  return {
    items: found.map(({ item }, index): FileItem => ({ ...item, finished: at(found[index + 1]) })),
    problems: problems.found.sort(compareMoments),
    finished: at(undefined),
  };
}

/** Reads the comments up to an expression or the end of the file; returns the offset behind them, or undefined where there is more. */
function readComments(reading: Reading, from: number, until: number, found: Found[]): number | undefined {
  const { text } = reading.file;
  let position = skipWhiteSpace(text, from, true);
  while (position < until) {
    if (text[position] !== '#') return undefined;
    if (text[position + 1] === '#') {
      const { blocks, end } = readDocComment(reading, position);
      found.push({ start: position, item: { kind: 'documentation', blocks } });
      position = end;
    } else {
      position = lineEnd(text, position);
    }
    position = skipWhiteSpace(text, position, true);
  }
  return position;
}
