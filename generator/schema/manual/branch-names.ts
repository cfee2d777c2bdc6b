import type { Printable } from '../print-expression.js';
import type { ManualDefinition } from './page.js';

/** The built-in types as manual pages call them. */
const builtins: Readonly<Record<string, string>> = { string: 'str', boolean: 'bool', value: 'any' };

/**
 * The names that a manual page has for the branches of an alternate, which introspection does not tell.
 *
 * @param types the types of the branches, as a schema refers to them
 */
export function branchNames(
  described: ManualDefinition | undefined,
  types: readonly Printable[],
): (string | undefined)[] {
  const byType = new Map<string, string>();
  for (const { name, type = '' } of described?.entries ?? []) byType.set(JSON.stringify(referenceTo(type)), name);
  return types.map((type) => byType.get(JSON.stringify(type)));
}

/** A type as a page writes it, as a schema refers to it. */
export function referenceTo(type: string): Printable {
  const [, element] = /^array of (.*)$/.exec(type) ?? [];
  return element === undefined ? (builtins[type] ?? type) : [referenceTo(element)];
}
