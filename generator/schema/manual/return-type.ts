import type { Printable } from '../print-expression.js';
import { flatten } from './join.js';
import type { ManualDefinition, ManualPage } from './page.js';

/** What a command was seen to return. */
export interface SeenResult {
  readonly value: unknown;
}

/** What every agent has, whose pages do not name the types. */
const known: Readonly<Record<string, Printable | undefined>> = {
  'guest-sync': 'int',
  'guest-sync-delimited': 'int',
  'guest-ping': undefined,
};

/**
 * What a command returns, as a schema refers to it. A page does not say that but in its text, which names the type, calls it something
 * else, or is silent; a result that was seen decides. What neither tells is `any`, which is true of all.
 *
 * @returns undefined for nothing
 */
export function returnTypeOf(page: ManualPage, command: ManualDefinition, seen?: SeenResult): Printable | undefined {
  if (Object.hasOwn(known, command.name)) return known[command.name];
  const text = command.sections.find(({ tag }) => tag === 'Returns')?.text ?? '';
  if (/^nothing\b/i.test(text)) return undefined;
  const words = new Set(text.match(/\w+/g) ?? []);
  const types = [...page.definitions.values()].filter(({ kind }) => kind !== 'Command' && kind !== 'Event');
  const mentioned = types.filter(({ name }) => words.has(name));
  const isEmpty = Array.isArray(seen?.value) && seen.value.length === 0;
  // Whatever the elements of an empty list would be, they fit.
  if (seen) return typeOf(page, seen.value, mentioned.length > 0 || isEmpty ? mentioned : types.filter(isObject));
  if (/^number of\b/i.test(text)) return 'int';
  const [only] = mentioned;
  if (only === undefined || mentioned.length > 1) return 'any';
  if (/\b(list|array)\b/i.test(text)) return [only.name];
  // `guest-get-devices` returns a list of what its page calls `GuestDeviceInfo`.
  return /^guest-(\w+-)?get-.*s$/.test(command.name) && !only.name.endsWith('s') ? 'any' : only.name;
}

function typeOf(page: ManualPage, value: unknown, candidates: readonly ManualDefinition[]): Printable {
  if (Array.isArray(value)) {
    const elements: readonly unknown[] = value;
    const fitting = candidates.filter((type) => elements.every((element) => isLike(page, element, type)));
    return [nameOf(fitting) ?? (elements.length > 0 ? typeOf(page, elements[0], []) : 'any')];
  }
  const named = nameOf(candidates.filter((type) => isLike(page, value, type)));
  if (named !== undefined) return named;
  switch (typeof value) {
    case 'string':
      return 'str';
    case 'boolean':
      return 'bool';
    case 'number':
    case 'bigint':
      return Number.isInteger(Number(value)) ? 'int' : 'number';
    default:
      return 'any';
  }
}

function nameOf(types: readonly ManualDefinition[]): string | undefined {
  return types.length === 1 ? types[0]?.name : undefined;
}

function isObject({ kind }: ManualDefinition): boolean {
  return kind === 'Object';
}

/** Whether a value can be one of a type: whether it has the members that it must have, and no others. */
function isLike(page: ManualPage, value: unknown, type: ManualDefinition): boolean {
  if (type.kind === 'Enum') return type.entries.some(({ name }) => name === value);
  if (!isObject(type) || typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { entries, branches } = flatten(page, type);
  const all = new Map(entries);
  for (const branch of branches.values()) {
    const described = page.definitions.get(branch);
    if (described) for (const [name, entry] of flatten(page, described).entries) all.set(name, entry);
  }
  const present = new Set(Object.keys(value));
  if (present.size === 0 || ![...present].every((name) => all.has(name))) return false;
  return [...entries.values()].every(({ name, optional, conditional }) => optional || conditional || present.has(name));
}
