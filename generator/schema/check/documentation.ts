import type { DocBlock } from '../../syntax/doc-block.js';
import type { MetaKey } from '../../syntax/meta-key.js';
import type { Expression, SyntaxString } from '../../syntax/tree.js';
import type { DiagnosticDetails } from '../../text/diagnostic.js';
import { didYouMean } from '../../text/near-miss.js';
import type { Span } from '../../text/source-file.js';
import type { Draft, TypeReference } from '../draft.js';
import type { Feature } from '../model.js';
import { type CheckContext, enclosing } from './context.js';

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
  if (!context.documentationChecked || !doc || doc.sections.length === 0) return;
  const needsReturns = context.dialect.has('Returns only where something is returned');
  for (const tag of sectionsOfCommands) {
    const section = doc.sections.find((candidate) => candidate.tag === tag);
    if (!section) continue;
    if (meta !== 'command') {
      context.report('section-of-commands', { tag, meta }, section.span, place(expression, doc, context));
    } else if (tag === 'Returns' && needsReturns && !value.pairs.has('returns')) {
      context.report('returns-nothing', {}, section.span, place(expression, doc, context));
    }
  }
}

/** In the order in which the reference looks for them. */
const sectionsOfCommands = ['Returns', 'Errors'];

/** What a documentation block can describe of a definition: a member, value, branch or argument that it has of its own. */
type Part = { readonly name: string; readonly span: Span; readonly features?: readonly Feature[] };

const partKinds = {
  enum: 'value',
  object: 'member',
  alternate: 'branch',
  command: 'argument',
  event: 'argument',
} as const;

/** What a definition whose documentation can describe its parts is. */
type Documented = Draft & { readonly kind: keyof typeof partKinds };

function isDocumented(draft: Draft): draft is Documented {
  return Object.hasOwn(partKinds, draft.kind);
}

function partsOf(draft: Documented): readonly Part[] {
  switch (draft.kind) {
    case 'enum':
      return draft.members;
    case 'object': {
      const inherited = implicitMembers(draft.base);
      return inherited.length > 0 ? [...inherited, ...draft.members] : draft.members;
    }
    case 'alternate':
      return draft.branches;
    case 'command':
    case 'event':
      return implicitMembers(draft.arguments);
  }
}

function implicitMembers(reference: TypeReference | undefined): readonly Part[] {
  const type = reference?.target;
  return type?.kind === 'object' && type.implicit ? type.members : [];
}

function featuresOf(draft: Documented): readonly Feature[] {
  const features = [...draft.features];
  for (const part of partsOf(draft)) if (part.features) features.push(...part.features);
  return features;
}

/** Checks that a definition's documentation describes what the release demands: features from 4.2, from 9.0 also members. */
export function checkUndescribed(draft: Draft, context: CheckContext): void {
  const { doc } = draft;
  if (!context.documentationChecked || !doc?.symbol || !isDocumented(draft)) return;
  const excepted = context.pragmas.documentationExceptions.has(doc.symbol.name);
  if (context.dialect.has('members must be described') && !excepted) {
    const what = partKinds[draft.kind];
    for (const { name, span } of absent(partsOf(draft), doc.arguments)) {
      context.report('undescribed-member', { what, name }, span, severity(context));
    }
  }
  if (!context.dialect.has('features must be described')) return;
  for (const { name, span } of absent(featuresOf(draft), doc.features)) {
    context.report('undescribed-feature', { name }, span, severity(context));
  }
}

/** Checks that what a definition's documentation describes exists. Up to 4.1 only members of objects and alternates are looked at. */
export function checkDescribed(draft: Draft, context: CheckContext): void {
  const { doc, expression, name: definition } = draft;
  if (!context.documentationChecked || !doc || !expression || !isDocumented(draft)) return;
  const everything = context.dialect.has('descriptions of everything checked');
  const parts = partsOf(draft);
  const inline = parts.length > 0 && (draft.kind === 'command' || draft.kind === 'event');
  if (everything || draft.kind === 'object' || draft.kind === 'alternate' || inline) {
    for (const { name, span } of absent(doc.arguments, parts)) {
      const details = { ...place(expression, doc, context), hint: suggestion(name, parts) };
      context.report('described-member-missing', { name, definition }, span, details);
    }
  }
  if (!everything || doc.features.length === 0) return;
  const features = featuresOf(draft);
  for (const { name, span } of absent(doc.features, features)) {
    const details = { ...place(expression, doc, context), hint: suggestion(name, features) };
    context.report('described-feature-missing', { name, definition }, span, details);
  }
}

type Named = { readonly name: string };

/** The things, each once, whose names are not among the others. */
function absent<T extends Named>(things: readonly T[], others: readonly Named[]): T[] {
  // Mostly all parts are described, in order.
  if (things.every(({ name }, index) => name === others[index]?.name)) return [];
  const names = new Set<string>();
  for (const { name } of others) names.add(name);
  return things.filter(({ name }) => {
    const isAbsent = !names.has(name);
    if (isAbsent) names.add(name);
    return isAbsent;
  });
}

function suggestion(name: string, things: readonly Named[]): string | undefined {
  return didYouMean(
    name,
    things.map((thing) => thing.name),
  );
}

/** Problems of documentation do not make a schema unreadable: where no release is asked for, they are warnings. */
function severity(context: CheckContext): DiagnosticDetails {
  return context.dialect.has('documentation as advice') ? { severity: 'warning' } : {};
}

/** What the reference names for a problem inside a block: up to 8.2 the block, so that the definition counts from there. */
function place(expression: Expression, doc: DocBlock, context: CheckContext): DiagnosticDetails {
  const definition = enclosing(expression);
  if (context.dialect.has('documentation errors at the section')) return { definition, ...severity(context) };
  const { file, end } = definition.span;
  return { definition: { ...definition, span: { file, start: doc.span.start, end } }, ...severity(context) };
}
