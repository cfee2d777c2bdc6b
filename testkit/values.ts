import type { BuiltinType, Member, ObjectType, Type } from '../generator/schema/model.js';
import type { JsonObject, JsonValue } from '../runtime/json/value.js';
import { type Choices, plainChoices, randomChoices } from './choices.js';
import { branchesOf, commonMembers } from './model-members.js';
import { Samples } from './samples.js';
import type { Presence } from './schema-visits.js';

/** What values are like. */
export interface ValueOptions {
  /** Makes random values, the same for the same seed. Default: plain ones. */
  readonly seed?: number;
  /** Whether a part of the schema is in the program at hand. Default: all of it is. */
  readonly isPresent?: Presence;
}

/** How deep lists and objects are nested that are more than the smallest. */
const deepest = 5;

/**
 * Values as a program would send them, made from a schema. Plain ones have no optional members, one element in a list, the first
 * value of an enum, and strings that say whose they are: `node-name0`.
 *
 * @example
 * const type = schema.lookup('ImageInfo');
 * if (type?.kind === 'struct') console.log(new Values({ seed: 7 }).of(type));
 */
export class Values {
  readonly #choices: Choices;
  readonly #isPresent: Presence;

  constructor({ seed, isPresent = () => true }: ValueOptions = {}) {
    this.#choices = seed === undefined ? plainChoices : randomChoices(seed);
    this.#isPresent = isPresent;
  }

  /**
   * The JSON form of a value that a type accepts; undefined when there is none.
   *
   * @param name what the value is called, for strings
   */
  of(type: Type, name = 'value'): JsonValue | undefined {
    return this.#make(type, name, 0);
  }

  #make(type: Type, name: string, depth: number): JsonValue | undefined {
    switch (type.kind) {
      case 'builtin':
        return this.#builtin(type, name);
      case 'enum':
        return this.#choices.order(type.members.filter(this.#isPresent))[0]?.name;
      case 'array':
        return this.#list(type.element, name, depth);
      case 'alternate':
        return this.#first(type.branches.filter(this.#isPresent), (branch) => this.#make(branch.type, name, depth + 1));
      default:
        // A type may hold itself: far down, there is no more of it than must be.
        if (depth >= deepest) return new Samples(this.#isPresent, this.#choices.text(name)).of(type);
        return this.#object(type, depth);
    }
  }

  #builtin(type: BuiltinType, name: string): JsonValue {
    switch (type.json) {
      case 'boolean':
        return this.#choices.boolean();
      case 'int':
        return this.#choices.integer(type);
      case 'number':
        return this.#choices.number();
      case 'null':
        return null;
      default:
        return this.#choices.text(name);
    }
  }

  #list(element: Type, name: string, depth: number): JsonValue[] {
    const list: JsonValue[] = [];
    for (let left = depth < deepest ? this.#choices.count(depth) : 0; left > 0; left--) {
      const value = this.#make(element, name, depth + 1);
      if (value !== undefined) list.push(value);
    }
    return list;
  }

  #object(type: ObjectType, depth: number): JsonObject | undefined {
    const common = this.#members(commonMembers(type, this.#isPresent), depth);
    if (common === undefined || type.kind === 'struct') return common;
    return this.#first(branchesOf(type, this.#isPresent), (branch) => {
      const own = this.#make(branch.type, branch.name, depth);
      return own === undefined ? undefined : { ...common, [type.tag.name]: branch.name, ...(own as JsonObject) };
    });
  }

  #members(members: readonly Member[], depth: number): JsonObject | undefined {
    const object: JsonObject = {};
    for (const { name, type, optional } of members) {
      if (optional && !this.#choices.includes(depth)) continue;
      const value = this.#make(type, name, depth + 1);
      if (value !== undefined) object[name] = value;
      else if (!optional) return undefined;
    }
    return object;
  }

  #first<T, V>(alternatives: readonly T[], make: (alternative: T) => V | undefined): V | undefined {
    for (const alternative of this.#choices.order(alternatives)) {
      const value = make(alternative);
      if (value !== undefined) return value;
    }
    return undefined;
  }
}
