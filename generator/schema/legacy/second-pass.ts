import type { MetaKey } from '../../syntax/meta-key.js';
import type { Expression, SyntaxObject, SyntaxString } from '../../syntax/tree.js';
import { checkDistinction } from '../check/alternates.js';
import { type Clashes, findClashes } from '../check/clashes.js';
import { type CheckContext, definedName } from '../check/context.js';
import { checkWritten } from '../check/definition.js';
import { checkDocumentedReturns } from '../check/documentation.js';
import { checkFeatures } from '../check/features.js';
import { reportBranchClashes, reportMemberClash } from '../check/report-clash.js';
import type { Drafts } from '../define.js';
import type { ObjectDraft } from '../draft.js';
import { elementsOf, get, isLiteral, pairsOf } from '../read.js';
import { checkConstants } from './constants.js';
import { checkUnionUses } from './unions.js';
import { checkMemberUses, checkUse, dataKinds, type Kind, typeOf } from './uses.js';

/** Checks what the first pass has found to be definitions: how they are written, and whether the types that they name fit. */
export function checkSecondPass(expressions: readonly Expression[], drafts: Drafts, context: CheckContext): void {
  const definitions = new Map(
    drafts.entities.filter(({ implicit }) => !implicit).map((draft) => [draft.expression, draft]),
  );
  const clashes = context.dialect.has('clashes of constants') ? findExactClashes(drafts) : undefined;
  for (const expression of expressions) {
    const defined = definedName(expression);
    if (!defined) continue;
    const { meta, name } = defined;
    context.enter(expression);
    checkWritten(expression.value, meta, name, context);
    checkContents[meta](expression.value, name, drafts, context);
    const draft = definitions.get(expression);
    if (draft?.kind === 'alternate') checkDistinction(draft, context, () => {});
    if (draft?.kind === 'object' && clashes) reportClashes(draft, clashes, context);
    checkDocumentedReturns(expression, meta, context);
  }
}

/** 2.4 and 2.5 compare members as they are written. */
function findExactClashes({ entities }: Drafts): Clashes {
  const objects = entities.filter((draft) => draft.kind === 'object');
  return findClashes(objects, (name) => name);
}

function reportClashes(object: ObjectDraft, clashes: Clashes, context: CheckContext): void {
  for (const member of object.members) reportMemberClash(member, clashes, context);
  if (object.variants) reportBranchClashes(object, object.variants, clashes, context);
}

type ContentsCheck = (object: SyntaxObject, name: SyntaxString, drafts: Drafts, context: CheckContext) => void;

const checkContents: Record<MetaKey, ContentsCheck> = {
  enum: checkEnum,
  struct: checkStruct,
  union: checkUnionUses,
  alternate: checkAlternate,
  command: checkCommand,
  event: checkEvent,
};

function checkEnum(object: SyntaxObject, _name: SyntaxString, _drafts: Drafts, context: CheckContext): void {
  const values = elementsOf(get(object, 'data')).filter((value) => value.kind === 'string');
  checkConstants(values, 'enum value', context);
}

function checkStruct(object: SyntaxObject, _name: SyntaxString, drafts: Drafts, context: CheckContext): void {
  const data = get(object, 'data');
  if (data?.kind === 'object') checkMemberUses(data, 'member', false, drafts, context);
  checkUse(get(object, 'base'), { role: "'base'", kinds: ['struct'] }, drafts, context);
  if (context.dialect.has('features of structs')) checkFeatures(get(object, 'features'), context);
}

function checkAlternate(object: SyntaxObject, _name: SyntaxString, drafts: Drafts, context: CheckContext): void {
  const branches = pairsOf(get(object, 'data'));
  checkConstants(
    branches.map(({ key }) => key),
    'branch of an alternate',
    context,
  );
  for (const { key, value } of branches) {
    checkUse(typeOf(value, context), { role: `branch '${key.value}'`, kinds: dataKinds }, drafts, context);
  }
}

function checkCommand(object: SyntaxObject, name: SyntaxString, drafts: Drafts, context: CheckContext): void {
  const anything = object.pairs.has('gen');
  checkArguments(object, anything, drafts, context);
  const returns = get(object, 'returns');
  if (returns?.kind === 'object') {
    checkMemberUses(returns, 'member', anything, drafts, context);
    return;
  }
  const excepted = context.pragmas.commandReturnsExceptions.has(name.value);
  const kinds: readonly Kind[] = excepted ? dataKinds : ['struct', 'union'];
  checkUse(returns, { role: "'returns'", kinds, anything }, drafts, context);
}

function checkEvent(object: SyntaxObject, name: SyntaxString, drafts: Drafts, context: CheckContext): void {
  if (context.dialect.has('clashes of constants') && name.value.toUpperCase() === 'MAX') {
    context.report('reserved-constant', { what: 'an event', name: name.value }, name.span);
  }
  checkArguments(object, false, drafts, context);
}

function checkArguments(object: SyntaxObject, anything: boolean, drafts: Drafts, context: CheckContext): void {
  const data = get(object, 'data');
  if (isLiteral(get(object, 'boxed'), true)) {
    checkUse(data, { role: "'data' with 'boxed'", kinds: ['struct', 'union', 'alternate'] }, drafts, context);
  } else if (data?.kind === 'object') {
    checkMemberUses(data, 'argument', anything, drafts, context);
  } else {
    const kinds: Kind[] = context.dialect.has('unions as arguments') ? ['struct', 'union'] : ['struct'];
    checkUse(data, { role: "'data'", kinds, anything }, drafts, context);
  }
}
