import type { AlternateType, EnumType, ObjectType, Type } from '../../schema/model.js';
import { stringLiteral } from '../identifier.js';
import { membersText, specialFeatures } from '../members-text.js';
import type { NamedType } from '../names.js';
import { declaredTypes } from '../plan.js';
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
    const scope = new FileScope(plan, module, 'visitors');
    return moduleText(scope, module, declared.map((type) => visitorOf(scope, type)).join('\n'));
  },
};

function visitorOf(scope: FileScope, type: NamedType): string {
  if (type.kind === 'enum') return enumVisitor(enumContext(scope, type));
  if (type.kind === 'alternate') return alternateVisitor(alternateContext(scope, type));
  return `${objectVisitor(objectContext(scope, type))}\n${membersText(scope, type)}`;
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
  return {
    type: scope.type(type),
    visitor: scope.visitor(type),
    members: scope.plan.names.members(type),
    name: stringLiteral(type.name),
    Visitor: scope.runtimeType('Visitor'),
    Name: scope.runtimeType('Name'),
  };
}
