/** Whether the reference takes a UTF-16 code unit for white space. Bytes have only that of ASCII. */
export function isWhiteSpace(code: number, decoded: boolean): boolean {
  if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) return true;
  if (!decoded || code < 0x1c) return false;
  // What Python's `isspace` adds to ASCII: four control characters, U+0085 and the separators of Unicode. Not U+FEFF.
  return code < 0x20 || code === 0x85 || (code >= 0xa0 && /\p{Z}/u.test(String.fromCharCode(code)));
}

/** The first offset from `position` on that holds no white space. */
export function skipWhiteSpace(text: string, position: number, decoded: boolean): number {
  for (let offset = position; offset < text.length; offset++) {
    const code = text.charCodeAt(offset);
    // Mostly it is one of these, or none.
    if (code !== 0x20 && code !== 0x0a && !isWhiteSpace(code, decoded)) return offset;
  }
  return Math.max(position, text.length);
}

/** The offset of the line end at or after `position`; the end of the text when there is none. */
export function lineEnd(text: string, position: number): number {
  const end = text.indexOf('\n', position);
  return end === -1 ? text.length : end;
}

/** The offset of the token at or after `position`: past white space and comments. The end of a file is its last line end. */
export function tokenAfter(text: string, position: number, decoded: boolean): number {
  let offset = skipWhiteSpace(text, position, decoded);
  while (text[offset] === '#' && text[offset + 1] !== '#')
    offset = skipWhiteSpace(text, lineEnd(text, offset), decoded);
  return Math.min(offset, lastLineEnd(text));
}

/** Where the reference sees the end of a file: at its last line end, which it supplies when there is none. */
export function lastLineEnd(text: string): number {
  return text.endsWith('\n') ? text.length - 1 : text.length;
}

/** The offset after the last character between two offsets that is no blank. */
export function trimEnd(text: string, start: number, end: number): number {
  let offset = end;
  while (offset > start && text.charCodeAt(offset - 1) <= 0x20) offset--;
  return offset;
}
