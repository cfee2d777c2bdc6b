import { IntegralDouble } from '../json/number.js';

/** Longer strings are cut in messages. */
const LONG = 60;

/** Says in a few words what a value is, for messages. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'string':
      return value.length > LONG ? `${JSON.stringify(value.slice(0, LONG))}…` : JSON.stringify(value);
    case 'number':
      if (Number.isInteger(value) && !Number.isSafeInteger(value))
        return `${value}, which is not exact: a bigint would be`;
      return String(value);
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'undefined':
      return 'nothing';
    case 'object':
      if (Array.isArray(value)) return 'a list';
      return value instanceof IntegralDouble ? `${value.value} written with a fraction or exponent` : 'an object';
    default:
      return `a ${typeof value}`;
  }
}
