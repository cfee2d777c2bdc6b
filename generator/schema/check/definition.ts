import { whenKnown } from '../../syntax/dialect.js';
import { isMetaKey, type MetaKey, metaKeyOf } from '../../syntax/meta-key.js';
import type { Expression, SyntaxObject, SyntaxString, SyntaxValue } from '../../syntax/tree.js';
import type { Span } from '../../text/source-file.js';
import { nameFault, reportNameFault, reservedSuffixFault } from '../names.js';
import { get, pairsOf } from '../read.js';
import { checkCondition } from './conditions.js';
import type { CheckContext } from './context.js';
import { checkDocumentedKind } from './documentation.js';
import { checkFeatures } from './features.js';
import { found, isEmpty } from './found.js';
import { checkFlag, checkKeys, flags } from './keys.js';
import { reportNoDefinition } from './no-definition.js';
import { checkBranch, checkMembers, checkWrittenType, type WrittenForms } from './types-written.js';

/** Checks an expression in every way that needs no other part of the schema: the rules of 4.2 and later. */
export function checkDefinition(expression: Expression, context: CheckContext): void {
  const meta = checkKind(expression, context);
  if (!meta) return;
  const { value: object } = expression;
  const name = object.pairs.get(meta)?.value;
  if (name?.kind !== 'string') {
    if (name) context.report('name-not-a-string', { meta, found: found(name) }, name.span);
    return;
  }
  const fault = nameFault(name.value, meta, context) ?? reservedSuffixFault(name.value, meta, context.dialect);
  reportNameFault(context, fault, name.span);
  checkDocumentedKind(expression, meta, name, context);
  checkKeys(object, meta, `${meta} '${name.value}'`, name.span, context);
  checkWritten(object, meta, name, context);
  checkCondition(get(object, 'if'), context);
  checkFeatures(get(object, 'features'), context);
  checkFlags(object, context);
}

/** Finds out what an expression defines. From 6.2 there must be exactly one key that says so; before, a second one is an unknown key. */
function checkKind({ value }: Expression, context: CheckContext): MetaKey | undefined {
  const present = value.pairs.values().filter(({ key }) => isMetaKey(key.value));
  if (present.length < 2 && present[0]) return present[0].key.value as MetaKey;
  const meta = metaKeyOf(value.pairs);
  if (!meta) {
    reportNoDefinition(value, context);
  } else if (context.dialect.has('exactly one kind')) {
    const [first, second] = present.map(({ key }) => key) as [SyntaxString, SyntaxString];
    context.report('several-definitions', { first: first.value, second: second.value }, second.span);
    return undefined;
  }
  return meta;
}

/** Checks how the parts of a definition are written that its kind has. */
export function checkWritten(object: SyntaxObject, meta: MetaKey, name: SyntaxString, context: CheckContext): void {
  checkParts[meta](object, name, context);
}

type PartsCheck = (object: SyntaxObject, name: SyntaxString, context: CheckContext) => void;

const checkParts: Record<MetaKey, PartsCheck> = {
  enum: checkEnum,
  struct: checkStruct,
  union: checkUnion,
  alternate: checkAlternate,
  command: checkCommand,
  event: checkArguments,
};

function checkEnum(object: SyntaxObject, name: SyntaxString, context: CheckContext): void {
  const data = get(object, 'data');
  const isArray = data?.kind === 'array';
  if (data && !isArray) {
    context.report('wrong-value', { what: "'data' of an enum", expected: 'an array', found: found(data) }, data.span);
    return;
  }
  expectString(given(object, 'prefix', context), "'prefix'", context);
  for (const value of isArray ? data.elements : []) checkEnumValue(value, name.value, context);
}

function checkEnumValue(value: SyntaxValue, owner: string, context: CheckContext): void {
  const isLong = value.kind === 'object' && context.dialect.has('long forms');
  if (isLong && !checkKeys(value, 'enum value', 'an enum value', value.span, context)) return;
  const name = isLong ? get(value, 'name') : value;
  if (!expectString(name, 'an enum value', context)) return;
  reportNameFault(context, nameFault(name.value, 'enum value', context, owner), name.span);
  checkCondition(get(value, 'if'), context);
  checkFeatures(get(value, 'features'), context);
}

function checkStruct(object: SyntaxObject, name: SyntaxString, context: CheckContext): void {
  const data = get(object, 'data');
  if (data?.kind === 'object') checkMembers(data, 'member', name.value, context);
  else if (data?.kind !== 'string' || !context.dialect.has('structs with named data')) reportStructData(data, context);
  checkWrittenType(given(object, 'base', context), "'base'", {}, context);
}

/** Checks that a struct does not name a type as its `data`, where that passes when it is looked at by itself. */
export function checkNamedData({ value }: Expression, context: CheckContext): void {
  const data = value.pairs.get('data')?.value;
  if (data?.kind === 'string' && value.pairs.has('struct')) reportStructData(data, context);
}

