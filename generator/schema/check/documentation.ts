import type { DocArgument, DocBlock } from '../../syntax/doc-block.js';
import type { Expression, SyntaxString } from '../../syntax/tree.js';
import type { DiagnosticDetails } from '../../text/diagnostic.js';
import type { Span } from '../../text/source-file.js';
import type { Draft, TypeReference } from '../draft.js';
import type { Feature } from '../model.js';
import { type CheckContext, enclosing, type MetaKey } from './context.js';

/** Checks what can be said of a definition's documentation by its kind alone: 4.2+. */
export function checkDocumentedKind(
  expression: Expression,
  meta: MetaKey,
  name: SyntaxString,
  context: CheckContext,
): void {
  checkDocumentedSymbol(expression, name, context);
  checkDocumentedReturns(expression, meta, context);
  checkDocumentationRequired(expression, name, context);
}

/** A schema can demand that every definition is documented. */
export function checkDocumentationRequired(expression: Expression, name: SyntaxString, context: CheckContext): void {
  if (!context.documentationChecked || !context.pragmas.docRequired || expression.doc) return;
  context.report('undocumented-definition', { name: name.value }, name.span, severity(context));
}

/** A documentation block must be about the definition that follows it. */
export function checkDocumentedSymbol(expression: Expression, name: SyntaxString, context: CheckContext): void {
  const symbol = expression.doc?.symbol;
  if (!context.documentationChecked || !symbol || symbol.name === name.value) return;
  context.report(
    'misdirected-documentation',
    { symbol: symbol.name, name: name.value },
    symbol.span,
    severity(context),
  );
}

/** Only commands return and fail. */
export function checkDocumentedReturns(expression: Expression, meta: MetaKey, context: CheckContext): void {
  const { doc, value } = expression;
  if (!context.documentationChecked || !doc) return;
  const needsReturns = context.dialect.has('Returns only where something is returned');
  for (const { tag, span } of doc.sections) {
    if (tag !== 'Returns' && tag !== 'Errors') continue;
    if (meta !== 'command') {
      context.report('section-of-commands', { tag, meta }, span, place(expression, doc, context));
    } else if (tag === 'Returns' && needsReturns && !value.pairs.has('returns')) {
      context.report('returns-nothing', {}, span, place(expression, doc, context));
    }
  }
}

/** What a documentation block can describe: the members and features that a definition has of its own. */
interface Subjects {
  readonly members: readonly { readonly name: string; readonly span: Span; readonly what: string }[];
  readonly features: readonly Feature[];
}

type Part = { readonly name: string; readonly span: Span; readonly features?: readonly Feature[] };

function subjectsOf(draft: Draft): Subjects {
  const parts = partsOf(draft);
  return {
    members: parts.map(([{ name, span }, what]) => ({ name, span, what })),
    features: [...draft.features, ...parts.flatMap(([{ features }]) => features ?? [])],
  };
}

function partsOf(draft: Draft): (readonly [part: Part, what: string])[] {
  switch (draft.kind) {
    case 'enum':
      return draft.members.map((member) => [member, 'value'] as const);
    case 'object':
      return [...implicitMembers(draft.base), ...draft.members].map((member) => [member, 'member'] as const);
    case 'alternate':
      return draft.branches.map((branch) => [branch, 'branch'] as const);
    case 'command':
    case 'event':
      return implicitMembers(draft.arguments).map((member) => [member, 'argument'] as const);
    default:
      return [];
  }
}

function implicitMembers(reference: TypeReference | undefined): readonly Part[] {
  const type = reference?.target;
  return type?.kind === 'object' && type.implicit && type.name !== 'q_empty' ? type.members : [];
}

/** Checks that a definition's documentation describes what the release demands: features from 4.2, from 9.0 also members. */
export function checkUndescribed(draft: Draft, context: CheckContext): void {
  const { doc } = draft;
  if (!context.documentationChecked || !doc?.symbol) return;
  const { members, features } = subjectsOf(draft);
  const excepted = context.pragmas.documentationExceptions.has(doc.symbol.name);
  if (context.dialect.has('members must be described') && !excepted) {
    const described = namesOf(doc.arguments);
    for (const { name, span, what } of members) {
      if (!described.has(name)) context.report('undescribed-member', { what, name }, span, severity(context));
    }
  }
  if (!context.dialect.has('features must be described')) return;
  const described = namesOf(doc.features);
  for (const { name, span } of features) {
    if (described.has(name)) continue;
    described.add(name);
    context.report('undescribed-feature', { name }, span, severity(context));
  }
}

/** Checks that what a definition's documentation describes exists. Up to 4.1 only members of objects and alternates are looked at. */
export function checkDescribed(draft: Draft, context: CheckContext): void {
  const { doc, expression } = draft;
  if (!context.documentationChecked || !doc || !expression) return;
  const everything = context.dialect.has('descriptions of everything checked');
  const subjects = subjectsOf(draft);
  const inline = subjects.members.length > 0 && (draft.kind === 'command' || draft.kind === 'event');
  if (everything || draft.kind === 'object' || draft.kind === 'alternate' || inline) {
    const names = namesOf(subjects.members);
    for (const { name, span } of doc.arguments.filter((argument) => !names.has(argument.name))) {
      const details = { ...place(expression, doc, context), hint: context.suggest(name, names) };
      context.report('described-member-missing', { name, definition: draft.name }, span, details);
    }
  }
  if (!everything) return;
  const names = namesOf(subjects.features);
  for (const { name, span } of doc.features.filter((feature) => !names.has(feature.name))) {
    const details = { ...place(expression, doc, context), hint: context.suggest(name, names) };
    context.report('described-feature-missing', { name, definition: draft.name }, span, details);
  }
}

function namesOf(things: readonly { readonly name: string }[]): Set<string> {
  return new Set(things.map((thing: Pick<DocArgument, 'name'>) => thing.name));
}

/** Problems of documentation do not make a schema unreadable: where no release is asked for, they are warnings. */
function severity(context: CheckContext): DiagnosticDetails {
  return context.dialect.has('documentation as advice') ? { severity: 'warning' } : {};
}

/** What the reference names for a problem inside a block: up to 8.2 the block, so that the definition counts from there. */
function place(expression: Expression, doc: DocBlock, context: CheckContext): DiagnosticDetails {
  const definition = enclosing(expression);
  if (context.dialect.has('documentation errors at the section')) return { definition, ...severity(context) };
  return { definition: { ...definition, span: { ...definition.span, start: doc.span.start } }, ...severity(context) };
}
