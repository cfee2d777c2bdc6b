import { stringify } from '../../runtime/json/stringify.js';
import type { JsonValue } from '../../runtime/json/value.js';

/**
 * How a value differs from the one that was recorded: where, and what is there; undefined when it does not.
 *
 * @param volatile names of members that are another value each time: only their JSON types are compared
 * @param path where the values are
 */
export function unlike(
  recorded: JsonValue | undefined,
  actual: JsonValue | undefined,
  volatile: ReadonlySet<string>,
  path: string,
): string | undefined {
  const kind = kindOf(recorded);
  if (kind !== kindOf(actual)) return difference(recorded, actual, path);
  if (kind !== 'object' && kind !== 'array') {
    return recorded === actual || volatile.has(memberOf(path)) ? undefined : difference(recorded, actual, path);
  }
  const [before, now] = [membersOf(recorded), membersOf(actual)];
  for (const name of new Set([...before.keys(), ...now.keys()])) {
    const found = unlike(before.get(name), now.get(name), volatile, `${path}.${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function kindOf(value: JsonValue | undefined): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  // An integer is a number or a bigint, depending on its size.
  return typeof value === 'bigint' ? 'number' : typeof value;
}

const membersOf = (value: JsonValue | undefined): Map<string, JsonValue> => new Map(Object.entries(value as object));

/** The member that a path ends in, whatever elements of lists follow. */
const memberOf = (path: string): string => path.replace(/(\.\d+)+$/, '').replace(/^.*\./, '');

function difference(recorded: JsonValue | undefined, actual: JsonValue | undefined, path: string): string {
  const text = (value: JsonValue | undefined): string => (value === undefined ? 'nothing' : stringify(value));
  return `${path}: ${text(recorded)} was recorded, and ${text(actual)} was sent`;
}
