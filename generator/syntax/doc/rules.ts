import type { DiagnosticDetails, DiagnosticName, DiagnosticParameters } from '../../text/diagnostic.js';
import { phase } from '../problem.js';
import type { Reading } from '../reading.js';
import { lastLineEnd } from '../white-space.js';
import type { DocBuilder } from './builder.js';
import type { DocLine } from './part.js';

/** Sections of which a block has one at most. */
const single = new Set(['Returns', 'Errors', 'Since']);

/** Reports a problem of a line of a documentation block: the comment, which the reference meets when it looks at it. */
export function reportLine<N extends DiagnosticName>(
  { problems }: Reading,
  name: N,
  parameters: DiagnosticParameters<N>,
  { hash, end }: DocLine,
  details?: DiagnosticDetails,
): void {
  problems.report(name, parameters, [hash, end], { at: hash, phase: phase.look }, details);
}

/** The reference prints no column with what it finds out about a section as a whole: from 9.0 on. */
export function ofSection({ dialect }: Reading): DiagnosticDetails {
  return dialect.has('documentation errors at the section') ? { columns: 'character' } : {};
}

/** Reports a block that something other than a comment ends, or the end of the file. */
export function reportUnclosed({ file, problems }: Reading, start: number, end: number): void {
  const at = Math.min(end, lastLineEnd(file.text));
  const found = end === file.text.length ? 'the end of the file' : 'what follows';
  const related = [{ message: 'the block starts here', span: { file, start, end: start + 2 } }];
  const span = [at, Math.min(at + 1, file.text.length)] as const;
  problems.report('unclosed-documentation', { found }, span, { at, phase: phase.finish }, { related });
}

/** Reads the first line of a block, if it is one that names what is described: `@SYMBOL:`. Tells whether it is. */
export function readSymbol(reading: Reading, line: DocLine | undefined, builder: DocBuilder): boolean {
  if (!line || reading.file.text[line.start] !== '@') return false;
  const { start, end } = line;
  const text = reading.file.text.slice(start, end);
  builder.startBody(end);
  const name = text.endsWith(':') ? text.slice(1, -1) : (text.slice(1).split(/[\s:]/, 1)[0] as string);
  if (!text.endsWith(':')) reportLine(reading, 'symbol-without-colon', {}, line);
  else if (name === '') reportLine(reading, 'missing-symbol', {}, line);
  if (name !== '') builder.describe(name, start + 1);
  return true;
}

/** Starts the description of a member or feature, unless the name is missing or repeated. Its text starts at `start`. */
export function startDescription(
  reading: Reading,
  builder: DocBuilder,
  kind: 'argument' | 'feature',
  name: string,
  line: DocLine,
  start: number,
): void {
  const repeated = builder.has(kind, name);
  if (name === '') reportLine(reading, 'description-without-name', {}, line, ofSection(reading));
  else if (repeated) reportLine(reading, 'repeated-description', { name }, line, ofSection(reading));
  builder.start(name === '' || repeated ? 'discarded' : kind, line, name, start);
}

/** Starts a section with a tag, unless there is one already and there can be one only. Its text starts at `start`. */
export function startTagged(reading: Reading, builder: DocBuilder, tag: string, line: DocLine, start: number): void {
  const repeated = single.has(tag) && builder.has('section', tag);
  if (repeated) reportLine(reading, 'repeated-section', { tag }, line, ofSection(reading));
  builder.start(repeated ? 'discarded' : 'section', line, tag, start);
}
