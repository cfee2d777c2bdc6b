import type { ts } from 'ts-morph';
import type { Change } from '../../generator/compare/change.js';
import type { EnumType } from '../../generator/schema/model.js';
import type { Element } from '../elements.js';
import { report, type Search } from '../finder.js';
import { isHarmful } from '../removal.js';
import { comparedWith } from './compared-with.js';

/** What concerns a program that writes a value down. */
const forValues =
  /^(enum-value-removed|branch-removed|deprecated-added|unstable-added|feature-removed|condition-changed)$/;

/** Finds the values of enums that a program writes down: in objects, calls, comparisons and cases. */
export function findValue(search: Search, node: ts.StringLiteralLike): void {
  for (const of of enumsAt(search, node)) reportValue(search, of, node);
}

/** Puts down what changes about the value of an enum that a string is. */
export function reportValue(search: Search, of: EnumType, node: ts.StringLiteralLike): void {
  const value = of.members.find(({ name }) => name === node.text);
  if (!value) return;
  const element: Element = { kind: 'value', of: value, holder: of };
  report(search, element, node, 'value', (change) => forValues.test(change.kind) && concerns(change));
}

/** A value that no longer comes breaks no client, but no longer compiles. */
function concerns(change: Change): boolean {
  return /-removed$/.test(change.kind) || isHarmful(change);
}

function enumsAt({ ts, meaning }: Search, node: ts.StringLiteralLike): EnumType[] {
  const { parent } = node;
  const other = comparedWith(ts, node);
  if (other) return meaning.enumsOf(other);
  if (ts.isLiteralTypeNode(parent)) return [];
  if (ts.isPropertyAssignment(parent) && parent.initializer === node) {
    const name = parent.name;
    const context = meaning.checker.getContextualType(parent.parent);
    if (context && 'text' in name) {
      const members = meaning.membersOf(context, name.text);
      const found = members.flatMap((element) =>
        element.kind === 'member' && element.of.type.kind === 'enum' ? [element.of.type] : [],
      );
      if (found.length > 0) return [...new Set(found)];
    }
  }
  const context = meaning.checker.getContextualType(node);
  return context ? meaning.enumsOfType(context) : [];
}
