import type { ts } from 'ts-morph';
import type { Change } from '../../generator/compare/change.js';
import type { Element } from '../elements.js';
import { report, type Search } from '../finder.js';
import { isHarmful } from '../removal.js';
import { isGuarded } from './guards.js';

/** What concerns a program that only reads a member, or only sets it. */
const forReaders =
  /^(member-(removed|made-optional|made-conditional)|type-(widened|changed)|enum-to-string|integer-range-widened|deprecated-added|unstable-added|feature-removed|condition-changed|tag-changed)$/;
const forWriters =
  /^(member-(removed|made-conditional)|type-(narrowed|changed)|string-to-enum|integer-range-narrowed|deprecated-added|unstable-added|feature-removed|condition-changed|tag-changed)$/;

/** Whether a change concerns a place that sets a member. */
export function mattersToWriters(change: Change): boolean {
  return forWriters.test(change.kind) && isHarmful(change);
}

/** Finds members that are read or set outside of object literals: by a dot, in brackets, by destructuring, by `in`. */
export function findReads(search: Search, node: ts.Node): void {
  const { ts, meaning } = search;
  const { checker } = meaning;
  if (ts.isPropertyAccessExpression(node)) access(search, node, node.name);
  else if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression))
    access(search, node, node.argumentExpression);
  else if (ts.isObjectBindingPattern(node)) {
    const type = checker.getTypeAtLocation(node);
    for (const element of node.elements) {
      const name = element.propertyName ?? element.name;
      if (element.dotDotDotToken || !isPlainName(ts, name)) continue;
      const copes = element.initializer !== undefined;
      for (const member of meaning.membersOf(type, name.text)) read(search, member, name, copes);
    }
  } else if (isTestOfPresence(ts, node)) {
    const type = checker.getTypeAtLocation(node.right);
    for (const member of meaning.membersOf(type, node.left.text)) read(search, member, node.left, true);
  }
}

function access(
  search: Search,
  node: ts.PropertyAccessExpression | ts.ElementAccessExpression,
  name: ts.MemberName | ts.StringLiteralLike,
): void {
  const { ts, meaning } = search;
  const isSet = isAssigned(ts, node);
  for (const element of meaning.elementsOf(meaning.checker.getSymbolAtLocation(name))) {
    if (element.kind !== 'member') report(search, element, name, element.kind === 'event' ? 'event' : 'command');
    else if (isSet) report(search, element, name, 'write', mattersToWriters);
    else read(search, element, name, isGuarded(ts, node));
  }
}

function read(search: Search, element: Element, node: ts.Node, copes: boolean): void {
  report(search, element, node, 'read', (change) => {
    if (!forReaders.test(change.kind) || !isHarmful(change)) return false;
    return !(copes && /^member-made-/.test(change.kind));
  });
}

function isAssigned(ts: Search['ts'], node: ts.Node): boolean {
  const { parent } = node;
  return (
    ts.isBinaryExpression(parent) && parent.left === node && parent.operatorToken.kind === ts.SyntaxKind.EqualsToken
  );
}

function isPlainName(ts: Search['ts'], node: ts.Node): node is ts.Identifier | ts.StringLiteral {
  return ts.isIdentifier(node) || ts.isStringLiteral(node);
}

function isTestOfPresence(
  ts: Search['ts'],
  node: ts.Node,
): node is ts.BinaryExpression & { readonly left: ts.StringLiteralLike } {
  return (
    ts.isBinaryExpression(node) &&
    node.operatorToken.kind === ts.SyntaxKind.InKeyword &&
    ts.isStringLiteralLike(node.left)
  );
}