function reportStructData(data: SyntaxValue | undefined, context: CheckContext): void {
  const expected = 'an object with members';
  if (data) context.report('wrong-value', { what: "'data' of a struct", expected, found: found(data) }, data.span);
}

function checkUnion(object: SyntaxObject, name: SyntaxString, context: CheckContext): void {
  const base = given(object, 'base', context);
  const discriminator = given(object, 'discriminator', context);
  const mustDiscriminate = context.dialect.has('every union has a discriminator');
  if (!mustDiscriminate) {
    if (base && !discriminator) context.report('base-without-discriminator', { name: name.value }, base.span);
    if (discriminator && (!base || isEmpty(base))) {
      context.report('discriminator-without-base', { name: name.value }, base?.span ?? discriminator.span);
    }
  }
  const inline = { members: 'member', owner: name.value } as const;
  checkWrittenType(base, "'base'", context.dialect.has('inline bases') ? { inline } : {}, context);
  expectString(discriminator, "'discriminator'", context);
  const data = get(object, 'data');
  if (data && isEmpty(data) && context.dialect.has('no union without branches')) {
    context.report('union-without-branches', { name: name.value }, data.span);
  } else checkBranches(data, 'union', !discriminator && !mustDiscriminate, context);
}

function checkAlternate(object: SyntaxObject, name: SyntaxString, context: CheckContext): void {
  const { dialect } = context;
  const data = get(object, 'data');
  const least = dialect.has('two branches of alternates') ? 2 : dialect.has('alternates without branches') ? 0 : 1;
  if (data && (data.kind === 'object' ? data.pairs.size < least : isEmpty(data))) {
    const parameters = { name: name.value, least: least === 1 ? 'one branch' : 'two branches' };
    context.report('alternate-without-branches', parameters, data.span);
  } else checkBranches(data, 'alternate', true, context);
}

/** @param named whether the branches have names of their own: those of a union with a discriminator are values of its enum */
function checkBranches(
  data: SyntaxValue | undefined,
  kind: 'union' | 'alternate',
  named: boolean,
  context: CheckContext,
): void {
  if (data && data.kind !== 'object') {
    const expected = 'an object with branches';
    context.report(
      'wrong-value',
      { what: `'data' of ${kind === 'union' ? 'a' : 'an'} ${kind}`, expected, found: found(data) },
      data.span,
    );
  }
  const arrays = whenKnown('arrays in alternates', context.dialect);
  const forms: WrittenForms =
    kind === 'union'
      ? { array: named }
      : { array: arrays === undefined, arrayHint: arrays && `arrays in alternates are ${arrays}` };
  for (const { key, value } of pairsOf(data)) {
    if (named || context.dialect.has('names of branches checked')) {
      reportNameFault(context, nameFault(key.value, 'branch', context), key.span);
    }
    checkBranch(key.value, value, forms, context);
  }
}

function checkCommand(object: SyntaxObject, name: SyntaxString, context: CheckContext): void {
  checkArguments(object, name, context);
  const returns = given(object, 'returns', context);
  const inline = { members: 'argument', owner: name.value } as const;
  const forms: WrittenForms = context.dialect.has('inline returns') ? { array: true, inline } : { array: true };
  checkWrittenType(returns, "'returns'", forms, context);
}

function checkArguments(object: SyntaxObject, name: SyntaxString, context: CheckContext): void {
  const data = given(object, 'data', context);
  const boxed = get(object, 'boxed');
  if (!boxed || isEmpty(boxed)) {
    checkWrittenType(data, "'data'", { inline: { members: 'argument', owner: name.value } }, context);
  } else if (data) checkWrittenType(data, "'data' with 'boxed'", {}, context);
  else if (!context.dialect.has('checks in two passes')) context.report('boxed-without-data', {}, boxed.span);
}

function checkFlags(object: SyntaxObject, context: CheckContext): void {
  if (!object.pairs.values().some(({ key }) => flags.has(key.value))) return;
  for (const key of flags.keys()) checkFlag(object, key, context);
  const oob = object.pairs.get('allow-oob');
  const coroutine = object.pairs.get('coroutine');
  if (oob && coroutine) {
    const span: Span = oob.key.span.start > coroutine.key.span.start ? oob.key.span : coroutine.key.span;
    context.report('conflicting-flags', {}, span);
  }
}

/** The value of an optional key. Where the language has the literal `null`, that means that the key is absent. */
function given(object: SyntaxObject, key: string, context: CheckContext): SyntaxValue | undefined {
  const value = get(object, key);
  return value?.kind === 'null' && context.dialect.has('null literal') ? undefined : value;
}

function expectString(value: SyntaxValue | undefined, what: string, context: CheckContext): value is SyntaxString {
  if (value && value.kind !== 'string') {
    context.report('wrong-value', { what, expected: 'a string', found: found(value) }, value.span);
  }
  return value?.kind === 'string';
}
