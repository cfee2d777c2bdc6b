import type { BranchDraft, MemberDraft, ObjectDraft } from './draft.js';
import { walkInheritance } from './inheritance.js';

/** Finds the discriminators of unions and adds the branches that the schema left out: they add no members. */
export function completeUnions(objects: readonly ObjectDraft[], empty: ObjectDraft): void {
  const inScope = new Map<string, MemberDraft>();
  const enter = (object: ObjectDraft): void => {
    for (const member of object.members) if (!inScope.has(member.name)) inScope.set(member.name, member);
    const { variants } = object;
    if (!variants?.discriminator) return;
    variants.tag = inScope.get(variants.discriminator.value);
    addImplicitBranches(object, empty);
  };
  const leave = (object: ObjectDraft): void => {
    for (const member of object.members) if (inScope.get(member.name) === member) inScope.delete(member.name);
  };
  walkInheritance(objects, enter, leave);
}

function addImplicitBranches({ variants }: ObjectDraft, empty: ObjectDraft): void {
  const type = variants?.tag?.type.target;
  const span = variants?.discriminator?.span;
  if (!span || type?.kind !== 'enum') return;
  const written = new Set(variants.branches.map((branch) => branch.name));
  for (const { name, condition } of type.members) {
    if (written.has(name)) continue;
    const branch: BranchDraft = { name, type: { name: empty.name, span, target: empty }, implicit: true, span };
    variants.branches.push(condition ? { ...branch, condition } : branch);
  }
}
