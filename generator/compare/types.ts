import type { EnumType, Type } from '../schema/model.js';

/** A kind of value in JSON. `any` holds all of them, `number` also integers. */
type JsonType = 'string' | 'int' | 'number' | 'boolean' | 'null' | 'array' | 'object' | 'value';

/** The types that a value may have, by what tells them apart. A type that is no alternate is the one of its own kind. */
export function choicesOf(type: Type): Map<JsonType, Type> {
  const types = type.kind === 'alternate' ? type.branches.map((branch) => branch.type) : [type];
  return new Map(types.map((choice) => [jsonTypeOf(choice), choice]));
}

function jsonTypeOf(type: Type): JsonType {
  switch (type.kind) {
    case 'builtin':
      return type.json;
    case 'enum':
      return 'string';
    case 'array':
      return 'array';
    default:
      return 'object';
  }
}

/** How the sets of JSON types differ. */
export function compareChoices(
  old: ReadonlyMap<JsonType, Type>,
  now: ReadonlyMap<JsonType, Type>,
): 'same' | 'type-widened' | 'type-narrowed' | 'type-changed' {
  const kept = [...old.keys()].every((type) => holds(now, type));
  const nothingNew = [...now.keys()].every((type) => holds(old, type));
  if (kept && nothingNew) return 'same';
  if (kept) return 'type-widened';
  return nothingNew ? 'type-narrowed' : 'type-changed';
}

function holds(choices: ReadonlyMap<JsonType, Type>, type: JsonType): boolean {
  return choices.has(type) || choices.has('value') || (type === 'int' && choices.has('number'));
}

/** The names of an enum's values. */
export function valuesOf({ members }: EnumType): string[] {
  return members.map(({ name }) => name);
}
