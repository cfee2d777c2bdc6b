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
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wellFormed = isUtf8(bytes);
  if (!dialect.has('decoded text')) {
    // Bytes whose meaning does not matter: one character for each keeps the columns right.
    if (!wellFormed) return { file: new SourceFile(path, buffer.toString('latin1'), 'reference') };
    return { file: new SourceFile(path, buffer.toString('utf8'), dialect.columns) };
  }
  // A byte order mark is not skipped: the reference does not skip it either.
  const text = buffer.toString('utf8');
  const file = new SourceFile(path, withLineFeeds(text), dialect.columns);
  if (wellFormed) return { file };
  const start = withLineFeeds(text.slice(0, firstMalformed(text, buffer))).length;
  const severity = dialect.name === 'auto' ? 'warning' : 'error';
  return { file, problem: diagnostic('malformed-encoding', {}, { file, start, end: start + 1 }, { severity }) };
}

function withLineFeeds(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
}

/** The first replacement character of a decoded text that the bytes do not spell. */
function firstMalformed(text: string, bytes: Buffer): number {
  let counted = 0;
  let length = 0;
  for (let found = text.indexOf('\ufffd'); found !== -1; found = text.indexOf('\ufffd', found + 1)) {
    length += Buffer.byteLength(text.slice(counted, found));
    counted = found;
    if (bytes.toString('latin1', length, length + 3) !== '\u00ef\u00bf\u00bd') return found;
  }
  return 0;
}
