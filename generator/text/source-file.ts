/**
 * How the column of a position is counted.
 *
 * - `character`: every UTF-16 code unit is one column, as editors count. Used by the `auto` dialect.
 * - `reference`: every Unicode character is one column, but a tab sets the column to `(column + 7) mod 8 + 1`, as every release of the reference does.
 * - `reference-bytes`: like `reference`, counting UTF-8 bytes: releases up to 2.11 never decoded their input.
 */
export type ColumnRule = 'character' | 'reference' | 'reference-bytes';

/** A place in a file as people read it. Both numbers start at 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A text that diagnostics can point into. Offsets are UTF-16 code units from its start. */
export class SourceFile {
  /** The name under which the file is reported: as the user or the including file spelled it. */
  readonly path: string;
  readonly text: string;
  readonly columns: ColumnRule;
  #lineStarts: readonly number[] | undefined;
  /** The place that was asked for last. */
  #last: { readonly offset: number; readonly column: number } | undefined;

  constructor(path: string, text: string, columns: ColumnRule = 'character') {
    this.path = path;
    this.text = text;
    this.columns = columns;
  }

  /** Offsets at which the lines start; the first is 0. Only LF ends a line (the reader has normalised the others where the dialect does). */
  get lineStarts(): readonly number[] {
    if (this.#lineStarts === undefined) {
      const starts = [0];
      for (let i = this.text.indexOf('\n'); i !== -1; i = this.text.indexOf('\n', i + 1)) starts.push(i + 1);
      this.#lineStarts = starts;
    }
    return this.#lineStarts;
  }

  /** The number of the line (from 1) that holds an offset. An offset beyond the text belongs to the last line. */
  lineAt(offset: number): number {
    const starts = this.lineStarts;
    let low = 0;
    let high = starts.length;
    while (low + 1 < high) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  /** The offset of the line end at or after an offset; the end of the text when there is none. */
  lineEndAt(offset: number): number {
    const next = this.lineStarts[this.lineAt(offset)];
    return next === undefined ? this.text.length : next - 1;
  }

  /** The line and column of an offset. Columns are counted by this file's {@link ColumnRule}, unless another is given. */
  positionAt(offset: number, columns: ColumnRule = this.columns): Position {
    const line = this.lineAt(offset);
    const start = this.lineStarts[line - 1] as number;
    const end = Math.min(offset, this.text.length);
    if (columns === 'character') return { line, column: end - start + 1 };
    const last = this.#last;
    // Diagnostics come in order: counting goes on where it stopped, or a long line would be counted again for each of them.
    const known = last !== undefined && last.offset >= start && last.offset <= end;
    let column = known ? last.column : 1;
    for (let i = known ? last.offset : start; i < end; i++) {
      const code = this.text.charCodeAt(i);
      if (code === 0x09) column = ((column + 7) % 8) + 1;
      // A character outside the basic plane is one column, although it has two code units.
      else if (this.columns === 'reference') column += code >= 0xdc00 && code <= 0xdfff ? 0 : 1;
      else column += utf8Width(code);
    }
    this.#last = { offset: end, column };
    return { line, column };
  }

  /** The text of a line (from 1), without its line end. Empty when there is no such line. */
  lineText(line: number): string {
    const start = this.lineStarts[line - 1];
    if (start === undefined) return '';
    const next = this.lineStarts[line];
    return this.text.slice(start, next === undefined ? undefined : next - 1);
  }
}

/** UTF-8 bytes of a UTF-16 code unit; each half of a surrogate pair counts for two of the pair's four. */
function utf8Width(code: number): number {
  if (code < 0x80) return 1;
  if (code < 0x800 || (code >= 0xd800 && code <= 0xdfff)) return 2;
  return 3;
}

/** A stretch of a file: `start` is the first offset, `end` the one after the last. */
export interface Span {
  readonly file: SourceFile;
  readonly start: number;
  readonly end: number;
}
