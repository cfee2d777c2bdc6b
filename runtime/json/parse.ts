import { parseInteger } from './number.js';
import { isJsonObject, type JsonValue } from './value.js';

/** What may be an integer beyond the safe range, or stand in a string: then it costs time and nothing else. Fractions are none. */
const LONG = /(?:[^.\d]|^)\d{16}/;

/** A whole number of so many digits, or how C prints doubles that JSON has no form for. */
const TOKEN = /(?<![\w.+-])-?(?:\d{16,}(?![\d.eE])|inf|nan)(?!\w)/g;

const NOT_FINITE: Record<string, number> = { inf: Infinity, '-inf': -Infinity, nan: NaN, '-nan': NaN };

/** Whether the quote behind a piece of a string is a part of that string: behind an odd number of backslashes. */
function endsWithEscape(piece: string): boolean {
  let end = piece.length;
  while (piece[end - 1] === '\\') end--;
  return (piece.length - end) % 2 === 1;
}

/** The text with those numbers that `JSON.parse` would refuse or round turned into strings that begin with a mark. */
function markNumbers(text: string, mark: string): string {
  let opened = false;
  const pieces = text.split('"').map((piece) => {
    const inString = opened;
    opened = !inString || endsWithEscape(piece);
    if (inString) return piece;
    return piece.replace(TOKEN, (token) => (Number.isSafeInteger(Number(token)) ? token : `"${mark}${token}"`));
  });
  return pieces.join('"');
}

/** Puts the numbers back that were marked, in place. */
function restore(value: JsonValue, mark: string): JsonValue {
  if (typeof value === 'string' && value.startsWith(mark)) {
    const token = value.slice(mark.length);
    return NOT_FINITE[token] ?? parseInteger(token);
  }
  if (isJsonObject(value) || Array.isArray(value)) {
    for (const [key, member] of Object.entries(value)) {
      const restored = restore(member, mark);
      if (restored !== member) (value as Record<string, JsonValue>)[key] = restored;
    }
  }
  return value;
}

/**
 * `JSON.parse` without loss: integers that are not safe as `number` come back as `bigint`, as far as 64 bits go. It also takes
 * `inf` and `nan`, which QMP servers write for doubles that JSON has no form for.
 *
 * It costs what `JSON.parse` costs unless there is such a number; then some times as much.
 *
 * @throws SyntaxError as `JSON.parse` does
 */
export function parseJson(text: string): JsonValue {
  let value: JsonValue | undefined;
  let failure: unknown;
  try {
    value = JSON.parse(text) as JsonValue;
    if (!LONG.test(text)) return value;
  } catch (error) {
    failure = error;
  }
  let mark = '#';
  while (text.includes(`"${mark}`)) mark += Math.random();
  const marked = markNumbers(text, mark);
  if (marked !== text) return restore(JSON.parse(marked) as JsonValue, mark);
  if (value === undefined) throw failure;
  return value;
}
