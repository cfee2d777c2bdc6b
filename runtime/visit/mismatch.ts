import { jsonKind } from './json-kind.js';
import { nearMiss } from './near-miss.js';
import { VisitError } from './visit-error.js';
import type { EnumInfo, JsonKind, Name } from './visitor.js';

/** The built-in types: how errors word them, and how they look in JSON. */
const builtins = {
  str: ['a string', 'string'],
  bool: ['true or false', 'boolean'],
  null: ['null', 'null'],
  number: ['a number', 'number'],
  int8: ['an integer from -128 to 127', 'number'],
  int16: ['an integer from -32768 to 32767', 'number'],
  int32: ['an integer from -2147483648 to 2147483647', 'number'],
  int64: ['an integer from -9223372036854775808 to 9223372036854775807', 'number'],
  uint8: ['an integer from 0 to 255', 'number'],
  uint16: ['an integer from 0 to 65535', 'number'],
  uint32: ['an integer from 0 to 4294967295', 'number'],
  uint64: ['an integer from 0 to 18446744073709551615', 'number'],
  any: ['a JSON value', undefined],
  list: ['a list', 'array'],
} as const;

/** The error that a value is not of a built-in type. */
export function mismatch(value: unknown, name: Name, type: keyof typeof builtins): VisitError {
  const [expected, kind] = builtins[type];
  // The range only matters where a number was sent.
  const brief = expected.startsWith('an integer') && jsonKind(value) !== 'number';
  return error(value, name, brief ? 'an integer' : expected, kind);
}

/** The error that a value is no object. */
export function noObject(value: unknown, name: Name, type: string): VisitError {
  return error(value, name, type === 'q_empty' ? 'an object' : `an object (${type})`, 'object');
}

const kindWords: Record<JsonKind, string> = {
  object: 'an object',
  array: 'a list',
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
  null: 'null',
};

/** The error that an alternate has no branch for a value. */
export function noBranch(value: unknown, name: Name, type: string, kinds: readonly JsonKind[]): VisitError {
  return error(value, name, `${kinds.map((kind) => kindWords[kind]).join(' or ')} (${type})`, undefined);
}

/** So many values of an enum are listed in an error. */
const LISTED = 8;

/** The error that a value is none of an enum's. */
export function noEnumValue(value: unknown, name: Name, { name: type, values }: EnumInfo): VisitError {
  if (typeof value !== 'string') return error(value, name, `a string (${type})`, 'string');
  const listed = values.slice(0, LISTED).map((item) => `'${item}'`);
  if (values.length > LISTED) listed.push('…');
  const expected = listed.length === 1 ? `${listed[0]} (${type})` : `one of ${listed.join(', ')} (${type})`;
  return new VisitError({ kind: 'value', name, expected, found: value, nearMiss: nearMiss(value, values) });
}

function error(value: unknown, name: Name, expected: string, kind: JsonKind | undefined): VisitError {
  if (value === undefined) return new VisitError({ kind: 'missing', name, expected });
  return new VisitError({ kind: jsonKind(value) === kind ? 'value' : 'type', name, expected, found: value });
}
