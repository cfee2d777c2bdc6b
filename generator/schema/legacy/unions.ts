import type { SyntaxObject, SyntaxPair, SyntaxString, SyntaxValue } from '../../syntax/tree.js';
import type { CheckContext } from '../check/context.js';
import { isEmpty } from '../check/found.js';
import type { Drafts } from '../define.js';
import type { EnumDraft } from '../draft.js';
import { memberName, nameFault, reportNameFault } from '../names.js';
import { get, pairsOf } from '../read.js';
import { checkConstants } from './constants.js';
import { checkMemberUses, checkUse, dataKinds, known, typeOf } from './uses.js';

/** Checks the types and names that a union uses: base, discriminator and branches. */
export function checkUnionUses(object: SyntaxObject, name: SyntaxString, drafts: Drafts, context: CheckContext): void {
  const discriminator = get(object, 'discriminator');
  const branches = pairsOf(get(object, 'data'));
  if (discriminator === undefined || discriminator.kind === 'null') {
    for (const { key, value } of branches) {
      checkUse(typeOf(value, context), { role: `branch '${key.value}'`, kinds: dataKinds }, drafts, context);
    }
    checkConstants(
      branches.map(({ key }) => key),
      'branch of a simple union',
      context,
    );
    return;
  }
  const base = get(object, 'base');
  if (base?.kind === 'object') checkMemberUses(base, 'member', false, drafts, context);
  else checkUse(base, { role: "'base'", kinds: ['struct'] }, drafts, context);
  const values = discriminator.kind === 'string' ? checkDiscriminator(discriminator, base, drafts, context) : undefined;
  const names = new Set(values?.members.map((member) => member.name));
  for (const { key, value: type } of branches) {
    checkUse(typeOf(type, context), { role: `branch '${key.value}'`, kinds: ['struct'] }, drafts, context);
    if (!values || names.has(key.value)) continue;
    const hint = context.suggest(key.value, names);
    context.report('branch-not-in-enum', { name: key.value, type: values.name }, key.span, { hint });
  }
  if (values) checkComplete(name, branches, values, get(object, 'data') ?? object, context);
}

/** From 2.7 to 2.12 every value of the discriminator's enum needs a branch. */
function checkComplete(
  union: SyntaxString,
  branches: readonly SyntaxPair[],
  values: EnumDraft,
  place: SyntaxValue,
  context: CheckContext,
): void {
  if (!context.dialect.has('unions without gaps') || branches.length === 0) return;
  const written = new Set(branches.map(({ key }) => key.value));
  for (const { name, span } of values.members) {
    if (written.has(name)) continue;
    const related = [{ message: `value '${name}' of '${values.name}'`, span }];
    context.report('missing-branch', { union: union.value, value: name, type: values.name }, place.span, { related });
  }
}

/** Finds the enum whose values name the branches. The discriminator must be among the base's own members, just as it is written. */
function checkDiscriminator(
  discriminator: SyntaxString,
  base: SyntaxValue | undefined,
  drafts: Drafts,
  context: CheckContext,
): EnumDraft | undefined {
  if (reportNameFault(context, nameFault(discriminator.value, 'member', context), discriminator.span)) return undefined;
  const members = base?.kind === 'object' ? base : get(structNamed(base, drafts, context), 'data');
  if (members?.kind !== 'object' || (base?.kind === 'object' && isEmpty(base))) return undefined;
  const name = discriminator.value;
  const member = members.pairs.get(name);
  if (!member) {
    reportNoMember(discriminator, base, members, context);
    return undefined;
  }
  const related = [{ message: `the member '${name}'`, span: member.key.span }];
  const condition = get(member.value, 'if');
  if (context.dialect.has('long forms') && condition && !isEmpty(condition)) {
    context.report('conditional-discriminator', { name }, discriminator.span, { related });
  }
  const type = typeOf(member.value, context);
  const target = type?.kind === 'string' ? known(type.value, drafts, context.dialect) : undefined;
  if (target?.draft.kind === 'enum' && target.kind === 'enum' && !target.draft.implicit) {
    checkApart(discriminator, target.draft, context);
    return target.draft;
  }
  context.report('discriminator-not-an-enum', { name }, discriminator.span, { related });
  return undefined;
}

function reportNoMember(
  { value: name, span }: SyntaxString,
  base: SyntaxValue | undefined,
  members: SyntaxObject,
  context: CheckContext,
): void {
  const optional = members.pairs.get(`*${name}`);
  if (optional) {
    const related = [{ message: `the member '${name}'`, span: optional.key.span }];
    context.report('optional-discriminator', { name }, span, { related });
    return;
  }
  const hint = context.suggest(name, members.pairs.keys().map(memberName));
  const place = base?.kind === 'string' ? `the base '${base.value}' itself` : "'base'";
  context.report('unknown-discriminator', { name, base: place }, span, { hint });
}

/** 2.5 keeps discriminator and branches in one C structure. */
function checkApart({ value: name, span }: SyntaxString, values: EnumDraft, context: CheckContext): void {
  const taken =
    context.dialect.has('discriminator apart from its values') && values.members.find((value) => value.name === name);
  if (!taken) return;
  const related = [{ message: `value '${name}'`, span: taken.span }];
  context.report('discriminator-among-values', { name, type: values.name }, span, { related });
}

function structNamed(value: SyntaxValue | undefined, drafts: Drafts, context: CheckContext): SyntaxObject | undefined {
  const type = value?.kind === 'string' ? known(value.value, drafts, context.dialect) : undefined;
  return type?.kind === 'struct' ? type.draft.expression?.value : undefined;
}
