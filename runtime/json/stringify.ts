import type { JsonValue } from './value.js';

/** Deeper values cannot be written; they are most likely circular. */
export const MAX_DEPTH = 2048;

/**
 * Writes a value as JSON, exactly: a `bigint` as an integer, a negative zero as `-0.0`. Members that are `undefined` are left out.
 *
 * @throws TypeError for what JSON has no form for: infinities, functions, circular values
 */
export function stringify(value: JsonValue): string {
  return write(value, 0);
}

function write(value: JsonValue, depth: number): string {
  if (depth > MAX_DEPTH) throw new TypeError('a value is nested too deeply, or circular');
  if (typeof value === 'bigint') return String(value);
  if (Object.is(value, -0)) return '-0.0';
  if (Array.isArray(value)) return `[${value.map((element) => write(element, depth + 1)).join()}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).flatMap(([key, member]) =>
      member === undefined ? [] : `${JSON.stringify(key)}:${write(member, depth + 1)}`,
    );
    return `{${members.join()}}`;
  }
  const text = JSON.stringify(value);
  if (text === undefined || (text === 'null' && value !== null)) throw noForm(value);
  return text;
}

/** The error for what is no JSON value. */
export function noForm(value: unknown): TypeError {
  return new TypeError(`${typeof value === 'number' ? value : `a value of type ${typeof value}`} has no form in JSON`);
}
