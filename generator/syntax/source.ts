import { isUtf8 } from 'node:buffer';
import { type Diagnostic, diagnostic } from '../text/diagnostic.js';
import { SourceFile } from '../text/source-file.js';
import type { Dialect } from './dialect.js';

/** A file's text as the dialect reads it, and what is wrong with its encoding. */
export interface DecodedSource {
  readonly file: SourceFile;
  readonly problem?: Diagnostic;
}

/** Reads the bytes of a file as text. From 2.12 CRLF and lone CR end lines too; before, only LF does. */
export function decodeSource(path: string, bytes: Uint8Array, dialect: Dialect): DecodedSource {
  const wellFormed = isUtf8(bytes);
  // A byte order mark is not skipped: the reference does not skip it either.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(wellFormed ? 'utf8' : 'latin1');
  if (!dialect.has('decoded text')) {
    // Bytes whose meaning nobody asks for: one character for each keeps the columns right.
    return { file: new SourceFile(path, text, wellFormed ? dialect.columns : 'reference') };
  }
  const file = new SourceFile(path, text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text, dialect.columns);
  if (wellFormed) return { file };
  const start = wellFormedLength(file.text);
  const severity = dialect.name === 'auto' ? 'warning' : 'error';
  return { file, problem: diagnostic('malformed-encoding', {}, { file, start, end: start + 1 }, { severity }) };
}

/** How many of the characters, each of them a byte, are UTF-8. */
function wellFormedLength(bytes: string): number {
  let good = 0;
  let bad = bytes.length;
  while (good + 1 < bad) {
    const middle = (good + bad) >>> 1;
    if (isUtf8Start(bytes.slice(0, middle))) good = middle;
    else bad = middle;
  }
  return good;
}

/** Whether bytes are UTF-8, apart from a last character that may lack some of its bytes. */
function isUtf8Start(bytes: string): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(bytes, 'latin1'), { stream: true });
    return true;
  } catch {
    return false;
  }
}
