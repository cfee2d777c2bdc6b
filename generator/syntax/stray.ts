import { nearMiss } from '../text/near-miss.js';
import type { SourceFile } from '../text/source-file.js';
import { type Dialect, whenKnown } from './dialect.js';
import { phase } from './problem.js';
import type { Reading } from './reading.js';
import { isWhiteSpace, trimEnd } from './white-space.js';

/** Reports the text at `start`, which is no token, and returns the offset after it. At the top level it may be a whole sentence. */
export function readStray({ file, dialect, problems }: Reading, start: number, top: boolean): number {
  const { text } = file;
  const end = strayEnd(file, start, dialect.has('decoded text'), top);
  const found = text.slice(start, end);
  const hint = text[start - 1] === "'" ? "is a ' missing before or after this?" : hintFor(found, dialect);
  problems.report('stray-text', { text: describe(found) }, [start, end], { at: start, phase: phase.read }, { hint });
  return end;
}

/** Up to what could be a token again. A comment or string of other languages counts as one piece. */
function strayEnd(file: SourceFile, start: number, decoded: boolean, top: boolean): number {
  const { text } = file;
  const line = file.lineEndAt(start);
  if (text.startsWith('//', start) || text.startsWith('/*', start)) return line;
  if (text[start] === '"') {
    const quote = text.indexOf('"', start + 1);
    if (quote !== -1 && quote < line) return quote + 1;
  }
  let end = start + 1;
  while (end < line && !"{}[]:,'#".includes(text[end] as string)) {
    if (!top && isWhiteSpace(text.charCodeAt(end), decoded)) break;
    end++;
  }
  return trimEnd(text, start + 1, end);
}

function describe(found: string): string {
  const printable = /^[ -~]{0,40}/.exec(found)?.[0] ?? '';
  if (printable !== '') return printable === found ? `'${found}'` : `'${printable}…'`;
  const character = String.fromCodePoint(found.codePointAt(0) as number);
  const code = `U+${(character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')}`;
  return /\p{C}|\p{Z}/u.test(character) ? code : `'${character}' (${code})`;
}

function hintFor(found: string, dialect: Dialect): string | undefined {
  if (found.startsWith('\ufeff')) return 'save the file without a byte order mark';
  if (found.startsWith('"')) {
    return /^"[^"']*"$/.test(found)
      ? `write '${found.slice(1, -1)}': strings stand in single quotes`
      : "strings stand in single quotes: '…'";
  }
  if (/^\/[/*]|\w \w/.test(found)) return "comments start with '#'";
  if (/^[-+.]?\d/.test(found)) return `there are no numbers: write '${found}' in quotes`;
  if (found === ';') return "a comma separates, and nothing ends a definition but its '}'";
  if (found === '=') return "':' stands between a key and its value";
  if (!/^[\w*.-]+$/.test(found)) return undefined;
  const nullKnown = whenKnown('null literal', dialect);
  if (found === 'null' && nullKnown) return `'null' is ${nullKnown}: leave out what has no value`;
  const word = nearMiss(found, ['true', 'false']);
  return word === undefined ? `strings stand in single quotes: '${found}'` : `did you mean ${word}?`;
}
