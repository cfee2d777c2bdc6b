import type { Expression, SyntaxString } from '../../syntax/tree.js';
import { type Drafts, define } from '../define.js';
import type { Draft } from '../draft.js';
import type { LostNames } from '../lost.js';
import type { CheckContext } from './context.js';
import { checkDefinition, checkNamedData } from './definition.js';
import { describeKind } from './describe.js';
import { checkDescribed, checkUndescribed } from './documentation.js';
import { checkEntities } from './entities.js';
import { checkFeatureLimit } from './feature-limit.js';
import type { SoundDefinitions } from './sound-definitions.js';

/**
 * Checks a schema in the order of 4.2 and later, and defines its entities: each definition by itself, then all names, then each
 * entity with what it refers to. Of the expressions only their names are left: a large schema's syntax tree takes more room than all
 * that is made of it.
 *
 * @param sound what was found to be sound the last time, and need not be checked by itself again
 */
export function checkInPhases(
  expressions: readonly Expression[],
  lost: LostNames,
  context: CheckContext,
  sound?: SoundDefinitions,
): Drafts {
  sound?.begin(context);
  for (const expression of expressions) {
    if (sound?.has(expression)) continue;
    context.enter(expression);
    if (isSilent(context, () => checkDefinition(expression, context))) sound?.add(expression);
  }
  const namedData = context.dialect.has('structs with named data');
  const drafts = define(expressions, context.dialect, lost, (expression, { meta, name }, earlier) => {
    context.enter(expression);
    if (namedData) checkNamedData(expression, context);
    if (earlier) reportRedefinition(name, earlier, context);
    // From here on its draft says what it means.
    expression.keepOnly(meta);
  });
  const describedLast = context.dialect.has('non-existent descriptions reported last');
  const documented: { readonly draft: Draft; readonly complete: boolean }[] = [];
  const describe = (draft: Draft, complete: boolean): void => {
    if (isSilent(context, () => checkDescribed(draft, context)) && complete) sound?.addDescribed(draft);
  };
  checkEntities(drafts, context, (draft) => {
    if (!draft.doc || context.isFaulty(draft.expression) || sound?.isDescribed(draft)) return;
    const complete = isSilent(context, () => checkUndescribed(draft, context));
    if (describedLast) documented.push({ draft, complete });
    else describe(draft, complete);
  });
  for (const { draft, complete } of documented) {
    context.enter(draft.expression);
    describe(draft, complete);
  }
  checkFeatureLimit(drafts, context);
  return drafts;
}

/** Whether a check finds nothing. */
function isSilent(context: CheckContext, check: () => void): boolean {
  const { length } = context.diagnostics;
  check();
  return context.diagnostics.length === length;
}

/** Reports a second definition of a name. */
function reportRedefinition(name: SyntaxString, earlier: Draft, context: CheckContext): void {
  const span = earlier.expression?.value.span;
  const details = span && { related: [{ message: 'the earlier definition', span }] };
  context.report('redefinition', { name: name.value, earlier: describeKind(earlier) }, name.span, details);
}
