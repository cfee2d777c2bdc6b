import type { ts } from 'ts-morph';
import { memberName, stringLiteral } from '../generator/emit/identifier.js';
import type { Ts } from './compiler.js';
import type { Edit } from './edit.js';

const identifier = /^[A-Za-z_$][\w$]*$/;

/**
 * The edit that gives the element which a node names another name; undefined where the name is not written there, or an object has the
 * other one already.
 *
 * @param old the name that the element has
 */
export function renameEdit(ts: Ts, node: ts.Node, old: string, name: string): Edit | undefined {
  const { parent } = node;
  const [start, end] = [node.getStart(), node.end];
  if (!('text' in node) || node.text !== old || isTaken(ts, node, name)) return undefined;
  if (ts.isStringLiteralLike(node)) {
    const [quote] = node.getText();
    return { start, end, text: quote === '"' ? JSON.stringify(name) : stringLiteral(name) };
  }
  // A variable may be called like what it stands for.
  if (!ts.isIdentifier(node) || !('name' in parent || ts.isBindingElement(parent))) return undefined;
  if (ts.isShorthandPropertyAssignment(parent)) return { start, end, text: `${memberName(name)}: ${node.text}` };
  if (ts.isBindingElement(parent) && !parent.propertyName)
    return { start, end, text: `${memberName(name)}: ${node.text}` };
  if (ts.isPropertyAccessExpression(parent) && parent.name === node && !identifier.test(name)) {
    // `a.old` becomes `a['new-name']`, `a?.old` becomes `a?.['new-name']`.
    const isOptional = parent.questionDotToken !== undefined;
    const from = isOptional ? (parent.questionDotToken?.getStart() ?? start) : parent.expression.end;
    return { start: from, end, text: `${isOptional ? '?.' : ''}[${stringLiteral(name)}]` };
  }
  return { start, end, text: ts.isPropertyAccessExpression(parent) ? name : memberName(name) };
}

/** Whether the object literal of a property has another one of a name. */
function isTaken(ts: Ts, { parent }: ts.Node, name: string): boolean {
  if (!ts.isObjectLiteralElementLike(parent) || !ts.isObjectLiteralExpression(parent.parent)) return false;
  return parent.parent.properties.some(
    (property) => property.name && 'text' in property.name && property.name.text === name,
  );
}
