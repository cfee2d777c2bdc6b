import type { DocBlock } from '../doc-block.js';
import type { Reading } from '../reading.js';
import { lineEnd, trimEnd } from '../white-space.js';
import { DocBuilder, isBlank } from './builder.js';
import {
  type Chunk,
  lineAt,
  readLenientDefinition,
  readLenientFreeForm,
  readLenientSymbol,
} from './lenient-sections.js';
import type { DocLine } from './part.js';
import { reportLine, reportUnclosed } from './rules.js';

/**
 * Documentation as any release wrote it. Before 2.9 no program read it: marks are missing or doubled, names lack their colon,
 * `#optional` precedes descriptions. Forms that no release accepts which reads documentation are reported; the caller decides
 * what becomes of that.
 *
 * Most lines are plain text, and only regular expressions look at them: this is where most of a schema is read.
 */
export interface LenientDocs {
  readonly blocks: DocBlock[];
  /** The offset of what follows. */
  readonly end: number;
}

/** The end of comments: a line that starts with something else. */
const otherLine = /\n[^\S\n]*(?=[^\s#])/g;
/** A line that opens or closes a block: `##`, with or without text behind it, or `###`, but no longer row. */
const markLine = /(?:^|\n)[^\S\n]*(?=##(?:#?(?:\n|$)|[^#\n]))/g;
/** A line with text. */
const textLine = /(?:^|\n)[^\S\n]*#[^\S\n]*(?=\S)/g;

/** Reads the comments at the top level from `start` up to the next token. Lines that start with `##` separate blocks. */
export function readLenientDocs(reading: Reading, start: number): LenientDocs {
  const { text } = reading.file;
  otherLine.lastIndex = start;
  const end = otherLine.test(text) ? otherLine.lastIndex : text.length;
  const blocks: DocBlock[] = [];
  let chunk: Chunk = { start: lineStart(text, start), end };
  let outside: Chunk | undefined;
  let opened: number | undefined;
  for (let mark = nextMark(text, chunk); mark; mark = nextMark(text, chunk)) {
    const before = { ...chunk, end: mark.hash };
    const role = opened === undefined ? 'opens' : 'closes';
    if (!isBlank(mark)) reportLine(reading, 'text-after-doc-mark', { role }, mark);
    if (opened === undefined) {
      outside = before;
      opened = mark.hash;
    } else {
      if (firstLine(text, before)) blocks.push(readBlock(reading, before, opened, mark.end));
      opened = undefined;
    }
    const says = opened !== undefined && text[mark.start] === '@';
    chunk = { start: mark.end, end, opening: says ? mark : undefined };
  }
  if (opened === undefined) {
    if (isNamed(text, chunk)) blocks.push(readUnmarked(reading, chunk));
  } else {
    reportUnclosed(reading, opened, end);
    if (firstLine(text, chunk)) blocks.push(readBlock(reading, chunk, opened, trimEnd(text, opened, end)));
    else if (outside && isNamed(text, outside)) blocks.push(readUnmarked(reading, outside));
  }
  return { blocks, end };
}

/** The line end before the comment at `start`; behind something else on its line, the line end after it. */
function lineStart(text: string, start: number): number {
  let offset = start;
  while (offset > 0 && /[^\S\n]/.test(text[offset - 1] as string)) offset--;
  return offset === 0 ? 0 : text[offset - 1] === '\n' ? offset - 1 : lineEnd(text, start);
}

function nextMark(text: string, chunk: Chunk): DocLine | undefined {
  const hash = endOfMatch(markLine, text, chunk);
  return hash === undefined ? undefined : lineAt(text, hash, hash + 2);
}

/** Where the first match in a chunk ends. Text behind the chunk is not searched, however far away the next match is. */
function endOfMatch(pattern: RegExp, text: string, { start, end }: Chunk): number | undefined {
  pattern.lastIndex = 0;
  return pattern.test(text.slice(start, end)) ? start + pattern.lastIndex : undefined;
}

function firstLine(text: string, chunk: Chunk): DocLine | undefined {
  if (chunk.opening) return chunk.opening;
  const from = endOfMatch(textLine, text, chunk);
  if (from === undefined) return undefined;
  return { hash: text.lastIndexOf('#', from - 1), start: from, end: trimEnd(text, from, lineEnd(text, from)) };
}

/** Whether comments are documentation without marks: only a line that is nothing but a name tells. */
function isNamed(text: string, chunk: Chunk): boolean {
  const line = firstLine(text, chunk);
  return line !== undefined && /^@[\w.-]+:?$/.test(text.slice(line.start, line.end));
}

function readUnmarked(reading: Reading, chunk: Chunk): DocBlock {
  const { text } = reading.file;
  return readBlock(reading, chunk, text.indexOf('#', chunk.start), trimEnd(text, chunk.start, chunk.end));
}

function readBlock(reading: Reading, chunk: Chunk, start: number, end: number): DocBlock {
  const { file } = reading;
  const builder = new DocBuilder(file, start, chunk.start);
  const first = firstLine(file.text, chunk);
  if (first && readLenientSymbol(reading, first, builder)) readLenientDefinition(reading, first, chunk.end, builder);
  else readLenientFreeForm(reading, chunk, builder);
  return builder.finish(end);
}
