import type { ts } from 'ts-morph';
import type { Ts } from './compiler.js';

/** An expression without what only says its type: `as const`, `satisfies T`, parentheses. */
export function withoutType(compiler: Ts, node: ts.Expression): ts.Expression {
  const isTyped =
    compiler.isSatisfiesExpression(node) || compiler.isAsExpression(node) || compiler.isParenthesizedExpression(node);
  return isTyped ? withoutType(compiler, node.expression) : node;
}
