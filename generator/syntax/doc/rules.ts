import type { DiagnosticName, DiagnosticParameters } from '../../text/diagnostic.js';
import { phase } from '../problem.js';
import type { Reading } from '../reading.js';
import type { DocBuilder, DocLine } from './builder.js';

/** Sections of which a block has one at most. */
const single = new Set(['Returns', 'Errors', 'Since']);

/** Reports a problem of a line of a documentation block: the comment, which the reference meets when it looks at it. */
export function reportLine<N extends DiagnosticName>(
  { problems }: Reading,
  name: N,
  parameters: DiagnosticParameters<N>,
  { hash, end }: DocLine,
): void {
  problems.report(name, parameters, [hash, end], { at: hash, phase: phase.look });
}

/** Reads the first line of a block, if it is one that names what is described: `@SYMBOL:`. Tells whether it is. */
export function readSymbol(source: Reading, line: DocLine | undefined, builder: DocBuilder): boolean {
  if (!line || source.file.text[line.start] !== '@') return false;
  const { start, end } = line;
  const text = source.file.text.slice(start, end);
  builder.startBody(end);
  const name = text.endsWith(':') ? text.slice(1, -1) : (text.slice(1).split(/[\s:]/, 1)[0] as string);
  if (!text.endsWith(':')) reportLine(source, 'symbol-without-colon', {}, line);
  else if (name === '') reportLine(source, 'missing-symbol', {}, line);
  if (name !== '') builder.describe(name, start + 1);
  return true;
}

/** Starts the description of a member or feature, unless the name is missing or repeated. Its text starts at `start`. */
export function startDescription(
  source: Reading,
  builder: DocBuilder,
  kind: 'argument' | 'feature',
  name: string,
  line: DocLine,
  start: number,
): void {
  const repeated = builder.has(kind, name);
  if (name === '') reportLine(source, 'description-without-name', {}, line);
  else if (repeated) reportLine(source, 'repeated-description', { name }, line);
  builder.start(name === '' || repeated ? 'discarded' : kind, line, name, start);
}

/** Starts a section with a tag, unless there is one already and there can be one only. Its text starts at `start`. */
export function startTagged(source: Reading, builder: DocBuilder, tag: string, line: DocLine, start: number): void {
  const repeated = single.has(tag) && builder.has('section', tag);
  if (repeated) reportLine(source, 'repeated-section', { tag }, line);
  builder.start(repeated ? 'discarded' : 'section', line, tag, start);
}
