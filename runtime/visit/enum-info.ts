import type { EnumInfo, SpecialFeature } from './visitor.js';

/**
 * Describes an enum to visitors.
 *
 * @param name the enum's name in the schema
 * @param values its values, in the order of the schema
 * @param features the special features of those values that have some
 */
export function enumInfo<const E extends string>(
  name: string,
  values: readonly E[],
  features?: ReadonlyMap<string, readonly SpecialFeature[]>,
): EnumInfo<E> {
  return new ValueTable(name, values, features);
}

class ValueTable<E extends string> implements EnumInfo<E> {
  readonly name: string;
  readonly values: readonly E[];
  readonly features: ReadonlyMap<string, readonly SpecialFeature[]> | undefined;
  // Most enums are small, and comparing with a few values takes less time than looking one up.
  readonly #first: E | undefined;
  readonly #second: E | undefined;
  readonly #third: E | undefined;
  readonly #many: ReadonlyMap<unknown, E> | undefined;

  constructor(
    name: string,
    values: readonly E[],
    features: ReadonlyMap<string, readonly SpecialFeature[]> | undefined,
  ) {
    this.name = name;
    this.values = values;
    this.features = features;
    [this.#first, this.#second, this.#third] = values;
    if (values.length > 3) this.#many = new Map(values.map((value) => [value, value]));
  }

  find(value: unknown): E | undefined {
    if (this.#many !== undefined) return this.#many.get(value);
    if (value === this.#first) return this.#first;
    if (value === this.#second) return this.#second;
    return value === this.#third ? this.#third : undefined;
  }
}
