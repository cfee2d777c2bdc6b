import type { Expression, SyntaxTree } from '../syntax/tree.js';
import { type Diagnostic, isError } from '../text/diagnostic.js';
import type { SourceFile, Span } from '../text/source-file.js';
import { definedName } from './check/context.js';

/** The names that may be defined where the schema could not be read: it is no error of its own that they are missing. */
export type LostNames = Pick<ReadonlySet<string>, 'has'>;

const everything: LostNames = { has: () => true };

/** What errors of syntax took away, and what expressions seem to define that say not of which kind it is. */
export function lostNames({ expressions }: SyntaxTree, problems: readonly Diagnostic[]): LostNames {
  const errors = problems.filter((problem) => isError(problem) && !isHarmless(problem));
  const broken = expressions.filter((expression) => expression.broken);
  const names = [...broken, ...expressions.filter((expression) => !definedName(expression))].map(seemingName);
  const inside = insideOf(broken);
  const explained = errors.every(inside);
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

/** Makes a test whether a problem is inside one of some expressions. Those of a file come in order. */
function insideOf(expressions: readonly Expression[]): (problem: Diagnostic) => boolean {
  const byFile = new Map<SourceFile, Span[]>();
  for (const { value } of expressions) {
    const spans = byFile.get(value.span.file);
    if (spans) spans.push(value.span);
    else byFile.set(value.span.file, [value.span]);
  }
  return ({ span }) => {
    const spans = (span && byFile.get(span.file)) ?? [];
    let low = 0;
    let high = spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((spans[middle] as Span).end < (span as Span).start) low = middle + 1;
      else high = middle;
    }
    const found = spans[low];
    return found !== undefined && found.start <= (span as Span).start;
  };
}
