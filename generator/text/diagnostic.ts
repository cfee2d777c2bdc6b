import type { Catalogue } from './catalogue/index.js';
import { catalogue } from './catalogue/index.js';
import type { ColumnRule, Position, Span } from './source-file.js';

/** How bad a problem is: an `error` makes the schema invalid, a `warning` does not. */
export type Severity = 'error' | 'warning';

/** What every kind of diagnostic declares about itself, once, in the catalogue. `P` are the parameters of its message. */
export interface DiagnosticKind<P> {
  /** Stable code: `QAPI1xxx` lexical, `2xxx` syntax, `3xxx` definitions, `4xxx` types, `5xxx` documentation. */
  readonly code: `QAPI${1 | 2 | 3 | 4 | 5}${number}`;
  readonly severity: Severity;
  /** What is wrong and what would be right, in one sentence or two. */
  readonly message: (parameters: P) => string;
  /** For the catalogue in `docs/`: why the rule exists and how to satisfy it. Markdown. Like the example, it is not in the package. */
  readonly explanation: string;
  /** For the catalogue: schema text that provokes the diagnostic, and the same text put right. Under `auto` unless a release is named. */
  readonly example: { readonly wrong: string; readonly right: string; readonly dialect?: string };
}

/** The name of a declared kind of diagnostic. */
export type DiagnosticName = keyof Catalogue;

/** The parameters that the message of a kind takes. */
export type DiagnosticParameters<N extends DiagnosticName> =
  Parameters<Catalogue[N]['message']> extends [infer P] ? P : Readonly<Record<string, never>>;

/** The definition around a culprit: what the reference names instead of the culprit. */
export interface EnclosingDefinition {
  /** The name of the definition where it is known, the expression's first key otherwise. */
  readonly name?: string;
  /** The whole expression; its start is the opening brace. */
  readonly span: Span;
}

/** A second place that helps to understand a diagnostic. */
export interface RelatedPlace {
  readonly message: string;
  readonly span: Span;
}

/** A problem found in a schema. */
export interface Diagnostic {
  readonly name: DiagnosticName;
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  /** The culprit itself. Absent only when no file could be read at all. */
  readonly span?: Span;
  /** How its columns are counted: as the reference does where it prints one, otherwise as editors do. */
  readonly columns: ColumnRule;
  /** The definition that holds the culprit, where there is one. */
  readonly definition?: EnclosingDefinition;
  readonly related: readonly RelatedPlace[];
  /** What to do about it, when the message does not say so already: mostly a near miss. */
  readonly hint?: string;
  /** Of a warning that a schema read without naming a release gets: the release from which on all reject this. */
  readonly rejectedFrom?: string;
}

/** The optional parts of a diagnostic. */
export interface DiagnosticDetails {
  readonly definition?: EnclosingDefinition | undefined;
  readonly related?: readonly RelatedPlace[] | undefined;
  readonly hint?: string | undefined;
  /** Default: as editors count. */
  readonly columns?: ColumnRule | undefined;
  /** Overrides the declared severity: documentation problems are warnings under the `auto` dialect. */
  readonly severity?: Severity | undefined;
}

/** Where the culprit of a diagnostic starts; undefined when it is in no file. */
export function placeOf({ span, columns }: Diagnostic): Position | undefined {
  return span?.file.positionAt(span.start, columns);
}

/** Whether a problem makes the schema invalid. */
export function isError(problem: Diagnostic): boolean {
  return problem.severity === 'error';
}

/** Makes a diagnostic of a declared kind. An undeclared name or a missing parameter does not compile. */
export function diagnostic<N extends DiagnosticName>(
  name: N,
  parameters: DiagnosticParameters<N>,
  span: Span | undefined,
  details: DiagnosticDetails = {},
): Diagnostic {
  const kind = catalogue[name] as unknown as DiagnosticKind<DiagnosticParameters<N>>;
  return {
    name,
    code: kind.code,
    severity: details.severity ?? kind.severity,
    message: kind.message(parameters),
    columns: details.columns ?? 'character',
    related: details.related ?? [],
    ...(span && { span }),
    ...(details.definition && { definition: details.definition }),
    ...(details.hint !== undefined && { hint: details.hint }),
  };
}
