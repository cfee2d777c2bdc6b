import type { Expression, SyntaxTree } from '../syntax/tree.js';
import { type Diagnostic, isError } from '../text/diagnostic.js';
import { definedName } from './check/context.js';

/** The names that may be defined where the schema could not be read: it is no error of its own that they are missing. */
export type LostNames = Pick<ReadonlySet<string>, 'has'>;

const everything: LostNames = { has: () => true };

/** What errors of syntax took away, and what expressions seem to define that say not of which kind it is. */
export function lostNames({ expressions }: SyntaxTree, problems: readonly Diagnostic[]): LostNames {
  const errors = problems.filter((problem) => isError(problem) && !isHarmless(problem));
  const broken = expressions.filter((expression) => expression.broken);
  const names = [...broken, ...expressions.filter((expression) => !definedName(expression))].map(seemingName);
  const explained = errors.every((error) => broken.some((one) => isInside(error, one)));
  if (!explained || (errors.length > 0 && names.includes(undefined))) return everything;
  return new Set(names.filter((name) => name !== undefined));
}

/** The name that an expression defines, or mostly the first thing in it. */
function seemingName(expression: Expression): string | undefined {
  const [pair] = expression.value.pairs.values();
  const first = pair?.value.kind === 'string' ? pair.value.value : undefined;
  return definedName(expression)?.name.value ?? first;
}

/** Documentation and pragmas define nothing. */
function isHarmless({ name, code }: Diagnostic): boolean {
  return code.startsWith('QAPI5') || name.startsWith('pragma-') || name === 'unknown-pragma';
}

function isInside({ span }: Diagnostic, { value }: Expression): boolean {
  return span?.file === value.span.file && span.start >= value.span.start && span.start <= value.span.end;
}
