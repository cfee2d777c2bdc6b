import type { Dialect } from '../../syntax/dialect.js';
import type { MetaKey } from '../../syntax/meta-key.js';
import type { SyntaxObject, SyntaxString, SyntaxValue } from '../../syntax/tree.js';
import { builtinHint } from '../builtins.js';
import type { CheckContext } from '../check/context.js';
import type { Drafts } from '../define.js';
import type { Draft } from '../draft.js';
import { memberName } from '../names.js';
import { pairsOf, typeValue } from '../read.js';

/** What a name stands for: a kind of definition, or a type of the language. */
export type Kind = MetaKey | 'built-in type';

/** What members, arguments and branches of simple unions may be. */
export const dataKinds: readonly Kind[] = ['built-in type', 'enum', 'struct', 'union', 'alternate'];

/** What may be named in one place. */
export interface Use {
  /** The place in the words of a message. */
  readonly role: string;
  readonly kinds: readonly Kind[];
  /** Whether `'**'` is a type here: in commands with `gen`, up to 2.4. */
  readonly anything?: boolean;
}

/**
 * The definition or type that a name stands for. Up to 4.1 only built-in and defined names are known, and the enums `XKind`
 * of simple unions; not the names of other implicit types.
 */
export function known(
  name: string,
  drafts: Drafts,
  dialect: Dialect,
): { readonly draft: Draft; readonly kind: Kind } | undefined {
  const draft = drafts.names.get(name);
  if (!draft || (name === 'any' && !dialect.has("type 'any'"))) return undefined;
  switch (draft.kind) {
    case 'builtin':
      return { draft, kind: 'built-in type' };
    case 'enum':
      return { draft, kind: draft.implicit && !draft.expression ? 'built-in type' : 'enum' };
    case 'object':
      return draft.implicit ? undefined : { draft, kind: draft.variants ? 'union' : 'struct' };
    case 'array':
      return undefined;
    default:
      return { draft, kind: draft.kind };
  }
}

/** Checks that a type written as `'T'` or `['T']` is known and usable where it stands. How it is written is not looked at. */
export function checkUse(value: SyntaxValue | undefined, use: Use, drafts: Drafts, context: CheckContext): void {
  const name = nameIn(value);
  if (!name) return;
  if (name.value === '**' && context.dialect.has("type '**'")) {
    if (!use.anything || value?.kind === 'array') context.report('star-without-gen', { role: use.role }, name.span);
    return;
  }
  const type = known(name.value, drafts, context.dialect);
  if (!type) {
    if (drafts.excuses(name.value)) return;
    const hint =
      builtinHint(name.value, context.dialect) ??
      context.suggest(name.value, namesOf(use.kinds, drafts, context.dialect));
    context.report('unknown-type', { role: use.role, type: name.value }, name.span, { hint });
  } else if (!use.kinds.includes(type.kind)) {
    const usable = listOf(use.kinds);
    const parameters = { role: use.role, type: name.value, kind: withArticle(type.kind), usable };
    context.report('unusable-type', parameters, name.span);
  }
}

/** Checks the types of members: those of a struct, of an inline base, or of inline arguments. */
export function checkMemberUses(
  members: SyntaxObject,
  what: 'member' | 'argument',
  anything: boolean,
  drafts: Drafts,
  context: CheckContext,
): void {
  for (const { key, value } of pairsOf(members)) {
    const role = `${what} '${memberName(key.value)}'`;
    checkUse(typeOf(value, context), { role, kinds: dataKinds, anything }, drafts, context);
  }
}

/** The type of a member or branch; undefined for an inline object, which is reported as such. */
export function typeOf(value: SyntaxValue, context: CheckContext): SyntaxValue | undefined {
  return value.kind !== 'object' || context.dialect.has('long forms') ? typeValue(value) : undefined;
}

function nameIn(value: SyntaxValue | undefined): SyntaxString | undefined {
  if (value?.kind === 'string') return value;
  const [element, another] = value?.kind === 'array' ? value.elements : [];
  return element?.kind === 'string' && !another ? element : undefined;
}

function* namesOf(kinds: readonly Kind[], drafts: Drafts, dialect: Dialect): Iterable<string> {
  for (const name of drafts.names.keys()) {
    const kind = known(name, drafts, dialect)?.kind;
    if (kind && kinds.includes(kind)) yield name;
  }
}

function withArticle(kind: Kind): string {
  return `${/^[aei]/.test(kind) ? 'an' : 'a'} ${kind}`;
}

function listOf(kinds: readonly Kind[]): string {
  const names = kinds.map(withArticle);
  const last = names.pop() ?? '';
  return names.length === 0 ? last : `${names.join(', ')} or ${last}`;
}
