import type { ts } from 'ts-morph';
import type { Ts } from '../compiler.js';

/** What a value is compared with: by an operator, or as a case of a switch. */
export function comparedWith(compiler: Ts, node: ts.Expression): ts.Expression | undefined {
  const { parent } = node;
  if (compiler.isCaseClause(parent)) return parent.parent.parent.expression;
  if (!compiler.isBinaryExpression(parent) || !isComparison(compiler, parent.operatorToken.kind)) return undefined;
  return parent.left === node ? parent.right : parent.left;
}

/** Whether an operator is one of `==`, `===`, `!=` and `!==`. */
export function isComparison({ SyntaxKind }: Ts, kind: ts.SyntaxKind): boolean {
  return [
    SyntaxKind.EqualsEqualsToken,
    SyntaxKind.EqualsEqualsEqualsToken,
    SyntaxKind.ExclamationEqualsToken,
    SyntaxKind.ExclamationEqualsEqualsToken,
  ].includes(kind);
}
