import type { ts } from 'ts-morph';
import { changeKinds } from '../../generator/compare/kinds.js';
import { declaredNames } from '../declared.js';
import { report, type Search } from '../finder.js';

const kind = 'type-name-removed';

/** A search for what generated code does not declare any more. */
export function typeFinder(search: Search): (node: ts.Node) => void {
  const { ts, meaning, now } = search;
  const after = declaredNames(now).exported;
  const reportGone = (node: ts.Node, name: string): void => {
    if (after.has(name) || !meaning.names.exported.has(name)) return;
    const reason = `generated code does not declare '${name}' any more`;
    const { code } = changeKinds[kind];
    search.found.put({ node, use: 'type', code, kind, severity: 'breaks', reason, remedy: 'use another type' });
  };
  return (node) => {
    // An export without a source passes on what an import has named.
    const isPassedOn = ts.isExportSpecifier(node) && node.parent.parent.moduleSpecifier !== undefined;
    if (ts.isImportSpecifier(node) || isPassedOn) {
      const name = node.propertyName ?? node.name;
      if (isOfGenerated(search, name)) reportGone(name, name.text);
    } else if (ts.isQualifiedName(node)) {
      if (isOfGenerated(search, node.right)) reportGone(node.right, node.right.text);
    } else if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      if (meaning.names.exported.has(node.name.text) && isOfGenerated(search, node.name))
        reportGone(node.name, node.name.text);
    } else if (ts.isLiteralTypeNode(node) && ts.isStringLiteral(node.literal)) inType(search, node, node.literal);
  };
}

/** Whether a name is one of the generated code: it stands for a declaration there. */
function isOfGenerated({ ts, meaning }: Search, name: ts.Node): boolean {
  let symbol = meaning.checker.getSymbolAtLocation(name);
  if (symbol && (symbol.flags & ts.SymbolFlags.Alias) !== 0) symbol = meaning.checker.getAliasedSymbol(symbol);
  return symbol?.declarations?.some((declaration) => meaning.isGenerated(declaration)) ?? false;
}

/** `Commands['x']`, `Pick<Commands, 'x'>`, `Needs<Commands, 'x' | 'y'>`. */
function inType(search: Search, node: ts.LiteralTypeNode, literal: ts.StringLiteral): void {
  const { ts, meaning } = search;
  let whole: ts.TypeNode = node;
  while (ts.isUnionTypeNode(whole.parent)) whole = whole.parent;
  const user = whole.parent;
  const objects = ts.isIndexedAccessTypeNode(user)
    ? [user.objectType]
    : ts.isTypeReferenceNode(user)
      ? (user.typeArguments ?? []).filter((argument) => argument !== whole)
      : [];
  for (const object of objects) {
    const type = meaning.checker.getTypeFromTypeNode(object);
    for (const element of meaning.membersOf(type, literal.text)) report(search, element, literal, 'type');
  }
}
