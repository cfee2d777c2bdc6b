import type { ts } from 'ts-morph';
import type { Change } from '../../generator/compare/change.js';
import type { Command, ObjectType, Type } from '../../generator/schema/model.js';
import { membersOf } from '../counterpart.js';
import type { Declared } from '../declared.js';
import { demandsOf } from '../demands.js';
import { report, type Search } from '../finder.js';
import { insertion } from '../insertion.js';
import { enumsIn, partsOf } from '../meaning.js';
import { reportMissingHandlers } from './handlers.js';
import { mattersToWriters } from './reads.js';
import { reportValue } from './values.js';

/** Finds what an object literal of a type of the schema sets, and what it lacks now; also handlers of commands. */
export function findInLiteral(search: Search, literal: ts.ObjectLiteralExpression): void {
  const { meaning, ts } = search;
  const context = meaning.checker.getContextualType(literal);
  if (!context) return;
  const parts = partsOf(context).filter((part) => agrees(search, part, literal));
  for (const property of literal.properties) {
    const { name } = property;
    if (!name || !(ts.isIdentifier(name) || ts.isStringLiteral(name))) continue;
    for (const element of meaning.membersOfParts(parts, name.text)) {
      if (element.kind === 'member')
        report(search, element, name, 'write', (change) => mattersIn(search, literal, change));
      else report(search, element, name, element.kind === 'command' ? 'handler' : 'event');
    }
  }
  for (const part of parts) for (const declared of meaning.declaredOf(part)) reportLacks(search, literal, declared);
  for (const part of parts) reportMissingHandlers(search, literal, part);
}

/** Whether a change concerns a member that an object literal sets: it can be confined to other branches. */
function mattersIn(search: Search, literal: ts.ObjectLiteralExpression, change: Change): boolean {
  if (!mattersToWriters(change)) return false;
  return (change.branch ?? []).every(({ tag, values }) => {
    const value = valueOfMember(search, literal, tag);
    return value === undefined || values.includes(value);
  });
}

/** The string that an object literal has as a member, where that is known. */
function valueOfMember(
  { meaning: { checker } }: Search,
  literal: ts.ObjectLiteralExpression,
  name: string,
): string | undefined {
  const member = checker.getPropertyOfType(checker.getTypeAtLocation(literal), name);
  const value = member && checker.getTypeOfSymbolAtLocation(member, literal);
  return value?.isStringLiteral() ? value.value : undefined;
}

/** Whether an object literal can be of a type: no member is set to another literal than the type has there. */
function agrees({ ts, meaning: { checker } }: Search, type: ts.Type, literal: ts.ObjectLiteralExpression): boolean {
  return literal.properties.every((property) => {
    if (!ts.isPropertyAssignment(property) || !ts.isStringLiteralLike(property.initializer)) return true;
    if (!ts.isIdentifier(property.name) && !ts.isStringLiteral(property.name)) return true;
    const member = checker.getPropertyOfType(type, property.name.text);
    const wanted = member && checker.getTypeOfSymbolAtLocation(member, literal);
    return !wanted?.isStringLiteral() || wanted.value === property.initializer.text;
  });
}

/** Puts down the members that an object must have now, and lacks. */
function reportLacks(search: Search, literal: ts.ObjectLiteralExpression, { type, branch }: Declared): void {
  if (type.kind !== 'struct' && type.kind !== 'union') return;
  const { checker } = search.meaning;
  const made = checker.getTypeAtLocation(literal);
  const tagValue = (tag: string): string | undefined => {
    if (type.kind === 'union' && branch && tag === type.tag.name) return branch.name;
    return valueOfMember(search, literal, tag);
  };
  const has = (name: string): boolean => checker.getPropertyOfType(made, name) !== undefined;
  reportDemands(search, literal, type, tagValue, has, search.meaning.names.plan.names.type(type));
}

function reportDemands(
  search: Search,
  literal: ts.ObjectLiteralExpression,
  type: ObjectType,
  tagValue: (tag: string) => string | undefined,
  has: (name: string) => boolean,
  named: string,
): void {
  for (const { member, change, value } of demandsOf(search, type, tagValue)) {
    if (has(member.name)) continue;
    // What another member is called now stands there already.
    if (isRenamedTo(search, literal, type, member.name)) continue;
    const fix = value === undefined ? undefined : insertion(literal, member.name, value);
    const remedy = fix && `set '${member.name}': the documented default is ${value}`;
    search.found.add({ node: literal, use: 'object', change, name: named, remedy, fix });
  }
}

function isRenamedTo(search: Search, literal: ts.ObjectLiteralExpression, type: ObjectType, name: string): boolean {
  const members = membersOf(type);
  return literal.properties.some((property) => {
    const own = property.name && 'text' in property.name ? members.get(property.name.text) : undefined;
    return own && search.renames.of({ kind: 'member', of: own, holder: type, named: type.name }) === name;
  });
}

/** Finds what the arguments of a command hold where nothing types them: as the schema describes them, all the way down. */
export function findInUntyped(search: Search, literal: ts.ObjectLiteralExpression, { arguments: type }: Command): void {
  if (type && (type.kind === 'struct' || type.kind === 'union')) untypedObject(search, literal, type);
}

function untypedObject(search: Search, literal: ts.ObjectLiteralExpression, type: ObjectType): void {
  const { ts } = search;
  const set = new Map<string, ts.PropertyName>();
  const values = new Map<string, ts.Expression>();
  for (const property of literal.properties) {
    // What else comes with a spread is not known.
    if (ts.isSpreadAssignment(property)) return;
    if (!property.name || !('text' in property.name)) continue;
    set.set(property.name.text, property.name);
    if (ts.isPropertyAssignment(property)) values.set(property.name.text, property.initializer);
  }
  const members = membersOf(type);
  const named = search.meaning.names.plan.names.type(type);
  for (const [name, node] of set) {
    const member = members.get(name);
    if (!member) continue;
    report(search, { kind: 'member', of: member, holder: type, named }, node, 'write', mattersToWriters);
    const value = values.get(name);
    if (value) untypedValue(search, value, member.type);
  }
  const tagValue = (tag: string): string | undefined => {
    const value = values.get(tag);
    return value && ts.isStringLiteralLike(value) ? value.text : undefined;
  };
  reportDemands(search, literal, type, tagValue, (name) => set.has(name), named);
}

function untypedValue(search: Search, value: ts.Expression, type: Type): void {
  const { ts } = search;
  if (ts.isStringLiteralLike(value)) for (const of of enumsIn(type)) reportValue(search, of, value);
  if (type.kind === 'array' && ts.isArrayLiteralExpression(value)) {
    for (const element of value.elements) untypedValue(search, element, type.element);
  }
  if (!ts.isObjectLiteralExpression(value)) return;
  const choices = type.kind === 'alternate' ? type.branches.map((branch) => branch.type) : [type];
  for (const choice of choices) {
    if (choice.kind === 'struct' || choice.kind === 'union') untypedObject(search, value, choice);
  }
}
