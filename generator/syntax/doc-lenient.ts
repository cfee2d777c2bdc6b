import type { DocBlock } from './doc-block.js';
import { DocBuilder, type DocLine, isEmpty, label, type Section } from './doc-builder.js';
import { reportLine, startDescription, startTagged } from './doc-rules.js';
import { phase } from './problem.js';
import type { Reading } from './reading.js';
import { lastLineEnd, lineEnd, skipWhiteSpace } from './white-space.js';

/**
 * Documentation as any release wrote it. Before 2.9 nobody read it: marks are missing or doubled, names lack their colon,
 * `#optional` precedes descriptions. What no release that reads documentation accepts is reported; the caller decides
 * what becomes of that.
 */
export interface LenientDocs {
  readonly blocks: DocBlock[];
  /** The last block stands directly before what follows. */
  readonly end: number;
}

/** A line of a comment; those that start with `##` separate blocks. */
interface CommentLine extends DocLine {
  readonly mark: boolean;
}

/** Reads the comments at the top level from `start` up to the next token. */
export function readLenientDocs(source: Reading, start: number): LenientDocs {
  const { text } = source.file;
  const decoded = source.dialect.has('decoded text');
  const blocks: DocBlock[] = [];
  let lines: CommentLine[] = [];
  let outside: CommentLine[] = [];
  let opened: number | undefined;
  let offset = start;
  while (text[offset] === '#') {
    const line = readLine(text, offset);
    offset = lineEnd(text, offset);
    if (!line.mark) {
      if (opened !== undefined && line.text !== '' && text[line.hash + 1] !== ' ') {
        reportLine(source, 'doc-without-blank', {}, line);
      }
      lines.push(line);
    } else if (opened === undefined) {
      opened = line.hash;
      outside = lines;
      lines = checkMark(source, line, 'opens') ? [] : [line];
    } else {
      checkMark(source, line, 'closes');
      if (firstText(lines)) blocks.push(readBlock(source, lines, opened, offset));
      opened = undefined;
      lines = [];
    }
    offset = skipWhiteSpace(text, offset, decoded);
  }
  if (opened !== undefined) reportUnclosed(source, opened, offset);
  if (opened !== undefined && firstText(lines)) blocks.push(readBlock(source, lines, opened, endOf(lines)));
  else if (isNamed(lines)) blocks.push(readBlock(source, lines, startOf(lines), endOf(lines)));
  else if (isNamed(outside) && !firstText(lines))
    blocks.push(readBlock(source, outside, startOf(outside), endOf(outside)));
  return { blocks, end: offset };
}

function readLine(text: string, hash: number): CommentLine {
  const end = lineEnd(text, hash);
  const mark = text[hash + 1] === '#' && (text[hash + 2] !== '#' || end === hash + 3);
  const start = mark ? Math.min(hash + 2, end) : hash + 1;
  const blank = text[start] === ' ' ? 1 : 0;
  return { text: text.slice(start + blank, end).trimEnd(), start: start + blank, hash, mark };
}

/** Whether a mark has nothing behind it. What it has is taken for a line of the block. */
function checkMark(source: Reading, line: CommentLine, role: string): boolean {
  if (line.text === '') return true;
  reportLine(source, 'text-after-doc-mark', { role }, line);
  return line.text === '#';
}

function reportUnclosed({ file, problems }: Reading, opened: number, end: number): void {
  const at = Math.min(end, lastLineEnd(file.text));
  const found = end === file.text.length ? 'the end of the file' : 'what follows';
  problems.report(
    'unclosed-documentation',
    { found },
    [at, Math.min(at + 1, file.text.length)],
    { at, phase: phase.look },
    {
      related: [{ message: 'the block starts here', span: { file, start: opened, end: opened + 2 } }],
    },
  );
}

function firstText(lines: readonly CommentLine[]): CommentLine | undefined {
  return lines.find(({ text }) => text !== '');
}

/** Whether comments are documentation without marks: only a line that is nothing but a name tells. */
function isNamed(lines: readonly CommentLine[]): boolean {
  return /^@[\w.-]+:?$/.test(firstText(lines)?.text ?? '');
}

function startOf(lines: readonly CommentLine[]): number {
  return lines[0]?.hash ?? 0;
}

