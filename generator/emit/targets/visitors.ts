import type { AlternateType, EnumType, Feature, Member, ObjectType, Type, UnionType } from '../../schema/model.js';
import { stringLiteral } from '../identifier.js';
import type { NamedType } from '../names.js';
import { declaredTypes, isEmpty } from '../plan.js';
import { FileScope } from '../scope.js';
import { moduleText, type Target } from '../target.js';
import alternateVisitor from '../templates/alternate-visitor.hbs';
import enumVisitor from '../templates/enum-visitor.hbs';
import objectVisitor from '../templates/object-visitor.hbs';
import { visitCall } from '../visit-text.js';

/** The functions that walk the types of each module. */
export const visitors: Target = {
  name: 'visitors',
  requires: ['types'],
  moduleFile(plan, module) {
    const declared = declaredTypes(plan, module);
    if (declared.length === 0) return undefined;
    const scope = new FileScope(plan, plan.folderOf(module), 'visitors');
    return moduleText(scope, module, declared.map((type) => visitorOf(scope, type)).join('\n'));
  },
};

function visitorOf(scope: FileScope, type: NamedType): string {
  if (type.kind === 'enum') return enumVisitor(enumContext(scope, type));
  if (type.kind === 'alternate') return alternateVisitor(alternateContext(scope, type));
  return objectVisitor(objectContext(scope, type));
}

function enumContext(scope: FileScope, type: EnumType): object {
  return {
    type: scope.type(type),
    visitor: scope.visitor(type),
    name: stringLiteral(type.name),
    Visitor: scope.runtimeType('Visitor'),
    Name: scope.runtimeType('Name'),
    info: scope.plan.names.enumInfo(type),
    EnumInfo: scope.runtimeType('EnumInfo'),
    enumInfo: scope.runtimeValue('enumInfo'),
    values: scope.values(type),
    features: type.members
      .map((member) => ({ name: stringLiteral(member.name), features: specialFeatures(member.features) }))
      .filter((member) => member.features !== ''),
  };
}

function alternateContext(scope: FileScope, type: AlternateType): object {
  const kinds = new Map<string, Type[]>();
  for (const branch of type.branches) {
    const kind = stringLiteral(jsonKind(branch.type));
    kinds.set(kind, [...(kinds.get(kind) ?? []), branch.type]);
  }
  return {
    type: scope.type(type),
    visitor: scope.visitor(type),
    name: stringLiteral(type.name),
    Visitor: scope.runtimeType('Visitor'),
    Name: scope.runtimeType('Name'),
    branches: [...kinds].map(([kind, types]) => ({ kind, visit: branchCall(scope, types) })),
    kinds: [...kinds.keys()].join(', '),
  };
}

/** What a visitor calls the kind of JSON value that a branch of an alternate has. */
function jsonKind(type: Type): string {
  switch (type.kind) {
    case 'enum':
      return 'string';
    case 'array':
      return 'array';
    case 'builtin':
      return type.json === 'int' ? 'number' : type.json;
    default:
      return 'object';
  }
}

/** Up to 2.9 an alternate could tell `int` from `number`: an integer beyond the safe range is not handed on as a double. */
function branchCall(scope: FileScope, types: readonly Type[]): string {
  const calls = types.map((type) => visitCall(scope, type, 'value', 'name'));
  const wide = types.findIndex((type) => type.kind === 'builtin' && type.json === 'int');
  const other = calls.find((_call, index) => index !== wide);
  if (wide < 0 || other === undefined) return calls[0] as string;
  return `typeof value === 'bigint' ? ${calls[wide]} : ${other}`;
}

function objectContext(scope: FileScope, type: ObjectType): object {
  const fields = type.members.map((member) => fieldContext(scope, member));
  const mandatory = fields.filter((field) => field.condition === '').length;
  const base = type.base && !isEmpty(type.base) ? scope.members(type.base) : undefined;
  const start = base ? `${base}(v, o)${mandatory > 0 ? ` + ${mandatory}` : ''}` : String(mandatory);
  const grows = fields.length > mandatory;
  const hasBranches = type.kind === 'union' && type.branches.some((branch) => !isEmpty(branch.type));
  // Where nothing comes between, the count needs no variable.
  const isNamed = grows || (base !== undefined && (fields.length > 0 || hasBranches));
  const count = isNamed ? 'count' : start;
  const branches = hasBranches ? branchContexts(scope, type, count) : [];
  return {
    type: scope.type(type),
    visitor: scope.visitor(type),
    members: scope.plan.names.members(type),
    name: stringLiteral(type.name),
    Visitor: scope.runtimeType('Visitor'),
    Name: scope.runtimeType('Name'),
    parameters:
      fields.length > 0 || base ? `v: ${scope.runtimeType('Visitor')}, o: ${scope.runtimeType('Members')}` : '',
    hasFields: fields.length > 0 || branches.some((branch) => branch.fields.length > 0),
    declaration: isNamed && (grows ? 'let' : 'const'),
    start,
    fields,
    tag: hasBranches && access(type.tag.name),
    branches,
    count,
  };
}

interface BranchContext {
  readonly cases: string[];
  /** The members of a simple union's wrapper. */
  readonly fields: readonly FieldContext[];
  /** How many members there are, the branch's included. */
  readonly count: string;
}

/** The branches that add members; those that share a type share the code. */
function branchContexts(scope: FileScope, union: UnionType, count: string): BranchContext[] {
  const byType = new Map<ObjectType, BranchContext>();
  for (const { name, type } of union.branches) {
    if (isEmpty(type)) continue;
    let context = byType.get(type);
    if (context === undefined) {
      const fields = union.simple ? type.members.map((member) => fieldContext(scope, member)) : [];
      context = {
        cases: [],
        fields,
        count: union.simple ? String(union.members.length + fields.length) : `${count} + ${scope.members(type)}(v, o)`,
      };
      byType.set(type, context);
    }
    context.cases.push(stringLiteral(name));
  }
  return [...byType.values()];
}

interface FieldContext {
  readonly read: string;
  readonly access: string;
  readonly visit: string;
  /** When the member is visited, and counted; empty when it always is. */
  readonly condition: string;
  /** What happens when it is not. */
  readonly otherwise: string;
}

function fieldContext(scope: FileScope, member: Member): FieldContext {
  const name = stringLiteral(member.name);
  const place = access(member.name);
  const features = specialFeatures(member.features);
  const admitted = features && `v.admits(member, ${name}, [${features}])`;
  const there = member.optional ? 'member !== undefined' : '';
  return {
    read: inherited.has(member.name) ? `${scope.runtimeValue('own')}(o, ${name})` : place,
    access: place,
    visit: visitCall(scope, member.type, 'member', name),
    condition:
      member.optional || !admitted
        ? [there, admitted].filter(Boolean).join(' && ')
        : `member === undefined || ${admitted}`,
    otherwise: admitted && ` else ${there && `if (${there}) `}${place} = undefined;`,
  };
}

/** Names under which every object inherits something. */
const inherited = new Set(Object.getOwnPropertyNames(Object.prototype));

function access(name: string): string {
  return `o[${stringLiteral(name)}]`;
}

function specialFeatures(features: readonly Feature[]): string {
  return features
    .filter(({ name }) => name === 'deprecated' || name === 'unstable')
    .map(({ name }) => stringLiteral(name))
    .join(', ');
}
