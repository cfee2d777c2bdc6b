import { whenKnown } from '../../syntax/dialect.js';
import type { SyntaxObject, SyntaxValue } from '../../syntax/tree.js';
import { memberName, nameFault, reportNameFault, reservedMemberFault } from '../names.js';
import { typeValue } from '../read.js';
import { checkCondition } from './conditions.js';
import type { CheckContext } from './context.js';
import { checkFeatures } from './features.js';
import { found } from './found.js';
import { checkKeys } from './keys.js';

/** What may be written where a type is expected, beside a name. */
export interface WrittenForms {
  /** An array of a type. */
  readonly array?: boolean;
  /** Why there is no array, where other releases take one. */
  readonly arrayHint?: string | undefined;
  /** An inline object. Its members are those of the named struct or union, or the arguments of a command or event. */
  readonly inline?: { readonly members: 'member' | 'argument'; readonly owner: string };
}

/** Checks how a type is written, but not what the names in it mean. Nothing written is fine. */
export function checkWrittenType(
  value: SyntaxValue | undefined,
  role: string,
  forms: WrittenForms,
  context: CheckContext,
): void {
  if (value === undefined || value.kind === 'string') return;
  if (value.kind === 'array') {
    const [element, another] = value.elements;
    if (!forms.array) context.report('array-not-allowed', { role }, value.span, { hint: forms.arrayHint });
    else if (element?.kind !== 'string' || another) context.report('malformed-array-type', { role }, value.span);
  } else if (value.kind === 'object' && forms.inline) {
    checkMembers(value, forms.inline.members, forms.inline.owner, context);
  } else {
    const expected = `a type name${forms.array ? ' or an array of one' : ''}${forms.inline ? ' or an object with members' : ''}`;
    const hint = value.kind === 'object' && value.pairs.has('type') ? longFormHint(context) : undefined;
    context.report('not-a-type', { role, expected, found: found(value) }, value.span, { hint });
  }
}

function longFormHint({ dialect }: CheckContext): string | undefined {
  const when = whenKnown('long forms', dialect);
  return when && `objects in place of types are ${when}`;
}

/** Checks the members of a struct, an inline base, or inline arguments. */
export function checkMembers(
  members: SyntaxObject,
  kind: 'member' | 'argument',
  owner: string,
  context: CheckContext,
): void {
  for (const { key, value } of members.pairs.values()) {
    const name = memberName(key.value);
    const fault = nameFault(name, kind, context, owner) ?? reservedMemberFault(key.value, context.dialect);
    reportNameFault(context, fault, key.span);
    const role = `${kind} '${name}'`;
    const isLong = value.kind === 'object' && context.dialect.has('long forms');
    if (isLong) {
      if (!checkKeys(value, 'member', role, value.span, context)) continue;
      checkInnerCondition(value, context);
      checkFeatures(value.pairs.get('features')?.value, context);
    }
    checkWrittenType(isLong ? typeValue(value) : value, role, { array: true }, context);
  }
}

/** Checks a branch of a union or alternate, except its name. */
export function checkBranch(name: string, value: SyntaxValue, forms: WrittenForms, context: CheckContext): void {
  const role = `branch '${name}'`;
  const isLong = value.kind === 'object' && context.dialect.has('long forms');
  if (isLong) {
    if (!checkKeys(value, 'branch', role, value.span, context)) return;
    checkInnerCondition(value, context);
  }
  checkWrittenType(isLong ? typeValue(value) : value, role, forms, context);
}

/** The condition of a member or branch; 4.0 and 4.1 take any value for one. */
function checkInnerCondition(longForm: SyntaxObject, context: CheckContext): void {
  if (context.dialect.has('conditions of members checked')) checkCondition(longForm.pairs.get('if')?.value, context);
}
