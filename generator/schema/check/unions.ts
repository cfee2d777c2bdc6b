import { whenKnown } from '../../syntax/dialect.js';
import type { ObjectDraft, TypeReference, VariantsDraft } from '../draft.js';
import { withBases } from '../inheritance.js';
import type { CheckContext } from './context.js';
import { describeKind } from './describe.js';
import type { References } from './references.js';

/**
 * Checks what makes an object type a union: discriminator and branches. Yields each branch's type to be checked first, and then
 * goes on with the branch.
 */
export function* checkVariants(
  union: ObjectDraft,
  variants: VariantsDraft,
  context: CheckContext,
  references: References,
): Generator<TypeReference, void> {
  const values = checkDiscriminator(union, variants, context);
  if ((variants.simple || values) && variants.branches.length === 0) {
    const span = variants.discriminator?.span ?? union.expression?.value.span;
    if (span) context.report('union-without-branches', { name: union.name }, span);
  }
  for (const branch of variants.branches) {
    if (branch.implicit) continue;
    const target = references.resolve(branch.type, `branch '${branch.name}'`);
    if (values && !values.names.has(branch.name)) {
      const hint = context.suggest(branch.name, values.names);
      context.report('branch-not-in-enum', { name: branch.name, type: values.type }, branch.span, { hint });
    }
    if (!target || branch.type.array) continue;
    if (!isUsable(target.kind === 'object' ? target : undefined, context)) {
      const role = `branch '${branch.name}'`;
      const usable = context.dialect.has('unions as branches') ? 'a struct or union' : 'a struct';
      const parameters = { role, type: target.name, kind: describeKind(target), usable };
      const when = target.kind === 'object' ? whenKnown('unions as branches', context.dialect) : undefined;
      context.report('unusable-type', parameters, branch.type.span, { hint: when && `unions as branches are ${when}` });
    } else yield branch.type;
  }
}

function isUsable(type: ObjectDraft | undefined, { dialect }: CheckContext): boolean {
  return type !== undefined && (!type.variants || dialect.has('unions as branches'));
}

interface Values {
  readonly type: string;
  readonly names: ReadonlySet<string>;
}

/** The values that can select a branch, if the discriminator has such. */
function checkDiscriminator(union: ObjectDraft, variants: VariantsDraft, context: CheckContext): Values | undefined {
  const { discriminator, tag } = variants;
  if (!discriminator) return undefined;
  const { value: name, span } = discriminator;
  if (!tag) {
    const bases = [...withBases(union)];
    // A base that is no struct, or extends itself, is reported as such.
    if (bases.at(-1)?.base) return undefined;
    const base = union.base && !union.base.target?.implicit ? `the base '${union.base.name}'` : "'base'";
    const names = bases.flatMap(({ members }) => members.map((member) => member.name));
    context.report('unknown-discriminator', { name, base }, span, { hint: context.suggest(name, names) });
    return undefined;
  }
  const type = tag.type.target;
  if (!type) return undefined;
  const related = [{ message: `the member '${name}'`, span: tag.span }];
  if (type.kind !== 'enum') {
    context.report('discriminator-not-an-enum', { name }, span, { related });
    return undefined;
  }
  if (tag.optional) context.report('optional-discriminator', { name }, span, { related });
  if (tag.condition) context.report('conditional-discriminator', { name }, span, { related });
  return { type: type.name, names: new Set(type.members.map((member) => member.name)) };
}