function endOf(lines: readonly CommentLine[]): number {
  const last = lines[lines.length - 1];
  return last ? last.start + last.text.length : 0;
}

const symbolLine = /^@([^\s:]*)\s*(:?)(.*)$/;
const description = /^@([^\s:]*)\s?:(?:\s+|$)/;
const tag = /^(?:(Returns|Errors|Since|Notes?|Examples?|TODO):(?!:)|Since (?=\d))\s*/;

/** Where the reader of a definition's documentation is. */
type Place = 'body' | 'arguments' | 'features' | 'sections';

function readBlock(source: Reading, lines: readonly CommentLine[], start: number, end: number): DocBlock {
  const builder = new DocBuilder(source.file, start);
  const first = lines.findIndex(({ text }) => text !== '');
  const rest = readLenientSymbol(source, lines[first], builder);
  if (rest) readDefinition(source, lines.slice(first + 1), rest, builder);
  else readFreeForm(source, lines, builder);
  return builder.finish(end);
}

/** Reads the name of what is described. The line that it returns is what stands behind the name. */
function readLenientSymbol(source: Reading, line: CommentLine | undefined, builder: DocBuilder): DocLine | undefined {
  const match = line && symbolLine.exec(line.text);
  if (!match) return undefined;
  const [, name = '', colon, rest = ''] = match;
  if (name === '') reportLine(source, 'missing-symbol', {}, line);
  else if (colon === '' || rest !== '') reportLine(source, 'symbol-without-colon', {}, line);
  if (name !== '') builder.describe(name, line.start + 1);
  const text = rest.trim();
  return { ...line, text, start: line.start + line.text.length - text.length };
}

function readFreeForm(source: Reading, lines: readonly CommentLine[], builder: DocBuilder): void {
  for (const line of lines) {
    const described = description.exec(line.text);
    if (described) reportLine(source, 'description-in-free-form', { name: described[1] as string }, line);
    builder.add(line);
  }
}

function readDefinition(source: Reading, lines: readonly CommentLine[], rest: DocLine, builder: DocBuilder): void {
  let place: Place = 'body';
  let afterBlank = rest.text === '';
  let continued = false;
  if (rest.text !== '') builder.add(rest);
  for (const line of lines) {
    const { text } = line;
    if (text === '') {
      builder.add(line);
      afterBlank = true;
      continue;
    }
    const { current } = builder;
    const untagged = place === 'sections' && current.name === undefined;
    const described = untagged && !afterBlank ? null : description.exec(text);
    const tagged = tag.exec(text);
    if (described) {
      const name = described[1] as string;
      if (place === 'sections') {
        const section = current.name === undefined ? 'the text that follows them' : `'${label(current)}'`;
        reportLine(source, 'description-after-section', { name, section }, line);
      }
      if (place !== 'features') place = 'arguments';
      startDescription(
        source,
        builder,
        place === 'features' ? 'feature' : 'argument',
        name,
        line,
        text.slice(described[0].length),
      );
      continued = false;
    } else if (tagged) {
      place = 'sections';
      startTagged(source, builder, tagged[1] ?? 'Since', line, text.slice(tagged[0].length));
      continued = false;
    } else if (text === 'Features:' && (place === 'body' || afterBlank)) {
      place = 'features';
    } else if (afterBlank && !/^\s/.test(text) && endsAtUnindented(current, place, continued)) {
      place = 'sections';
      builder.startUntagged(line);
    } else {
      builder.add(line);
      continued ||= /^\s/.test(text);
    }
    afterBlank = false;
  }
  for (const section of builder.sections) {
    const { line } = section;
    if (!line || section.name === undefined || section.kind === 'discarded' || !isEmpty(section)) continue;
    reportLine(source, 'empty-section', { section: label(section) }, line);
  }
}

/**
 * Whether unindented text after a blank line belongs to no section any more. Up to 8.2 a section with a tag goes on up to the
 * next one, from 9.0 its text is indented.
 */
function endsAtUnindented({ name, lines }: Section, place: Place, continued: boolean): boolean {
  if (place === 'body') return false;
  if (place !== 'sections' || continued) return name !== undefined;
  return name !== undefined && !name.startsWith('Example') && lines.some((line) => line !== '');
}
