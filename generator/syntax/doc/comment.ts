import type { DocBlock } from '../doc-block.js';
import { phase } from '../problem.js';
import type { Reading } from '../reading.js';
import { lastLineEnd, lineEnd, skipWhiteSpace, trimEnd } from '../white-space.js';
import type { DocComment } from './builder.js';
import { checkLineFormat } from './line-format.js';
import type { DocLine } from './part.js';
import { reportUnclosed } from './rules.js';
import { readDocumentation } from './sections.js';
import { readLegacyDocumentation } from './sections-legacy.js';

/** Reads the documentation comment that starts at `start`, as the releases from 2.9 on do. Up to 8.2 one comment can hold several blocks. */
export function readDocComment(reading: Reading, start: number): { readonly blocks: DocBlock[]; readonly end: number } {
  const comment = scanComment(reading, start);
  const { dialect } = reading;
  if (dialect.has('documentation lines checked')) checkLineFormat(reading, comment.lines);
  const read = dialect.has('documentation by paragraphs') ? readDocumentation : readLegacyDocumentation;
  const blocks = read(reading, comment);
  if (dialect.has('comment after documentation starts another')) checkNoComment(reading, blocks, comment.end);
  return { blocks, end: comment.end };
}

/** Release 9.0 takes a comment directly after a block for the start of another one. */
function checkNoComment({ file, dialect, problems }: Reading, blocks: readonly DocBlock[], end: number): void {
  const hash = skipWhiteSpace(file.text, end, dialect.has('decoded text'));
  if (file.text[hash] !== '#' || file.text[hash + 1] === '#') return;
  const block = blocks[blocks.length - 1];
  // Of a block that should be followed by a definition, the reference names the first line.
  const definition = block?.symbol && { span: block.span };
  const span = [hash, lineEnd(file.text, hash)] as const;
  const when = { at: hash, phase: block?.symbol ? phase.finish : phase.look } as const;
  const columns = definition && 'character';
  problems.report('comment-after-documentation', {}, span, when, { definition, ...(columns && { columns }) });
}

function scanComment(reading: Reading, start: number): DocComment {
  const { file, dialect, problems } = reading;
  const { text } = file;
  const decoded = dialect.has('decoded text');
  const opened = lineEnd(text, start);
  if (opened !== start + 2) {
    problems.report('text-after-doc-mark', { role: 'opens' }, [start, opened], { at: start, phase: phase.look });
  }
  const trimmed = dialect.has('documentation by paragraphs');
  const lines: DocLine[] = [];
  let end = opened;
  for (;;) {
    const hash = skipWhiteSpace(text, end, decoded);
    if (text[hash] !== '#') {
      reportUnclosed(reading, start, hash);
      return { lines, start, close: Math.min(hash, lastLineEnd(text)), end };
    }
    end = lineEnd(text, hash);
    if (text[hash + 1] === '#') {
      if (end !== hash + 2) {
        problems.report('text-after-doc-mark', { role: 'closes' }, [hash, end], { at: hash, phase: phase.look });
      }
      return { lines, start, close: hash, end };
    }
    const separated = end === hash + 1 || text[hash + 1] === ' ';
    if (!separated) problems.report('doc-without-blank', {}, [hash, end], { at: hash, phase: phase.look });
    const from = Math.min(hash + (separated ? 2 : 1), end);
    lines.push({ hash, start: from, end: trimmed ? trimEnd(text, from, end) : end });
  }
}
