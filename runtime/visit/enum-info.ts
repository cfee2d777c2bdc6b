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
  const set = new Set<unknown>(values);
  return { name, values, features, has: (value): value is E => set.has(value) };
}
