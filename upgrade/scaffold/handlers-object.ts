import type { ts } from 'ts-morph';
import type { Ts } from '../compiler.js';
import { withoutType } from '../without-type.js';

/** The part of a file that holds the handlers: an object literal, or a class. */
export type Holder = ts.ObjectLiteralExpression | ts.ClassLikeDeclaration;

/** A handler in a file. */
export interface Handler {
  readonly name: string;
  readonly node: ts.Node;
}

/**
 * Finds what holds the handlers: what has the type `CommandHandlers` by its annotation, `satisfies`, `implements` or the result of its
 * function; or else the object that has the most of some names.
 */
export function findHolder(compiler: Ts, file: ts.SourceFile, names: ReadonlySet<string>): Holder | undefined {
  let best: { readonly holder: Holder; readonly score: number } | undefined;
  const visit = (node: ts.Node): void => {
    if (compiler.isObjectLiteralExpression(node) || compiler.isClassLike(node)) {
      const known = handlersOf(compiler, node).filter(({ name }) => names.has(name)).length;
      const score = known + (isDeclared(compiler, node) ? 1e6 : 0);
      if (score > (best?.score ?? 0)) best = { holder: node, score };
    }
    compiler.forEachChild(node, visit);
  };
  visit(file);
  return best?.holder;
}

/** The members of a holder that have a name. */
export function handlersOf(compiler: Ts, holder: Holder): Handler[] {
  const members: readonly (ts.ObjectLiteralElementLike | ts.ClassElement)[] = compiler.isObjectLiteralExpression(holder)
    ? holder.properties
    : holder.members;
  return members.flatMap((node) => {
    const { name } = node;
    const isPlain = name && (compiler.isIdentifier(name) || compiler.isStringLiteralLike(name));
    return isPlain ? [{ name: name.text, node }] : [];
  });
}

/** The names that spreads of objects in the same file bring; undefined when one comes from elsewhere. */
export function spreadNames(compiler: Ts, holder: Holder): string[] | undefined {
  if (!compiler.isObjectLiteralExpression(holder)) return [];
  const names: string[] = [];
  for (const property of holder.properties) {
    if (!compiler.isSpreadAssignment(property)) continue;
    const spread = objectNamed(compiler, holder.getSourceFile(), property.expression);
    if (!spread) return undefined;
    names.push(...handlersOf(compiler, spread).map(({ name }) => name));
  }
  return names;
}

function objectNamed(
  compiler: Ts,
  file: ts.SourceFile,
  expression: ts.Expression,
): ts.ObjectLiteralExpression | undefined {
  if (compiler.isObjectLiteralExpression(expression)) return expression;
  if (!compiler.isIdentifier(expression)) return undefined;
  for (const statement of file.statements) {
    if (!compiler.isVariableStatement(statement)) continue;
    for (const { name, initializer } of statement.declarationList.declarations) {
      const made = initializer && withoutType(compiler, initializer);
      const isIt = compiler.isIdentifier(name) && name.text === expression.text;
      if (isIt && made && compiler.isObjectLiteralExpression(made)) return made;
    }
  }
  return undefined;
}

function isDeclared(compiler: Ts, holder: Holder): boolean {
  const names = (type: ts.Node | undefined): boolean => /\bCommandHandlers\b/.test(type?.getText() ?? '');
  if (compiler.isClassLike(holder)) return holder.heritageClauses?.some(names) ?? false;
  const user = holder.parent;
  if (compiler.isVariableDeclaration(user) || compiler.isSatisfiesExpression(user) || compiler.isAsExpression(user)) {
    return names(user.type);
  }
  const isResult = compiler.isReturnStatement(user) || compiler.isParenthesizedExpression(user);
  const within = isResult ? compiler.findAncestor(user, compiler.isFunctionLike) : undefined;
  return names(within?.type);
}
