import { parseInteger } from './number.js';
import type { JsonObject, JsonValue } from './value.js';

/** The shortest run of digits that can be an integer beyond the safe range. */
const LONG = 16;

/** Whether there is a digit at a place of a text; there is none outside of it. */
function digitAt(text: string, at: number): boolean {
  const c = text.charCodeAt(at);
  return c >= 0x30 && c <= 0x39;
}

/**
 * Whether a JSON text may hold an integer that a `number` cannot. It looks at every 16th character only: a run of so many
 * digits cannot hide between two of them. Digits inside a string can give a false alarm, which costs time and nothing else.
 */
function mayHoldUnsafeInteger(text: string): boolean {
  for (let at = LONG - 1; at < text.length; at += LONG) {
    // A run of 16 around this place reaches eight to the left of it, or seven to the right.
    if (!digitAt(text, at) || !(digitAt(text, at - 8) || digitAt(text, at + 7))) continue;
    let start = at;
    while (digitAt(text, start - 1)) start--;
    let end = at + 1;
    while (digitAt(text, end)) end++;
    // Most long runs are the fractions of doubles, which servers write with 17 digits.
    if (end - start >= LONG && text[start - 1] !== '.' && isUnsafe(text.slice(start, end))) return true;
    at = end - 1;
  }
  return false;
}

/** How C prints doubles that JSON has no form for. */
const NOT_FINITE: Record<string, number> = { inf: Infinity, '-inf': -Infinity, nan: NaN, '-nan': NaN };

const isUnsafe = (token: string): boolean => /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token));

/**
 * The text with those numbers that `JSON.parse` would refuse or round turned into strings that begin with a mark.
 * @returns undefined when there are none
 */
function markNumbers(text: string, mark: string): string | undefined {
  const token = /"|-?(?:\d[\d.eE+-]*|[a-z]+)/g;
  let marked = '';
  let done = 0;
  for (let match = token.exec(text); match; match = token.exec(text)) {
    const [found] = match;
    if (found === '"') {
      token.lastIndex = endOfString(text, match.index) + 1;
    } else if (Object.hasOwn(NOT_FINITE, found) || isUnsafe(found)) {
      marked += `${text.slice(done, match.index)}"${mark}${found}"`;
      done = token.lastIndex;
    }
  }
  return done > 0 ? marked + text.slice(done) : undefined;
}

/** Where the closing quote of a string is: one with an even number of backslashes before it. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslash = end;
    while (text[backslash - 1] === '\\') backslash--;
    if ((end - backslash) % 2 === 0) return end;
  }
  return text.length;
}

/** Puts the numbers back that were marked, in place. */
function restore(value: JsonValue, mark: string): JsonValue {
  if (typeof value === 'string') {
    if (!value.startsWith(mark)) return value;
    const token = value.slice(mark.length);
    return NOT_FINITE[token] ?? parseInteger(token);
  }
  if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      const restored = restore(member, mark);
      if (restored !== member) (value as JsonObject)[key] = restored;
    }
  }
  return value;
}

function parseMarked(text: string): JsonValue | undefined {
  let mark = '#';
  while (text.includes(`"${mark}`)) mark += Math.random();
  const marked = markNumbers(text, mark);
  return marked === undefined ? undefined : restore(JSON.parse(marked) as JsonValue, mark);
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
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
    if (!mayHoldUnsafeInteger(text)) return value;
  } catch (error) {
    const marked = parseMarked(text);
    if (marked === undefined) throw error;
    return marked;
  }
  return parseMarked(text) ?? value;
}
