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
  const utf8 = decodeUtf8(bytes);
  if (!dialect.has('decoded text')) {
    if (utf8 !== undefined) return { file: new SourceFile(path, utf8, dialect.columns) };
    // The input is bytes whose meaning nobody asks for: one character each keeps the columns right.
    return { file: new SourceFile(path, Buffer.from(bytes).toString('latin1'), 'reference') };
  }
  const text = utf8 ?? Buffer.from(bytes).toString('utf8');
  const file = new SourceFile(path, text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text, dialect.columns);
  if (utf8 !== undefined) return { file };
  const start = Math.max(file.text.indexOf('\ufffd'), 0);
  const severity = dialect.name === 'auto' ? 'warning' : 'error';
  return { file, problem: diagnostic('malformed-encoding', {}, { file, start, end: start + 1 }, { severity }) };
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    // The reference does not skip a byte order mark either.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
