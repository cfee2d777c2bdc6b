import type {
  AlternateType,
  EnumType,
  Member,
  ObjectType,
  StructType,
  UnionBranch,
  UnionType,
} from '../../schema/model.js';
import type { DocBlock } from '../../syntax/doc-block.js';
import { DeclarationPrinter, type Property } from '../declarations.js';
import { codeSpan } from '../doc/inline.js';
import { addNameList, type DocContext, type DocParts, definitionDoc, docText, memberDoc } from '../doc/tsdoc.js';
import { docContext } from '../doc-context.js';
import { memberName, stringLiteral } from '../identifier.js';
import type { NamedType } from '../names.js';
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
    const scope = new FileScope(plan, plan.folderOf(module), 'types');
    return moduleText(scope, module, declareTypes(scope, declared));
  },
};

function declareTypes(scope: FileScope, types: readonly NamedType[]): string {
  const printer = new DeclarationPrinter();
  for (const type of types) {
    if (type.kind === 'enum') declareEnum(scope, type, printer);
    else if (type.kind === 'alternate') declareAlternate(scope, type, printer);
    else if (type.kind === 'struct') declareStruct(scope, type, printer);
    else declareUnion(scope, type, printer);
  }
  return printer.toString();
}

function declareEnum(scope: FileScope, type: EnumType, printer: DeclarationPrinter): void {
  const values = type.members.map((member) => member.name);
  const context = docContext(scope, 0);
  const parts = typeDoc(scope, type, context);
  addNameList(parts, type.members, type.doc, context);
  printer.union(scope.type(type), values.map(stringLiteral), docText(parts));
  printer.values(scope.type(type), values);
}

function declareAlternate(scope: FileScope, type: AlternateType, printer: DeclarationPrinter): void {
  const open = isOpenPosition(scope.plan, type);
  const types = type.branches.map((branch) => typeText(scope, branch.type, open));
  const context = docContext(scope, 0);
  const parts = typeDoc(scope, type, context);
  addNameList(parts, type.branches, type.doc, context);
  printer.union(scope.type(type), types, docText(parts));
}

function declareStruct(scope: FileScope, type: StructType, printer: DeclarationPrinter): void {
  const bases = type.base && !isEmpty(type.base) ? [typeText(scope, type.base)] : [];
  const properties = type.members.map((member) => property(scope, type, member));
  const doc = docText(typeDoc(scope, type, docContext(scope, 0)));
  if (isEmpty(type)) printer.union(scope.type(type), [emptyObject], doc);
  else printer.interface(scope.type(type), bases, properties, doc);
}

function declareUnion(scope: FileScope, type: UnionType, printer: DeclarationPrinter): void {
  const branches = type.branches.map((branch) => scope.plan.names.branch(type, branch));
  printer.union(scope.type(type), branches, docText(typeDoc(scope, type, docContext(scope, 0))));
  for (const branch of type.branches) declareBranch(scope, type, branch, printer);
}

/** One branch of a union: its base and the branch's type together, with the tag's one value. */
function declareBranch(scope: FileScope, union: UnionType, branch: UnionBranch, printer: DeclarationPrinter): void {
  const name = scope.plan.names.branch(union, branch);
  const tag: Property = { name: memberName(union.tag.name), type: stringLiteral(branch.name) };
  const own = union.members.filter((member) => member !== union.tag).map((member) => property(scope, union, member));
  const bases = union.base && !isEmpty(union.base) ? [typeText(scope, union.base)] : [];
  const doc = docText(branchDoc(scope, union, branch));
  if (union.simple) {
    const data = branch.type.members.map((member) => property(scope, branch.type, member));
    printer.interface(name, bases, [tag, ...own, ...data], doc);
  } else if (canExtend(union, branch.type)) {
    const branchBases = isEmpty(branch.type) ? [] : [typeText(scope, branch.type)];
    printer.interface(name, [...bases, ...branchBases], [tag, ...own], doc);
  } else {
    const tagType = `{ ${tag.name}: ${tag.type} }`;
    printer.intersection(name, [...bases, tagType, typeText(scope, branch.type)], doc);
  }
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

function property(scope: FileScope, owner: ObjectType, member: Member): Property {
  const type = typeText(scope, member.type, isOpen(scope.plan, owner, member));
  const text = docText(memberDoc(member, docOf(scope, owner), docContext(scope, 2)));
  return {
    name: memberName(member.name),
    type,
    hasQuestionToken: member.optional,
    ...(text !== undefined && { docs: [text] }),
  };
}

/** The comment of a type. What the language made from a part of another definition refers to that. */
function typeDoc(scope: FileScope, type: NamedType, context: DocContext): DocParts {
  const owner = scope.plan.owners.get(type);
  if (!owner) return definitionDoc(type, type.doc, context);
  const what = { command: 'Arguments of command', event: 'Data of event', union: 'Members that all branches have of' }[
    owner.kind
  ];
  const parts: DocParts = { lines: [`${what} ${context.link(owner.name)}.`], examples: [], tags: [] };
  return parts;
}

function branchDoc(scope: FileScope, union: UnionType, branch: UnionBranch): DocParts {
  const context = docContext(scope, 0);
  const tag = `${codeSpan(union.tag.name)} is ${codeSpan(branch.name)}`;
  const described = { ...branch, features: [], name: '' };
  const parts = definitionDoc(described, undefined, context);
  parts.lines.unshift(`${context.link(union.name)} when ${tag}.`, ...(parts.lines.length > 0 ? [''] : []));
  return parts;
}

/** The documentation that describes a type's members: its own, or that of the definition that it is a part of. */
function docOf(scope: FileScope, type: NamedType): DocBlock | undefined {
  return type.doc ?? scope.plan.owners.get(type)?.doc;
}
