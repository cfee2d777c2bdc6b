import type { ts } from 'ts-morph';
import { memberName } from '../generator/emit/identifier.js';
import type { Edit } from './edit.js';

/** What marks a value that a person has to look at. */
export const placeholder = '/* TODO(qapi-ts): the documented default, check it */';

/** The edit that gives an object literal a member more: after the last one, in the way in which that stands. */
export function insertion(literal: ts.ObjectLiteralExpression, name: string, value: string): Edit {
  const member = `${memberName(name)}: ${value} ${placeholder}`;
  const { properties } = literal;
  const last = properties.at(-1);
  const file = literal.getSourceFile();
  if (!last) {
    const start = literal.getStart() + 1;
    return { start, end: start, text: ` ${member},` };
  }
  const lineOf = (offset: number): number => file.getLineAndCharacterOfPosition(offset).line;
  const isSpread = lineOf(literal.getStart()) !== lineOf(last.getStart());
  const newline = file.text.includes('\r\n') ? '\r\n' : '\n';
  const indent = /^[ \t]*/.exec(file.text.slice(file.getLineStarts()[lineOf(last.getStart())]))?.[0] ?? '';
  const between = isSpread ? `,${newline}${indent}` : ', ';
  return { start: last.end, end: last.end, text: `${between}${member}` };
}
