import type { Span } from '../../text/source-file.js';
import type { BranchDraft, MemberDraft, ObjectDraft, VariantsDraft } from '../draft.js';
import { cName } from '../names.js';
import type { Clashes } from './clashes.js';
import { type CheckContext, definedName } from './context.js';

/** What has a name and a place: a value, branch or feature. */
export type Named = { readonly name: string; readonly span: Span };

const none = new Map<never, never>();

/** The things whose C name an earlier one has, with that one. */
export function clashesAmong<T extends Named>(things: readonly T[]): ReadonlyMap<T, T> {
  if (things.length < 2) return none;
  const seen = new Map<string, T>();
  const clashes = new Map<T, T>();
  for (const thing of things) {
    const key = cName(thing.name);
    const earlier = seen.get(key);
    if (earlier) clashes.set(thing, earlier);
    else seen.set(key, thing);
  }
  return clashes;
}

/** Reports that a value, branch or feature clashes with an earlier one, if there is one. */
export function reportClash(thing: Named, earlier: Named | undefined, what: string, context: CheckContext): void {
  if (!earlier) return;
  const related = [{ message: `${what} '${earlier.name}'`, span: earlier.span }];
  const parameters = { what: `${what} '${thing.name}'`, earlier: `${what} '${earlier.name}'` };
  context.report('member-clash', parameters, thing.span, { related });
}

/** Reports that a member clashes with an earlier or inherited one, if it does. */
export function reportMemberClash(member: MemberDraft, clashes: Clashes, context: CheckContext): void {
  const clash = clashes.members.get(member);
  if (!clash) return;
  const { earlier, later } = clash;
  const from = earlier.owner === later.owner ? '' : ` of ${describeOwner(earlier.owner)}`;
  const related = [{ message: `member '${earlier.member.name}'`, span: earlier.member.span }];
  const parameters = { what: `member '${member.name}'`, earlier: `member '${earlier.member.name}'${from}` };
  context.report('member-clash', parameters, member.span, { related });
}

/** Reports the members of branches that the union has already. */
export function reportBranchClashes(
  union: ObjectDraft,
  variants: VariantsDraft,
  clashes: Clashes,
  context: CheckContext,
): void {
  for (const { branch, later, earlier } of clashes.branches.get(union) ?? []) {
    const { name, type } = variants.branches[branch] as BranchDraft;
    const what = `member '${later.member.name}' of ${describeOwner(later.owner)}, which branch '${name}' adds,`;
    const related = [
      { message: `member '${earlier.member.name}'`, span: earlier.member.span },
      { message: `member '${later.member.name}'`, span: later.member.span },
    ];
    const parameters = { what, earlier: `member '${earlier.member.name}' of ${describeOwner(earlier.owner)}` };
    context.report('member-clash', parameters, type.span, { related });
  }
}

/** An object type in the words of a message. The author of an inline base does not know it by a name. */
function describeOwner({ name, implicit, expression }: ObjectDraft): string {
  const union = implicit && expression && definedName(expression)?.name.value;
  return union ? `the base of '${union}'` : `'${name}'`;
}
