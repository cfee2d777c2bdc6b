import type { BuiltinType, Member, Type, UnionBranch, UnionType } from '../generator/schema/model.js';
import type { JsonObject, JsonValue } from '../runtime/json/value.js';
import type { JsonKind } from '../runtime/visit/visitor.js';
import { branchesOf, commonMembers } from './model-members.js';
import { jsonKindOf, type Presence } from './schema-visits.js';

/** A text that names nothing in any program. */
export const nothing = 'qapi-ts-conformance';

const byKind: readonly (readonly [JsonKind, JsonValue])[] = [
  ['boolean', true],
  ['number', 1],
  ['string', nothing],
  ['array', []],
  ['object', {}],
  ['null', null],
];

/** A value of a JSON kind that a type does not accept; undefined when it accepts all. */
export function foreignValue(type: Type, isPresent: Presence): JsonValue | undefined {
  if (type.kind === 'builtin' && type.json === 'value') return undefined;
  const accepted = new Set(
    type.kind === 'alternate'
      ? type.branches.filter(isPresent).map((branch) => jsonKindOf(branch.type))
      : [jsonKindOf(type)],
  );
  return byKind.find(([kind]) => !accepted.has(kind))?.[1];
}

/** The smallest values that types accept: no optional members, no elements. */
export class Samples {
  readonly #isPresent: Presence;
  readonly #text: string;
  /** Unions that a sample is being made of: a branch that leads back into one has no end. */
  readonly #open = new Set<Type>();

  /**
   * @param isPresent whether a part of the schema is in the program at hand
   * @param text what strings are; by default a text that names nothing in any program
   */
  constructor(isPresent: Presence, text: string = nothing) {
    this.#isPresent = isPresent;
    this.#text = text;
  }

  /** A value that a type accepts; undefined when there is none. */
  of(type: Type): JsonValue | undefined {
    switch (type.kind) {
      case 'builtin':
        return builtinSample(type, this.#text);
      case 'enum':
        return type.members.find(this.#isPresent)?.name;
      case 'array':
        return [];
      case 'alternate':
        return this.#first(
          type,
          type.branches.filter(this.#isPresent).map((branch) => branch.type),
          (branch) => this.of(branch),
        );
      case 'struct':
        return this.#members(commonMembers(type, this.#isPresent));
      case 'union':
        return this.#first(type, branchesOf(type, this.#isPresent), (branch) => this.#ofBranch(type, branch));
    }
  }

  /** The common members of a union, with the tag for a branch. */
  ofTag(type: UnionType, branch: UnionBranch): JsonObject | undefined {
    const common = this.#members(commonMembers(type, this.#isPresent));
    return common && { ...common, [type.tag.name]: branch.name };
  }

  #ofBranch(type: UnionType, branch: UnionBranch): JsonObject | undefined {
    const common = this.ofTag(type, branch);
    const own = this.of(branch.type) as JsonObject | undefined;
    return common && own && { ...common, ...own };
  }

  #first<T, V>(type: Type, choices: readonly T[], make: (choice: T) => V | undefined): V | undefined {
    if (this.#open.has(type)) return undefined;
    this.#open.add(type);
    try {
      for (const choice of choices) {
        const value = make(choice);
        if (value !== undefined) return value;
      }
      return undefined;
    } finally {
      this.#open.delete(type);
    }
  }

  #members(members: readonly Member[]): JsonObject | undefined {
    const object: JsonObject = {};
    for (const { name, type, optional } of members) {
      if (optional) continue;
      const value = this.of(type);
      if (value === undefined) return undefined;
      object[name] = value;
    }
    return object;
  }
}

function builtinSample({ json }: BuiltinType, text: string): JsonValue {
  switch (json) {
    case 'boolean':
      return false;
    case 'int':
    case 'number':
      return 0;
    case 'null':
      return null;
    default:
      return text;
  }
}
