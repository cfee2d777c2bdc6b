import { parseInline } from './inline.js';
import { singleLine } from './lines.js';
import type { Table, TableRow } from './tree.js';

/** Where a column begins and ends in a line. */
interface Column {
  readonly start: number;
  readonly end: number;
}

/** The texts of the rows, before and after the line under the head. */
interface Rows {
  readonly head: readonly (readonly string[])[];
  readonly rows: readonly (readonly string[])[];
}

/** Reads a table in either form of reStructuredText. One whose cells span rows or columns has no rows. */
export function parseTable(source: readonly string[]): Table {
  const lines = source.filter((line) => line !== '');
  const { head, rows } = (lines[0]?.startsWith('+') ? gridRows(lines) : simpleRows(lines)) ?? { head: [], rows: [] };
  const row = (cells: readonly string[]): TableRow => cells.map((cell) => parseInline(singleLine(cell)));
  return { kind: 'table', source, head: head.map(row), rows: rows.map(row) };
}

/** Columns under `====  ====`; a row goes on in lines with nothing in the first column. */
function simpleRows(lines: readonly string[]): Rows | undefined {
  const columns = columnsOf(lines[0] as string, /=+/g);
  const parts: string[][][] = [[]];
  for (const line of lines.slice(1)) {
    if (/^=+(\s+=+)*$/.test(line)) {
      parts.push([]);
      continue;
    }
    if (/^-+(\s+-+)*$/.test(line)) return undefined;
    const cells = columns.map(({ start, end }, index) =>
      line.slice(start, index === columns.length - 1 ? undefined : end),
    );
    const part = parts.at(-1) as string[][];
    const last = part.at(-1);
    if (cells[0]?.trim() === '' && last) part[part.length - 1] = joined(last, cells);
    else part.push(cells);
  }
  const filled = parts.filter((part) => part.length > 0);
  if (filled.length > 2) return undefined;
  return filled.length === 2 ? { head: filled[0] ?? [], rows: filled[1] ?? [] } : { head: [], rows: filled[0] ?? [] };
}

/** Cells between `|`, rows between `+---+`. */
function gridRows(lines: readonly string[]): Rows | undefined {
  const border = lines[0] as string;
  const columns = columnsOf(border, /[-=]+/g);
  let head: string[][] = [];
  let rows: string[][] = [];
  let row: string[] | undefined;
  for (const line of lines.slice(1)) {
    if (/^\+[-=+]+\+$/.test(line)) {
      // Other corners: cells of more than one column.
      if (line.replaceAll('=', '-') !== border.replaceAll('=', '-')) return undefined;
      if (row) rows.push(row);
      row = undefined;
      if (line.includes('=')) [head, rows] = [rows, []];
      continue;
    }
    if (columns.some(({ start, end }) => line[start - 1] !== '|' || line[end] !== '|')) return undefined;
    const cells = columns.map(({ start, end }) => line.slice(start, end));
    row = row ? joined(row, cells) : cells;
  }
  if (row) rows.push(row);
  return { head, rows };
}

function joined(row: readonly string[], more: readonly string[]): string[] {
  return row.map((text, index) => `${text} ${more[index]}`);
}

function columnsOf(border: string, run: RegExp): Column[] {
  return [...border.matchAll(run)].map(({ 0: { length }, index }) => ({ start: index, end: index + length }));
}
