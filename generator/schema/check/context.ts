import type { Dialect } from '../../syntax/dialect.js';
import { type MetaKey, metaKeyOf } from '../../syntax/meta-key.js';
import type { Expression, Pragmas, SyntaxString } from '../../syntax/tree.js';
import {
  type Diagnostic,
  type DiagnosticDetails,
  type DiagnosticName,
  type DiagnosticParameters,
  diagnostic,
  type EnclosingDefinition,
} from '../../text/diagnostic.js';
import { didYouMean } from '../../text/near-miss.js';
import type { Span } from '../../text/source-file.js';

/** So many suggestions are made: looking for one among many names takes time, and more than the first few help no reader. */
const suggestionLimit = 100;

/** What a check gets to know and where it reports: one for each run over a schema. */
export class CheckContext {
  readonly dialect: Dialect;
  readonly pragmas: Pragmas;
  /** Whether documentation has rules at all. */
  readonly documentationChecked: boolean;
  /** What has been found so far, in the order in which the reference looks. */
  readonly diagnostics: Diagnostic[] = [];
  #expression: Expression | undefined;
  /** The expressions that have errors. */
  readonly #faulty = new Set<Expression>();
  #suggestions = 0;
  readonly #topics = new Set<string>();

  constructor(dialect: Dialect, pragmas: Pragmas, documentationChecked = true) {
    this.dialect = dialect;
    this.pragmas = pragmas;
    this.documentationChecked = documentationChecked;
  }

  /** The definition that is being checked: what the reference would name. */
  get definition(): EnclosingDefinition | undefined {
    return this.#expression && enclosing(this.#expression);
  }

  /** Makes an expression the one that is being checked. Built-in types have none. */
  enter(expression: Expression | undefined): void {
    this.#expression = expression;
  }

  /** Reports a problem of the definition that is being checked. `span` is the culprit itself. */
  report<N extends DiagnosticName>(
    name: N,
    parameters: DiagnosticParameters<N>,
    span: Span,
    details: DiagnosticDetails = {},
  ): void {
    const found = diagnostic(name, parameters, span, { definition: this.definition, ...details });
    this.diagnostics.push(found);
    if (this.#expression && found.severity === 'error') this.#faulty.add(this.#expression);
  }

  /** A hint at the candidate that was probably meant by a name that is none of them. */
  suggest(name: string, candidates: Iterable<string>): string | undefined {
    this.#suggestions += 1;
    return this.#suggestions > suggestionLimit ? undefined : didYouMean(name, candidates);
  }

  /** Whether it is the first time that this is asked for: some things are worth saying once. */
  first(topic: string): boolean {
    const isFirst = !this.#topics.has(topic);
    this.#topics.add(topic);
    return isFirst;
  }

  /** Whether an expression has errors: then not much can be said about what it lacks. */
  isFaulty(expression: Expression | undefined): boolean {
    return expression !== undefined && this.#faulty.has(expression);
  }
}

/** Which kind of thing an expression defines, and its name. */
export interface DefinedName {
  readonly meta: MetaKey;
  readonly name: SyntaxString;
}

/** What an expression defines, by the first meta key it has; undefined when it defines nothing or its name is not a string. */
export function definedName(expression: Expression): DefinedName | undefined {
  const { pairs } = expression.value;
  const meta = metaKeyOf(pairs);
  const name = meta && pairs.get(meta)?.value;
  return name?.kind === 'string' ? { meta: meta as MetaKey, name } : undefined;
}

/** An expression as the enclosing definition of a culprit. */
export function enclosing(expression: Expression): EnclosingDefinition {
  const { value } = expression;
  const name = definedName(expression)?.name.value ?? value.pairs.keys()[0];
  return name === undefined ? { span: value.span } : { name, span: value.span };
}
