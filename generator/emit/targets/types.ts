import { codeSpan } from '../../doc/markdown.js';
import {
  addNameList,
  commentLines,
  type DocContext,
  type DocParts,
  definitionDoc,
  memberDoc,
} from '../../doc/tsdoc.js';
import type { AlternateType, EnumType, ObjectType, StructType, UnionBranch, UnionType } from '../../schema/model.js';
import { DeclarationPrinter, type Property } from '../declarations.js';
import { docContext } from '../doc-context.js';
import { memberName, stringLiteral } from '../identifier.js';
import type { NamedType } from '../names.js';
import type { Owner } from '../owners.js';
import { declaredTypes, isEmpty, isOpen, isOpenPosition } from '../plan.js';
import { FileScope } from '../scope.js';
import { moduleText, type Target } from '../target.js';
import { emptyObject, typeText } from '../type-text.js';

/** The types of each module: interfaces, type aliases and the value lists of enums. */
export const types: Target = {
  name: 'types',
  requires: [],
  moduleFile(plan, module) {
    const declared = declaredTypes(plan, module);
    if (declared.length === 0) return undefined;
    const scope = new FileScope(plan, module, 'types');
    return moduleText(scope, module, declareTypes(scope, declared));
  },
};

/** What the declarations of a file are made with. */
interface Workplace {
  readonly scope: FileScope;
  readonly printer: DeclarationPrinter;
  /** For comments of declarations. */
  readonly outer: DocContext;
  /** For comments of members. */
  readonly inner: DocContext;
}

/** The declarations of some types in a file. */
export function declareTypes(
  scope: FileScope,
  types: readonly NamedType[],
  printer: DeclarationPrinter = new DeclarationPrinter(),
): string {
  const at: Workplace = {
    scope,
    printer,
    outer: docContext(scope, 0),
    inner: docContext(scope, 2),
  };
  for (const type of types) declare(at, type);
  return at.printer.toString();
}

function declare(at: Workplace, type: NamedType): void {
  switch (type.kind) {
    case 'enum':
      declareEnum(at, type);
      break;
    case 'alternate':
      declareAlternate(at, type);
      break;
    case 'struct':
      declareStruct(at, type);
      break;
    case 'union':
      declareUnion(at, type);
      break;
  }
}

function declareEnum({ scope, printer, outer }: Workplace, type: EnumType): void {
  const values = type.members.map((member) => member.name);
  printer.enum(scope.type(type), values, () => listComment(scope, type, outer));
}

function declareAlternate({ scope, printer, outer }: Workplace, type: AlternateType): void {
  const open = isOpenPosition(scope.plan, type);
  const types = type.branches.map((branch) => typeText(scope, branch.type, open));
  printer.union(scope.type(type), types, () => listComment(scope, type, outer));
}

function declareStruct(at: Workplace, type: StructType): void {
  const { scope, printer, outer } = at;
  const name = scope.type(type);
  const comment = () => commentLines(typeDoc(scope, type, outer));
  if (isEmpty(type)) printer.union(name, [emptyObject], comment);
  else printer.interface(name, basesOf(scope, type.base), membersOf(at, type), comment);
}

function declareUnion(at: Workplace, type: UnionType): void {
  const { scope, printer, outer } = at;
  const names = type.branches.map((branch) => scope.plan.names.branch(branch));
  printer.union(scope.type(type), names, () => commentLines(typeDoc(scope, type, outer)));
  for (const branch of type.branches) declareBranch(at, type, branch);
}

/** One branch of a union: its base and the branch's type together, with the tag's one value. */
function declareBranch(at: Workplace, union: UnionType, branch: UnionBranch): void {
  const { scope, printer, outer } = at;
  const name = scope.plan.names.branch(branch);
  const tag: Property = { name: memberName(union.tag.name), type: stringLiteral(branch.name) };
  const bases = basesOf(scope, union.base);
  const comment = () => commentLines(branchDoc(union, branch, outer));
  if (union.simple) {
    printer.interface(name, bases, [tag, ...membersOf(at, branch.type)], comment);
    return;
  }
  const added = basesOf(scope, branch.type);
  if (canExtend(union, branch.type)) printer.interface(name, [...bases, ...added], [tag], comment);
  else printer.intersection(name, [...bases, `{ ${tag.name}: ${tag.type} }`, ...added], comment);
}

/** What an interface extends to have the members of a type: nothing where there are none. */
function basesOf(scope: FileScope, type: ObjectType | undefined): string[] {
  return type && !isEmpty(type) ? [scope.type(type)] : [];
}

/**
 * Whether an interface can extend a branch's type beside the union's base: a union is no interface, and members of the same
 * name (which old releases let pass) may have types that do not agree.
 */
function canExtend(union: UnionType, type: ObjectType): boolean {
  if (type.kind === 'union') return false;
  for (let struct: StructType | undefined = type; struct; struct = struct.base) {
    if (struct.members.some((member) => declares(union.base, member.name))) return false;
  }
  return true;
}

function declares(type: StructType | undefined, name: string): boolean {
  for (let struct = type; struct; struct = struct.base) {
    if (struct.members.some((member) => member.name === name)) return true;
  }
  return false;
}

/** The own members of an object type. */
function membersOf({ scope, inner }: Workplace, owner: ObjectType): Property[] {
  const described = owner.doc ?? scope.plan.owners.get(owner)?.doc;
  return owner.members.map((member) => ({
    name: memberName(member.name),
    type: typeText(scope, member.type, isOpen(scope.plan, owner, member)),
    optional: member.optional,
    comment: () => commentLines(memberDoc(member, described, inner)),
  }));
}

/** The comment of a type whose values or branches have no place of their own in TypeScript. */
function listComment(scope: FileScope, type: EnumType | AlternateType, context: DocContext): readonly string[] {
  const parts = typeDoc(scope, type, context);
  addNameList(parts, type.kind === 'enum' ? type.members : type.branches, type.doc, context);
  return commentLines(parts);
}

/** The comment of a type. What the language made from a part of another definition refers to that. */
function typeDoc(scope: FileScope, type: NamedType, context: DocContext): DocParts {
  const owner = scope.plan.owners.get(type);
  if (!owner) return definitionDoc(type, type.doc, context);
  return { lines: [partTitle(type, owner, context.link(owner.name))], examples: [], tags: [] };
}

function partTitle(type: NamedType, owner: Owner, link: string): string {
  if (owner.kind === 'command') return `Arguments of command ${link}.`;
  if (owner.kind === 'event') return `Data of event ${link}.`;
  return type.kind === 'enum' ? `What tells the branches of ${link} apart.` : `What all branches of ${link} have.`;
}

/** What the union's documentation says of a branch, after the value that selects it. */
function branchDoc(union: UnionType, branch: UnionBranch, context: DocContext): DocParts {
  const parts = memberDoc({ ...branch, features: [] }, union.doc, context);
  const head = `${context.link(union.name)} when ${codeSpan(union.tag.name)} is ${codeSpan(branch.name)}.`;
  parts.lines.unshift(head, ...(parts.lines.length > 0 ? [''] : []));
  return parts;
}
