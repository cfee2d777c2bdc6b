import { type MetaKey, metaKeyOf } from '../../syntax/meta-key.js';
import type { Expression, SyntaxObject, SyntaxString } from '../../syntax/tree.js';
import type { Span } from '../../text/source-file.js';
import { builtinTypes } from '../builtins.js';
import { checkCondition } from '../check/conditions.js';
import type { CheckContext } from '../check/context.js';
import { checkDocumentationRequired, checkDocumentedSymbol } from '../check/documentation.js';
import { found } from '../check/found.js';
import { checkFlag, checkKeys, flags, keyRules, reportUnknownKey } from '../check/keys.js';
import { reportNoDefinition } from '../check/no-definition.js';
import { nameFault, reportNameFault, reservedSuffixFault } from '../names.js';

/** A name that is taken: by what, and where it was given. */
interface Taken {
  readonly by: string;
  readonly span?: Span;
}

/** Finds out what each expression defines, checks its keys and its name: the first pass of releases up to 4.1. */
export function checkFirstPass(expressions: readonly Expression[], context: CheckContext): void {
  const names = new Map<string, Taken>();
  for (const { name } of builtinTypes(context.dialect)) names.set(name, { by: 'a built-in type' });
  if (context.dialect.has('type QType')) names.set('QType', { by: 'a built-in type' });
  for (const expression of expressions) {
    context.enter(expression);
    checkKind(expression, names, context);
  }
}

function checkKind(expression: Expression, names: Map<string, Taken>, context: CheckContext): void {
  const { value: object } = expression;
  const meta = metaKeyOf(object.pairs);
  const name = meta && object.pairs.get(meta)?.value;
  if (!meta || !name) {
    reportNoDefinition(object, context);
  } else if (name.kind !== 'string') {
    context.report('name-not-a-string', { meta, found: found(name) }, name.span);
  } else {
    checkDocumentationRequired(expression, name, context);
    checkWrittenKeys(object, meta, name, context);
    reportNameFault(context, nameFault(name.value, meta, context), name.span);
    register(name, meta, names, context);
    reportNameFault(context, reservedSuffixFault(name.value, meta, context.dialect), name.span);
    checkDocumentedSymbol(expression, name, context);
  }
}

/** Up to 3.1 keys are checked one by one as written, and missing ones last; later missing and unknown ones come first. */
function checkWrittenKeys(object: SyntaxObject, meta: MetaKey, name: SyntaxString, context: CheckContext): void {
  const what = `${meta} '${name.value}'`;
  const asWritten = context.dialect.has('keys checked as written');
  if (!asWritten) checkKeys(object, meta, what, name.span, context);
  const rules = keyRules(meta, context.dialect);
  for (const { key, value } of object.pairs.values()) {
    if (!rules.known.includes(key.value)) {
      if (asWritten) reportUnknownKey(key.value, meta, what, key.span, context);
    } else if (flags.has(key.value)) checkFlag(object, key.value, context);
    else if (key.value === 'if') checkCondition(value, context);
  }
  if (!asWritten) return;
  for (const key of rules.required) {
    if (!object.pairs.has(key)) context.report('missing-key', { what, key }, name.span);
  }
}

/** Names are compared exactly: those that differ only in `-`, `_` and `.` pass. */
function register(name: SyntaxString, meta: MetaKey, names: Map<string, Taken>, context: CheckContext): void {
  const earlier = names.get(name.value);
  if (!earlier) {
    const article = meta === 'enum' || meta === 'alternate' || meta === 'event' ? 'an' : 'a';
    names.set(name.value, { by: `${article} ${meta}`, span: name.span });
    return;
  }
  const related = earlier.span && [{ message: 'first defined here', span: earlier.span }];
  context.report('redefinition', { name: name.value, earlier: earlier.by }, name.span, { related });
}
