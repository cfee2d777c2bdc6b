import type { ts } from 'ts-morph';
import type { EnumType, Schema } from '../../generator/schema/model.js';
import type { Search } from '../finder.js';
import { literalsOf } from '../meaning.js';

/** Finds what lists every value of an enum, or every event, and so misses a new one. */
export function findList(search: Search, node: ts.Node): void {
  const { ts, meaning } = search;
  if (ts.isSwitchStatement(node)) inSwitch(search, node);
  else if (ts.isTypeReferenceNode(node) && node.typeName.getText() === 'Record') {
    const [keys] = node.typeArguments ?? [];
    if (!keys) return;
    const user = node.parent;
    if (ts.isTypeReferenceNode(user) && user.typeName.getText() === 'Partial') return;
    // The object is complete, or would not compile.
    for (const of of meaning.enumsOfType(meaning.checker.getTypeFromTypeNode(keys))) reportNew(search, node, of);
  }
}

function inSwitch(search: Search, node: ts.SwitchStatement): void {
  const { ts, meaning } = search;
  const cases = new Set<string>();
  let isClosed = true;
  for (const clause of node.caseBlock.clauses) {
    if (ts.isDefaultClause(clause)) isClosed = assertsNever(search, clause);
    else if (ts.isStringLiteralLike(clause.expression)) cases.add(clause.expression.text);
  }
  if (!isClosed) return;
  const isComplete = (values: readonly string[]): boolean => values.every((value) => cases.has(value));
  const expected = literalsOf(meaning.checker.getTypeAtLocation(node.expression));
  const hasDefault = node.caseBlock.clauses.some((clause) => ts.isDefaultClause(clause));
  for (const of of meaning.enumsOf(node.expression)) {
    const values = of.members.map(({ name }) => name);
    // Narrowed before, the expression has fewer values than its enum.
    if (hasDefault || isComplete(expected.length > 0 ? expected : values)) reportNew(search, node.expression, of);
  }
  if (expected.length > 1 && (hasDefault || isComplete(expected))) reportNewEvents(search, node.expression, expected);
}

/** Whether a default clause is there to make the compiler complain of what no case handles. */
function assertsNever({ ts, meaning: { checker } }: Search, clause: ts.DefaultClause): boolean {
  const visit = (node: ts.Node): boolean => {
    const isName = ts.isIdentifier(node) || ts.isPropertyAccessExpression(node);
    if (isName && (checker.getTypeAtLocation(node).flags & ts.TypeFlags.Never) !== 0) return true;
    return ts.forEachChild(node, visit) ?? false;
  };
  return clause.statements.some(visit);
}

function reportNew({ changes, found, meaning }: Search, node: ts.Node, of: EnumType): void {
  const unions = meaning.schema.definitions.filter(
    (definition) => definition.kind === 'union' && definition.tag.type === of,
  );
  for (const change of [of, ...unions].flatMap((type) => changes.of({ kind: 'type', of: type }))) {
    if (change.kind !== 'enum-value-added' && change.kind !== 'branch-added') continue;
    const remedy = `add '${change.new}', or a default for values that are not known`;
    found.add({ node, use: 'switch', change, name: of.name, remedy });
  }
}

/** An event is new to a program that tells all apart, or all whose names begin alike. */
function reportNewEvents({ meaning, changes, found, now }: Search, node: ts.Node, listed: readonly string[]): void {
  const known = eventsOf(meaning.schema);
  if (!listed.every((name) => known.includes(name))) return;
  const prefix = commonPrefix(listed);
  if (known.filter((name) => name.startsWith(prefix)).length !== listed.length) return;
  for (const name of eventsOf(now)) {
    const event = now.lookup(name);
    if (known.includes(name) || !name.startsWith(prefix) || event?.kind !== 'event') continue;
    for (const change of changes.of({ kind: 'event', of: event })) {
      found.add({ node, use: 'switch', change, name, remedy: `add '${name}', or a default for other events` });
    }
  }
}

function eventsOf(schema: Schema): string[] {
  return schema.definitions.filter(({ kind }) => kind === 'event').map(({ name }) => name);
}

/** What all names begin with, up to a separator. */
function commonPrefix(names: readonly string[]): string {
  let prefix = names[0] ?? '';
  for (const name of names) while (!name.startsWith(prefix)) prefix = prefix.slice(0, -1);
  return prefix.slice(0, prefix.lastIndexOf('_') + 1);
}
