import type { AlternateType, EnumType, Feature, Member, ObjectType, Type, UnionType } from '../../schema/model.js';
import { stringLiteral } from '../identifier.js';
import type { NamedType } from '../names.js';
import { declaredTypes, isEmpty } from '../plan.js';
import { FileScope } from '../scope.js';
import { moduleText, type Target } from '../target.js';
import visitorsTemplate from '../templates/visitors.hbs';
import { visitCall } from '../visit-text.js';

/** The functions that walk the types of each module. */
export const visitors: Target = {
  name: 'visitors',
  requires: ['types'],
  moduleFile(plan, module) {
    const declared = declaredTypes(plan, module);
    if (declared.length === 0) return undefined;
    const scope = new FileScope(plan, plan.folderOf(module), 'visitors');
    const context = {
      Visitor: scope.runtimeType('Visitor'),
      Name: scope.runtimeType('Name'),
      types: declared.map((type) => visitorContext(scope, type)),
    };
    return moduleText(scope, module, visitorsTemplate(context));
  },
};

function visitorContext(scope: FileScope, type: NamedType): object {
  const context = {
    type: scope.type(type),
    visitor: scope.visitor(type),
    name: stringLiteral(type.name),
    enum: false,
    alternate: false,
    object: false,
  };
  if (type.kind === 'enum') return { ...context, ...enumContext(scope, type) };
  if (type.kind === 'alternate') return { ...context, ...alternateContext(scope, type) };
  return { ...context, ...objectContext(scope, type) };
}

function enumContext(scope: FileScope, type: EnumType): object {
  const features = type.members
    .map((member) => ({ name: stringLiteral(member.name), features: specialFeatures(member.features) }))
    .filter((member) => member.features !== '');
  return {
    enum: true,
    info: scope.plan.names.enumInfo(type),
    EnumInfo: scope.runtimeType('EnumInfo'),
    enumInfo: scope.runtimeValue('enumInfo'),
    values: scope.values(type),
    features,
  };
}

/** How alternates call the kinds of JSON values. */
function kindOf(type: Type): string {
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

function alternateContext(scope: FileScope, type: AlternateType): object {
  const kinds = new Map<string, Type[]>();
  for (const branch of type.branches) {
    const kind = kindOf(branch.type);
    kinds.set(kind, [...(kinds.get(kind) ?? []), branch.type]);
  }
  const branches = [...kinds].map(([kind, types]) => ({
    kind: stringLiteral(kind),
    visit: branchCall(scope, types),
  }));
  return { alternate: true, branches, kinds: [...kinds.keys()].map(stringLiteral).join(', ') };
}

/** Up to 2.9 an alternate could tell `int` from `number`: an integer beyond the safe range is not handed on as a double. */
function branchCall(scope: FileScope, types: readonly Type[]): string {
  const calls = types.map((type) => visitCall(scope, type, 'value', 'name'));
  const wide = types.findIndex((type) => type.kind === 'builtin' && type.json === 'int');
  const other = calls.find((_call, index) => index !== wide);
  return wide < 0 || other === undefined
    ? (calls[0] as string)
    : `typeof value === 'bigint' ? ${calls[wide]} : ${other}`;
}

function objectContext(scope: FileScope, type: ObjectType): object {
  const members = type.members.map((member) => memberContext(scope, member));
  const fixed = members.filter((member) => !member.checked).length;
  const base = type.base && !isEmpty(type.base) ? scope.members(type.base) : undefined;
  const branches = type.kind === 'union' ? branchesOf(scope, type) : [];
  const counted = members.length > fixed;
  const start = base ? `${base}(v, o)${fixed > 0 ? ` + ${fixed}` : ''}` : String(fixed);
  // Where nothing comes between, the count needs no variable.
  const counter = counted || (base !== undefined && (members.length > 0 || branches.length > 0));
  const used = members.length > 0 || base !== undefined;
  return {
    object: true,
    members: scope.plan.names.members(type),
    parameters: used ? `v: ${scope.runtimeType('Visitor')}, o: ${scope.runtimeType('Members')}` : '',
    fields: members,
    hasFields: members.length > 0 || branches.some((branch) => branch.fields.length > 0),
    declaration: counted ? 'let' : 'const',
    start,
    counter,
    count: counter ? 'count' : start,
    tag: type.kind === 'union' ? access(type.tag.name) : '',
    branches,
  };
}

interface BranchContext {
  readonly cases: string[];
  /** The members of a simple union's wrapper. */
  readonly fields: object[];
  /** What the branch adds to the count. */
  readonly added: string;
}

/** The branches that add members; those that share a type share the code. */
function branchesOf(scope: FileScope, union: UnionType): BranchContext[] {
  const shared = new Map<ObjectType, BranchContext>();
  for (const branch of union.branches) {
    if (isEmpty(branch.type)) continue;
    let context = shared.get(branch.type);
    if (context === undefined) {
      const fields = union.simple ? branch.type.members.map((member) => memberContext(scope, member)) : [];
      context = {
        cases: [],
        fields,
        added: union.simple ? String(fields.length) : `${scope.members(branch.type)}(v, o)`,
      };
      shared.set(branch.type, context);
    }
    context.cases.push(stringLiteral(branch.name));
  }
  return [...shared.values()];
}

function memberContext(scope: FileScope, member: Member) {
  const name = stringLiteral(member.name);
  const features = specialFeatures(member.features);
  return {
    name,
    read: inherited.has(member.name) ? `${scope.runtimeValue('own')}(o, ${name})` : access(member.name),
    access: access(member.name),
    visit: visitCall(scope, member.type, 'member', name),
    optional: member.optional,
    features,
    /** Whether the member is counted only when it is visited. */
    checked: member.optional || features !== '',
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
