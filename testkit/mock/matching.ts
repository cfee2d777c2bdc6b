import { stringify } from '../../runtime/json/stringify.js';
import type { JsonValue } from '../../runtime/json/value.js';

/** Whether a value has all that is expected of it. Objects may have further members; lists are as long as expected. */
export function matches(expected: unknown, actual: unknown): boolean {
  if (typeof expected === 'object' && expected !== null) {
    if (typeof actual !== 'object' || actual === null || Array.isArray(actual) !== Array.isArray(expected))
      return false;
    if (Array.isArray(expected) && expected.length !== (actual as unknown[]).length) return false;
    return Object.entries(expected).every(([name, value]) => {
      const found: unknown = Object.hasOwn(actual, name) ? (actual as Record<string, unknown>)[name] : undefined;
      return value === undefined || matches(value, found);
    });
  }
  // An integer is a number or a bigint, depending on its size and on how the code was generated.
  // biome-ignore lint/suspicious/noDoubleEquals: it compares a number with a bigint
  if (isNumeric(expected) && isNumeric(actual)) return expected == actual;
  return Object.is(expected, actual);
}

const isNumeric = (value: unknown): value is number | bigint => typeof value === 'number' || typeof value === 'bigint';

/** A call as messages name it. */
export function described(command: string, args: unknown): string {
  const isEmpty = typeof args === 'object' && args !== null && Object.keys(args).length === 0;
  return args === undefined || isEmpty ? command : `${command} ${shortened(stringify(args as JsonValue))}`;
}

/** The most characters of arguments that a message shows. */
const longest = 200;

const shortened = (text: string): string => (text.length <= longest ? text : `${text.slice(0, longest)}…`);
