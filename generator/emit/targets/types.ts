import type {
  AlternateType,
  EnumType,
  Member,
  ObjectType,
  StructType,
  UnionBranch,
  UnionType,
} from '../../schema/model.js';
import { DeclarationPrinter, type Property } from '../declarations.js';
import { codeSpan } from '../doc/inline.js';
import { addNameList, type DocContext, type DocParts, definitionDoc, docText, memberDoc } from '../doc/tsdoc.js';
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
    const scope = new FileScope(plan, plan.folderOf(module), 'types');
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

function declareTypes(scope: FileScope, types: readonly NamedType[]): string {
  const at: Workplace = {
    scope,
    printer: new DeclarationPrinter(),
    outer: docContext(scope, 0),
    inner: docContext(scope, 2),
  };
  for (const type of types) {
    if (type.kind === 'enum') declareEnum(at, type);
    else if (type.kind === 'alternate') declareAlternate(at, type);
    else if (type.kind === 'struct') declareStruct(at, type);
    else declareUnion(at, type);
  }
  return at.printer.toString();
}

function declareEnum({ scope, printer, outer }: Workplace, type: EnumType): void {
  const name = scope.type(type);
  const values = type.members.map((member) => member.name);
  const parts = typeDoc(scope, type, outer);
  addNameList(parts, type.members, type.doc, outer);
  printer.union(name, values.map(stringLiteral), docText(parts));
  printer.values(name, values);
}

function declareAlternate({ scope, printer, outer }: Workplace, type: AlternateType): void {
  const open = isOpenPosition(scope.plan, type);
  const types = type.branches.map((branch) => typeText(scope, branch.type, open));
  const parts = typeDoc(scope, type, outer);
  addNameList(parts, type.branches, type.doc, outer);
  printer.union(scope.type(type), types, docText(parts));
}

function declareStruct(at: Workplace, type: StructType): void {
  const { scope, printer, outer } = at;
  const bases = basesOf(scope, type.base);
  const properties = type.members.map((member) => property(at, type, member));
  const doc = docText(typeDoc(scope, type, outer));
  if (isEmpty(type)) printer.union(scope.type(type), [emptyObject], doc);
  else printer.interface(scope.type(type), bases, properties, doc);
}

function declareUnion(at: Workplace, type: UnionType): void {
  const { scope, printer, outer } = at;
  const branches = type.branches.map((branch) => scope.plan.names.branch(branch));
  printer.union(scope.type(type), branches, docText(typeDoc(scope, type, outer)));
  for (const branch of type.branches) declareBranch(at, type, branch);
}

/** One branch of a union: its base and the branch's type together, with the tag's one value. */
function declareBranch(at: Workplace, union: UnionType, branch: UnionBranch): void {
  const { scope, printer, outer } = at;
  const name = scope.plan.names.branch(branch);
  const tag: Property = { name: memberName(union.tag.name), type: stringLiteral(branch.name) };
  const bases = basesOf(scope, union.base);
  const doc = docText(branchDoc(union, branch, outer));
  if (union.simple) {
    const data = branch.type.members.map((member) => property(at, branch.type, member));
    printer.interface(name, bases, [tag, ...data], doc);
  } else if (canExtend(union, branch.type)) {
    printer.interface(name, [...bases, ...basesOf(scope, branch.type)], [tag], doc);
  } else {
    printer.intersection(name, [...bases, `{ ${tag.name}: ${tag.type} }`, ...basesOf(scope, branch.type)], doc);
  }
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

function property({ scope, inner }: Workplace, owner: ObjectType, member: Member): Property {
  const type = typeText(scope, member.type, isOpen(scope.plan, owner, member));
  const doc = docText(memberDoc(member, owner.doc ?? scope.plan.owners.get(owner)?.doc, inner));
  return { name: memberName(member.name), type, optional: member.optional, doc };
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

/** What the union's documentation says of a branch, after the value by which it is told from the others. */
function branchDoc(union: UnionType, branch: UnionBranch, context: DocContext): DocParts {
  const parts = memberDoc({ ...branch, features: [] }, union.doc, context);
  const head = `${context.link(union.name)} when ${codeSpan(union.tag.name)} is ${codeSpan(branch.name)}.`;
  parts.lines.unshift(head, ...(parts.lines.length > 0 ? [''] : []));
  return parts;
}
