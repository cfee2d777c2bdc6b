import { parseTokens } from './parser.js';
import type { JsonValue } from './value.js';

/** The shortest run of digits that can be an integer beyond the safe range. */
const LONG = 16;

const isDigit = (c: number): boolean => c >= 0x30 && c <= 0x39;

/**
 * Whether a JSON text may hold an integer that a `number` cannot. It looks at every 16th character only: a run of so many
 * digits cannot hide between two of them. Digits inside a string can give a false alarm, which costs time and nothing else.
 */
function mayHoldUnsafeInteger(text: string): boolean {
  for (let at = LONG - 1; at < text.length; at += LONG) {
    if (!isDigit(text.charCodeAt(at))) continue;
    let start = at;
    while (start > 0 && isDigit(text.charCodeAt(start - 1))) start--;
    let end = at + 1;
    while (end < text.length && isDigit(text.charCodeAt(end))) end++;
    if (end - start >= LONG && isUnsafe(text, start, end)) return true;
    at = end - 1;
  }
  return false;
}

/** Whether the run of digits can be an integer token: not the fraction of a double, not glued to a quote or letter. */
function isUnsafe(text: string, start: number, end: number): boolean {
  const before = text.charAt(start - 1);
  const after = text.charAt(end);
  if (!' \t\r\n:,[-'.includes(before) || after === '.' || after === 'e' || after === 'E') return false;
  return !Number.isSafeInteger(Number(text.slice(start, end)));
}

/**
 * `JSON.parse` without loss: integers that are not safe as `number` come back as `bigint`, as far as 64 bits go.
 *
 * It costs what `JSON.parse` costs unless there is such an integer; then about three times as much.
 *
 * @throws SyntaxError as `JSON.parse` does
 */
export function parseJson(text: string): JsonValue {
  const value = JSON.parse(text) as JsonValue;
  return mayHoldUnsafeInteger(text) ? parseTokens(text, { strict: false }) : value;
}
