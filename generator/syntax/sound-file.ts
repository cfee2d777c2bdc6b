import { readDocComment } from './doc/comment.js';
import { readLenientDocs } from './doc/lenient.js';
import type { FileItem, ParsedFile } from './parsed-file.js';
import { compareMoments, isMalformed, type Moment, phase } from './problem.js';
import type { Reading } from './reading.js';
import { soundExpressions } from './sound-expression.js';
import type { SyntaxObject } from './tree.js';
import { lastLineEnd, lineEnd, skipWhiteSpace } from './white-space.js';

/**
 * Reads a file in which nothing is wrong but documentation: it finds what `parseFile` finds, which takes three times as long.
 *
 * @returns undefined where something else is wrong, or differs between releases
 */
export function readSoundFile(reading: Reading): ParsedFile | undefined {
  return readItems(reading, soundExpressions(reading.file, reading.dialect.has('decoded text')));
}

/**
 * Reads a file whose expressions are known: nothing but comments stands between them.
 *
 * @returns undefined where something else stands there, which another release has taken for white space
 */
export function readAgain(reading: Reading, expressions: readonly SyntaxObject[]): ParsedFile | undefined {
  let count = 0;
  const parsed = readItems(reading, (start) => {
    const known = expressions[count++];
    return known?.start === start ? known : undefined;
  });
  return count === expressions.length ? parsed : undefined;
}

/** Reads comments; `expressionAt` reads what starts at the offset of something else. */
function readItems(
  reading: Reading,
  expressionAt: (start: number) => SyntaxObject | undefined,
): ParsedFile | undefined {
  const { file, dialect, problems } = reading;
  const { text } = file;
  const decoded = dialect.has('decoded text');
  const readDocs = dialect.has('documentation comments checked') ? readDocComment : readLenientDocs;
  const finished: Moment = { at: lastLineEnd(text), phase: phase.finish };
  const items: (FileItem & { finished: Moment })[] = [];
  let last: { finished: Moment } | undefined;
  const add = (start: number, item: FileItem): void => {
    // What comes before a token is finished when that token has been read.
    if (last) last.finished = { at: start, phase: phase.finish };
    items.push(item);
    last = item;
  };
  let position = skipWhiteSpace(text, 0, decoded);
  while (position < text.length) {
    const start = position;
    if (text[start] !== '#') {
      const value = expressionAt(start);
      if (!value) return undefined;
      add(start, { kind: 'expression', value, broken: false, finished });
      position = value.end;
    } else if (readDocs === readDocComment && text[start + 1] !== '#') {
      position = lineEnd(text, start);
    } else {
      const { blocks, end } = readDocs(reading, start);
      if (blocks.length > 0 || readDocs === readDocComment) add(start, { kind: 'documentation', blocks, finished });
      position = end;
    }
    position = skipWhiteSpace(text, position, decoded);
  }
  if (problems.found.some(isMalformed)) return undefined;
  return { items, problems: problems.found.sort(compareMoments), finished, plain: true };
}
