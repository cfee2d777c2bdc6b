import type { BranchDraft, MemberDraft, ObjectDraft, TypeReference } from './draft.js';

/** An object type and what it extends, itself first. A type that extends itself is met once. */
export function* withBases(object: ObjectDraft): Generator<ObjectDraft> {
  const seen = new Set<ObjectDraft>();
  let current: ObjectDraft | undefined = object;
  while (current && !seen.has(current)) {
    seen.add(current);
    yield current;
    const base: TypeReference | undefined = current.base;
    current = base?.target?.kind === 'object' ? base.target : undefined;
  }
}

/** Finds a flat union's discriminator and adds the branches that the schema left out: they add no members. */
export function completeVariants(union: ObjectDraft, empty: ObjectDraft): void {
  const { variants } = union;
  if (!variants?.discriminator) return;
  const { value, span } = variants.discriminator;
  variants.tag = findMember(union, value);
  const type = variants.tag?.type.target;
  if (type?.kind !== 'enum') return;
  const written = new Set(variants.branches.map((branch) => branch.name));
  for (const { name, condition } of type.members) {
    if (written.has(name)) continue;
    const branch: BranchDraft = { name, type: { name: empty.name, span, target: empty }, implicit: true, span };
    variants.branches.push(condition ? { ...branch, condition } : branch);
  }
}

function findMember(object: ObjectDraft, name: string): MemberDraft | undefined {
  for (const { members } of withBases(object)) {
    const found = members.find((member) => member.name === name);
    if (found) return found;
  }
  return undefined;
}
