import { parseInteger } from './number.js';
import { isJsonObject, type JsonValue } from './value.js';

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code > 47 && code < 58;
}

/**
 * Whether there may be an integer beyond the safe range: 16 digits that are no fraction. They may stand in a string, which costs time
 * and nothing else. One digit of each such number is among every 16th character, and another 8 before or 7 behind it.
 */
function mayBeUnsafe(text: string): boolean {
  for (let at = 15; at < text.length; at += 16) {
    if (!isDigit(text, at) || !(isDigit(text, at - 8) || isDigit(text, at + 7))) continue;
    let start = at;
    while (isDigit(text, start - 1)) start--;
    let end = at;
    while (isDigit(text, end)) end++;
    if (end - start > 15 && text[start - 1] !== '.') return true;
    at = end - 1;
  }
  return false;
}

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
    if (!mayBeUnsafe(text)) return value;
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
