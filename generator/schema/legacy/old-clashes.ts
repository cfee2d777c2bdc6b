import type { SyntaxObject, SyntaxString, SyntaxValue } from '../../syntax/tree.js';
import type { CheckContext } from '../check/context.js';
import type { Drafts } from '../define.js';
import { camelToUpper, memberName } from '../names.js';
import { get } from '../read.js';
import { known } from './uses.js';

/** What has a constant in C. */
export type Constant = 'enum value' | 'branch of an alternate' | 'branch of a simple union';

/** The clashes that 2.4 and 2.5 look for among enum values and branches: those of the constants that C has for them. */
export function checkConstants(names: readonly SyntaxString[], kind: Constant, context: CheckContext): void {
  const { dialect } = context;
  if (!dialect.has('clashes of constants')) return;
  const reserved = ['MAX'];
  if (kind === 'branch of a simple union' && dialect.has("reserved branches 'kind' and 'type'"))
    reserved.push('KIND', 'TYPE');
  const seen = new Map<string, SyntaxString>();
  for (const name of names) {
    const constant = camelToUpper(name.value);
    const earlier = seen.get(constant);
    if (reserved.includes(constant)) {
      context.report(
        'reserved-constant',
        { what: `${kind === 'enum value' ? 'an' : 'a'} ${kind}`, name: name.value },
        name.span,
      );
    } else if (earlier) {
      const related = [{ message: `${kind} '${earlier.value}'`, span: earlier.span }];
      const parameters = { what: `${kind} '${name.value}'`, earlier: `${kind} '${earlier.value}'` };
      context.report('member-clash', parameters, name.span, { related });
    } else seen.set(constant, name);
  }
}

/**
 * The clashes that 2.4 and 2.5 look for among members: a struct, or the branch of a union, must not repeat the very name of a
 * member of the base or of what the base extends.
 *
 * @param branch where the union names the type that has these members as a branch
 */
export function checkInheritedNames(
  members: SyntaxObject,
  base: SyntaxValue | undefined,
  drafts: Drafts,
  context: CheckContext,
  branch?: SyntaxValue,
): void {
  if (!context.dialect.has('clashes of constants')) return;
  const inherited = inheritedNames(base, drafts, context);
  for (const { key } of members.pairs.values()) {
    const name = memberName(key.value);
    const earlier = inherited.get(name);
    if (!earlier) continue;
    const related = [{ message: `member '${name}' of the base`, span: earlier.span }];
    if (branch) related.push({ message: `member '${name}'`, span: key.span });
    const what = branch ? `member '${name}', which this branch adds,` : `member '${name}'`;
    context.report('member-clash', { what, earlier: `member '${name}' of the base` }, branch?.span ?? key.span, {
      related,
    });
  }
}

function inheritedNames(
  base: SyntaxValue | undefined,
  drafts: Drafts,
  context: CheckContext,
): Map<string, SyntaxString> {
  const names = new Map<string, SyntaxString>();
  const seen = new Set<string>();
  for (let at = base; at?.kind === 'string' && !seen.has(at.value); ) {
    seen.add(at.value);
    const type = known(at.value, drafts, context.dialect);
    const object = type?.kind === 'struct' ? type.draft.expression?.value : undefined;
    const data = get(object, 'data');
    if (data?.kind === 'object') for (const { key } of data.pairs.values()) names.set(memberName(key.value), key);
    at = get(object, 'base');
  }
  return names;
}
