import type { Difference, DifferenceKind } from '../json/codec.js';
import { describe } from './describe.js';
import type { Name, SpecialFeature } from './visitor.js';

/** What a visitor has found wrong. */
export interface Problem {
  readonly kind: DifferenceKind;
  /** What the value is called where it stands. */
  readonly name: Name;
  /** What would be right, worded to follow `expected`; for an unexpected member, the type that does not have it. */
  readonly expected: string;
  /** The value itself. */
  readonly found?: unknown;
  /** What was probably meant. */
  readonly nearMiss?: string | undefined;
  /** Of a problem of policy: the feature that makes it one. */
  readonly feature?: SpecialFeature;
}

/**
 * A value is not what its type in the schema says. The message names the member by its full path and says what was expected
 * and what was found: `options.file.inject-error[2].event: expected a string, found 5`.
 */
export class VisitError extends Error implements Difference {
  override readonly name = 'VisitError';
  /** The error's class in QMP. */
  readonly class = 'GenericError';
  readonly kind: DifferenceKind;
  /** Where the value stands: names of members and indexes of elements, from the outermost. */
  readonly path: readonly (string | number)[];
  readonly feature: SpecialFeature | undefined;
  /** The message without the path. */
  readonly problem: string;

  constructor(problem: Problem) {
    super();
    this.kind = problem.kind;
    this.feature = problem.feature;
    this.problem = wording(problem);
    this.path = problem.name === undefined ? [] : [problem.name];
    this.message = this.#text();
  }

  /** Completes the path by what the enclosing value is called, while the error travels outwards. */
  within(name: Name): this {
    if (name === undefined) return this;
    (this.path as (string | number)[]).unshift(name);
    this.message = this.#text();
    return this;
  }

  #text(): string {
    return this.path.length === 0 ? this.problem : `${formatPath(this.path)}: ${this.problem}`;
  }
}

/** Writes a path as errors do: `file.inject-error[2].event`. */
function formatPath(path: readonly (string | number)[]): string {
  let text = '';
  for (const part of path) text += typeof part === 'number' ? `[${part}]` : text === '' ? part : `.${part}`;
  return text;
}

function wording({ kind, expected, found, nearMiss }: Problem): string {
  const hint = nearMiss === undefined ? '' : `; did you mean '${nearMiss}'?`;
  switch (kind) {
    case 'missing':
      return `missing, expected ${expected}`;
    case 'unexpected':
      return `unexpected, ${expected} has no such member${hint}`;
    case 'policy':
      return expected;
    case 'type':
    case 'value':
      return `expected ${expected}, found ${describe(found)}${hint}`;
  }
}

/** Completes the path of an error that passes the value called `name`, whatever error it is. */
export function within(error: unknown, name: Name): unknown {
  return error instanceof VisitError ? error.within(name) : error;
}
