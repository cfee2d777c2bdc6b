import type { ts } from 'ts-morph';
import type { Ts } from '../compiler.js';
import { isComparison } from './compared-with.js';

/** Whether an expression stands where its absence is taken care of. */
export function isGuarded(compiler: Ts, node: ts.Expression): boolean {
  return isTolerated(compiler, node) || isTestedBefore(compiler, node);
}

/** `a.b ?? c`, `a.b?.c`, `a.b === undefined`, `typeof a.b`, `!a.b`, `if (a.b)`, `a.b && …`. */
function isTolerated(compiler: Ts, node: ts.Expression): boolean {
  const parent: ts.Node = node.parent;
  if (compiler.isParenthesizedExpression(parent)) return isTolerated(compiler, parent);
  if (compiler.isBinaryExpression(parent)) return isTest(compiler, parent, node);
  if (compiler.isPropertyAccessExpression(parent) || compiler.isElementAccessExpression(parent))
    return parent.expression === node && parent.questionDotToken !== undefined;
  if (compiler.isCallExpression(parent)) return parent.expression === node && parent.questionDotToken !== undefined;
  if (compiler.isIfStatement(parent) || compiler.isWhileStatement(parent)) return parent.expression === node;
  if (compiler.isConditionalExpression(parent)) return parent.condition === node;
  if (compiler.isTypeOfExpression(parent)) return true;
  return compiler.isPrefixUnaryExpression(parent) && parent.operator === compiler.SyntaxKind.ExclamationToken;
}

function isTest(compiler: Ts, { operatorToken, left, right }: ts.BinaryExpression, node: ts.Node): boolean {
  const { SyntaxKind } = compiler;
  if (isComparison(compiler, operatorToken.kind)) return true;
  switch (operatorToken.kind) {
    case SyntaxKind.QuestionQuestionToken:
    case SyntaxKind.BarBarToken:
    case SyntaxKind.AmpersandAmpersandToken:
      return left === node;
    case SyntaxKind.QuestionQuestionEqualsToken:
      return left === node || right === node;
    default:
      return false;
  }
}

/** Whether a condition around the expression has looked at the same expression: `if (a.b) use(a.b)`. */
function isTestedBefore(compiler: Ts, node: ts.Expression): boolean {
  const text = node.getText();
  const tests = (condition: ts.Expression): boolean => condition !== node && mentions(compiler, condition, text);
  for (let child: ts.Node = node, parent: ts.Node = node.parent; parent; child = parent, parent = parent.parent) {
    if (compiler.isFunctionLike(parent)) return false;
    if (compiler.isIfStatement(parent) && child === parent.thenStatement && tests(parent.expression)) return true;
    if (compiler.isConditionalExpression(parent) && child === parent.whenTrue && tests(parent.condition)) return true;
    if (!compiler.isBinaryExpression(parent) || child !== parent.right) continue;
    const isAnd = parent.operatorToken.kind === compiler.SyntaxKind.AmpersandAmpersandToken;
    if (isAnd && tests(parent.left)) return true;
  }
  return false;
}

function mentions(compiler: Ts, condition: ts.Node, text: string): boolean {
  if (compiler.isExpression(condition) && condition.getText() === text) {
    return isTolerated(compiler, condition) || compiler.isIfStatement(condition.parent);
  }
  return compiler.forEachChild(condition, (child) => mentions(compiler, child, text)) ?? false;
}
