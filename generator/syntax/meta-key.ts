import type { SyntaxPairs } from './tree.js';

/** The keys that make an expression a definition, in the order in which releases up to 6.1 look for them. */
export const metaKeys = ['enum', 'union', 'alternate', 'struct', 'command', 'event'] as const;

/** A key that makes an expression a definition. */
export type MetaKey = (typeof metaKeys)[number];

const all: ReadonlySet<string> = new Set(metaKeys);

export function isMetaKey(key: string): key is MetaKey {
  return all.has(key);
}

/** The first of these keys that an object has. */
export function metaKeyOf(pairs: SyntaxPairs): MetaKey | undefined {
  const present = pairs.values().filter(({ key }) => isMetaKey(key.value));
  // Few have two of them.
  if (present.length > 1) return metaKeys.find((meta) => pairs.has(meta));
  return present[0]?.key.value as MetaKey | undefined;
}
