import { type Construct, type Dialect, whenKnown } from '../../syntax/dialect.js';
import { isMetaKey, type MetaKey } from '../../syntax/meta-key.js';
import type { SyntaxObject, SyntaxString } from '../../syntax/tree.js';
import { nearMiss } from '../../text/near-miss.js';
import type { Span } from '../../text/source-file.js';
import type { CheckContext } from './context.js';

/** What has keys of its own: a definition, or the long form of something inside one. */
export type KeyOwner = MetaKey | 'member' | 'branch' | 'enum value' | 'feature';

/** A key, the construct that brought it, and the one from which it is required. No construct: always. */
type KeyRule = readonly [key: string, since?: Construct | undefined, requiredSince?: Construct | 'always'];

const condition: KeyRule = ['if', 'conditions'];
const features: KeyRule = ['features', 'features of all definitions'];

const table: Record<KeyOwner, readonly KeyRule[]> = {
  enum: [['data', undefined, 'always'], ['prefix', 'prefix'], condition, features],
  struct: [['data', undefined, 'always'], ['base'], condition, ['features', 'features of structs']],
  union: [
    ['data', undefined, 'always'],
    ['base', undefined, 'every union has a discriminator'],
    ['discriminator', undefined, 'every union has a discriminator'],
    condition,
    features,
  ],
  alternate: [['data', undefined, 'always'], condition, features],
  command: [
    ['data'],
    ['returns'],
    ['gen'],
    ['success-response'],
    ['boxed', 'boxed'],
    ['allow-oob', 'allow-oob'],
    ['allow-preconfig', 'allow-preconfig'],
    condition,
    ['features', 'features of commands'],
    ['coroutine', 'coroutine'],
  ],
  event: [['data'], ['boxed', 'boxed'], condition, features],
  member: [['type', undefined, 'always'], ['if'], features],
  branch: [['type', undefined, 'always'], ['if']],
  'enum value': [['name', undefined, 'always'], ['if'], ['features', 'features of enum values']],
  feature: [['name', undefined, 'always'], ['if']],
};

/** The keys that something may and must have in a dialect. */
export interface KeyRules {
  readonly known: readonly string[];
  readonly required: readonly string[];
}

const rulesOfDialects = new WeakMap<Dialect, Map<KeyOwner, KeyRules>>();

/** What keys something may have. A definition's own meta key is among them. */
export function keyRules(owner: KeyOwner, dialect: Dialect): KeyRules {
  let rules = rulesOfDialects.get(dialect);
  if (!rules) {
    rules = new Map();
    rulesOfDialects.set(dialect, rules);
  }
  let found = rules.get(owner);
  if (!found) {
    found = rulesFor(owner, dialect);
    rules.set(owner, found);
  }
  return found;
}

function rulesFor(owner: KeyOwner, dialect: Dialect): KeyRules {
  const meta = isMetaKey(owner) ? [owner] : [];
  const rules = table[owner].filter(([, since]) => since === undefined || dialect.has(since));
  const required = rules.filter(([, , need]) => need === 'always' || (need !== undefined && dialect.has(need)));
  return {
    known: [...meta, ...rules.map(([key]) => key)],
    required: [...meta, ...required.map(([key]) => key)],
  };
}

/**
 * Checks that an object has all required keys and no unknown ones, in this order.
 *
 * @param what the object in the words of a message: "struct 'Disk'"
 * @param place where a missing key is reported
 * @returns whether all required keys are there
 */
export function checkKeys(
  object: SyntaxObject,
  owner: KeyOwner,
  what: string,
  place: Span,
  context: CheckContext,
): boolean {
  const rules = keyRules(owner, context.dialect);
  const missing = rules.required.filter((key) => !object.pairs.has(key));
  const unknown: SyntaxString[] = [];
  for (const { key } of object.pairs.values()) if (!rules.known.includes(key.value)) unknown.push(key);
  if (missing.length === 0 && unknown.length === 0) return true;
  const misspelled = unknown.some((key) => nearMiss(key.value, missing) !== undefined);
  // An object without the key that says the type is mostly an attempt to write the type itself there.
  const inline = missing.includes('type') && !misspelled;
  const hint = inline ? 'a type cannot be written out here: define it and name it' : simpleUnionHint(missing, context);
  for (const key of missing) context.report('missing-key', { what, key }, place, { hint });
  if (!inline) for (const key of unknown) reportUnknownKey(key.value, owner, what, key.span, context);
  return missing.length === 0;
}

/** A union that has neither base nor discriminator is one of those that older releases have beside. */
function simpleUnionHint(missing: readonly string[], { dialect }: CheckContext): string | undefined {
  if (!missing.includes('base') || !missing.includes('discriminator')) return undefined;
  const when = whenKnown('simple unions', dialect);
  return when && `unions without a discriminator are ${when}`;
}

/** Reports a key that `what` may not have; of one that other releases know, also which. */
export function reportUnknownKey(key: string, owner: KeyOwner, what: string, span: Span, context: CheckContext): void {
  const { known } = keyRules(owner, context.dialect);
  const list = known.map((name) => `'${name}'`).join(', ');
  const [, since] = table[owner].find(([name]) => name === key) ?? [];
  const when = since && whenKnown(since, context.dialect);
  const hint = when === undefined ? context.suggest(key, known) : `'${key}' is ${when}`;
  context.report('unknown-key', { what, key, known: list }, span, { hint });
}

/** The flags, and the one value that each may have. */
export const flags: ReadonlyMap<string, boolean> = new Map([
  ['gen', false],
  ['success-response', false],
  ['boxed', true],
  ['allow-oob', true],
  ['allow-preconfig', true],
  ['coroutine', true],
]);

/** Checks that a flag, where it is given, has its one value. */
export function checkFlag(object: SyntaxObject, key: string, context: CheckContext): void {
  const literal = flags.get(key);
  const value = object.pairs.get(key)?.value;
  if (literal === undefined || value === undefined) return;
  if (value.kind !== 'boolean' || value.value !== literal) {
    context.report('fixed-flag', { key, literal: `${literal}` }, value.span);
  }
}
