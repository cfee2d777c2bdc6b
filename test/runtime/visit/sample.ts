// biome-ignore-all lint/complexity/useLiteralKeys: compilers may forbid property access where there is an index signature
// biome-ignore-all lint/style/useConst: generated code declares its variables alike everywhere
/*
 * Generated code, written by hand: the shape that `types.ts` and `visitors.ts` of a schema module have. The schema:
 *
 * { 'enum': 'Colour', 'data': [ 'red', 'dark-green', { 'name': 'mauve', 'features': [ 'deprecated' ] } ] }
 * { 'struct': 'Empty', 'data': {} }
 * { 'struct': 'Base', 'data': { 'id': 'str', '*size': 'size' } }
 * { 'struct': 'Node', 'base': 'Base',
 *   'data': { 'count': 'int', '*flag': 'bool', '*colours': [ 'Colour' ], '*next': 'Node', '*children': [ 'NodeRef' ],
 *             '*data': 'any', '*level': 'uint8', '*empty': 'Empty',
 *             '*x-old': { 'type': 'str', 'features': [ 'deprecated', 'unstable' ] } } }
 * { 'struct': 'Hostile', 'data': { '*constructor': 'str' } }
 * { 'union': 'Shape', 'base': { 'kind': 'ShapeKind', '*label': 'str' }, 'discriminator': 'kind',
 *   'data': { 'circle': 'Circle', 'solid': 'Solid' } }
 * { 'enum': 'ShapeKind', 'data': [ 'circle', 'solid', 'none' ] }
 * { 'struct': 'Circle', 'data': { 'radius': 'number' } }
 * { 'union': 'Solid', 'base': { 'form': 'SolidForm' }, 'discriminator': 'form', 'data': { 'cube': 'Cube' } }
 * { 'enum': 'SolidForm', 'data': [ 'cube', 'ball' ] }
 * { 'struct': 'Cube', 'data': { 'edges': [ 'int16' ] } }
 * { 'union': 'Wrapped', 'data': { 'node': 'Node', 'text': 'str' } }
 * { 'alternate': 'NodeRef', 'data': { 'definition': 'Node', 'reference': 'str', 'nothing': 'null' } }
 */
import {
  type EnumInfo,
  enumInfo,
  type Int64,
  type JsonValue,
  type Members,
  type Name,
  own,
  type Visitor,
  visitInt16,
} from '../../../runtime/index.js';

export const Colour = ['red', 'dark-green', 'mauve'] as const;
export type Colour = (typeof Colour)[number];
export const ShapeKind = ['circle', 'solid', 'none'] as const;
export type ShapeKind = (typeof ShapeKind)[number];
export const SolidForm = ['cube', 'ball'] as const;
export type SolidForm = (typeof SolidForm)[number];
export const WrappedKind = ['node', 'text'] as const;
export type WrappedKind = (typeof WrappedKind)[number];

export type Empty = Record<string, never>;

export interface Base {
  id: string;
  size?: Int64;
}

export interface Node extends Base {
  count: Int64;
  flag?: boolean;
  colours?: Colour[];
  next?: Node;
  children?: NodeRef[];
  data?: JsonValue;
  level?: number;
  empty?: Empty;
  'x-old'?: string;
}

export interface Hostile {
  constructor?: string;
}

export interface ShapeBase {
  kind: ShapeKind;
  label?: string;
}

export interface Circle {
  radius: number;
}

export interface Cube {
  edges: number[];
}

export type Solid = Solid_Cube | Solid_Ball;
export interface Solid_Cube extends Cube {
  form: 'cube';
}
export interface Solid_Ball {
  form: 'ball';
}

export type Shape = Shape_Circle | Shape_Solid | Shape_None;
export interface Shape_Circle extends ShapeBase, Circle {
  kind: 'circle';
}
export type Shape_Solid = ShapeBase & Solid & { kind: 'solid' };
export interface Shape_None extends ShapeBase {
  kind: 'none';
}

export type Wrapped = { type: 'node'; data: Node } | { type: 'text'; data: string };

export type NodeRef = Node | string | null;

const colourInfo: EnumInfo<Colour> = /* @__PURE__ */ enumInfo(
  'Colour',
  Colour,
  /* @__PURE__ */ new Map([['mauve', ['deprecated']]]),
);

export function visitColour(v: Visitor, value: unknown, name?: Name): Colour {
  return v.enum(value, name, colourInfo);
}

const shapeKindInfo: EnumInfo<ShapeKind> = /* @__PURE__ */ enumInfo('ShapeKind', ShapeKind);

export function visitShapeKind(v: Visitor, value: unknown, name?: Name): ShapeKind {
  return v.enum(value, name, shapeKindInfo);
}

const solidFormInfo: EnumInfo<SolidForm> = /* @__PURE__ */ enumInfo('SolidForm', SolidForm);

export function visitSolidForm(v: Visitor, value: unknown, name?: Name): SolidForm {
  return v.enum(value, name, solidFormInfo);
}

const wrappedKindInfo: EnumInfo<WrappedKind> = /* @__PURE__ */ enumInfo('WrappedKind', WrappedKind);

export function visitWrappedKind(v: Visitor, value: unknown, name?: Name): WrappedKind {
  return v.enum(value, name, wrappedKindInfo);
}

// An object type without members.
export function visitEmpty(v: Visitor, value: unknown, name?: Name): Empty {
  return v.struct(value, name, 'Empty', membersOfEmpty) as Empty;
}

export function membersOfEmpty(): number {
  return 0;
}

// A struct: mandatory members are counted at once, optional ones when they are there.
export function visitBase(v: Visitor, value: unknown, name?: Name): Base {
  return v.struct(value, name, 'Base', membersOfBase) as Base;
}

export function membersOfBase(v: Visitor, o: Members): number {
  let member: unknown;
  let result: unknown;
  let count = 1;
  member = o['id'];
  result = v.str(member, 'id');
  if (result !== member) o['id'] = result;
  member = o['size'];
  if (member !== undefined) {
    count++;
    result = v.size(member, 'size');
    if (result !== member) o['size'] = result;
  }
  return count;
}

// A struct with a base. `x-old` has special features.
export function visitNode(v: Visitor, value: unknown, name?: Name): Node {
  return v.struct(value, name, 'Node', membersOfNode) as Node;
}

export function membersOfNode(v: Visitor, o: Members): number {
  let member: unknown;
  let result: unknown;
  let count = membersOfBase(v, o) + 1;
  member = o['count'];
  result = v.int64(member, 'count');
  if (result !== member) o['count'] = result;
  member = o['flag'];
  if (member !== undefined) {
    count++;
    result = v.bool(member, 'flag');
    if (result !== member) o['flag'] = result;
  }
  member = o['colours'];
  if (member !== undefined) {
    count++;
    result = v.list(member, 'colours', visitColour);
    if (result !== member) o['colours'] = result;
  }
  member = o['next'];
  if (member !== undefined) {
    count++;
    result = visitNode(v, member, 'next');
    if (result !== member) o['next'] = result;
  }
  member = o['children'];
  if (member !== undefined) {
    count++;
    result = v.list(member, 'children', visitNodeRef);
    if (result !== member) o['children'] = result;
  }
  member = o['data'];
  if (member !== undefined) {
    count++;
    result = v.any(member, 'data');
    if (result !== member) o['data'] = result;
  }
  member = o['level'];
  if (member !== undefined) {
    count++;
    result = v.uint8(member, 'level');
    if (result !== member) o['level'] = result;
  }
  member = o['empty'];
  if (member !== undefined) {
    count++;
    result = visitEmpty(v, member, 'empty');
    if (result !== member) o['empty'] = result;
  }
  member = o['x-old'];
  if (member !== undefined) {
    if (v.admits(member, 'x-old', ['deprecated', 'unstable'])) {
      count++;
      result = v.str(member, 'x-old');
      if (result !== member) o['x-old'] = result;
    } else o['x-old'] = undefined;
  }
  return count;
}

// Every object inherits something called `constructor`.
export function visitHostile(v: Visitor, value: unknown, name?: Name): Hostile {
  return v.struct(value, name, 'Hostile', membersOfHostile) as Hostile;
}

export function membersOfHostile(v: Visitor, o: Members): number {
  let member: unknown;
  let result: unknown;
  let count = 0;
  member = own(o, 'constructor');
  if (member !== undefined) {
    count++;
    result = v.str(member, 'constructor');
    if (result !== member) o['constructor'] = result;
  }
  return count;
}

export function visitCircle(v: Visitor, value: unknown, name?: Name): Circle {
  return v.struct(value, name, 'Circle', membersOfCircle) as Circle;
}

export function membersOfCircle(v: Visitor, o: Members): number {
  let member: unknown;
  let result: unknown;
  member = o['radius'];
  result = v.number(member, 'radius');
  if (result !== member) o['radius'] = result;
  return 1;
}

export function visitCube(v: Visitor, value: unknown, name?: Name): Cube {
  return v.struct(value, name, 'Cube', membersOfCube) as Cube;
}

export function membersOfCube(v: Visitor, o: Members): number {
  let member: unknown;
  let result: unknown;
  member = o['edges'];
  result = v.list(member, 'edges', visitInt16);
  if (result !== member) o['edges'] = result;
  return 1;
}

// A flat union whose base has a declaration of its own; a branch may be a union itself. Values without a branch add nothing.
export function visitShape(v: Visitor, value: unknown, name?: Name): Shape {
  return v.struct(value, name, 'Shape', membersOfShape) as Shape;
}

export function membersOfShape(v: Visitor, o: Members): number {
  const count = membersOfShapeBase(v, o);
  switch (o['kind']) {
    case 'circle':
      return count + membersOfCircle(v, o);
    case 'solid':
      return count + membersOfSolid(v, o);
  }
  return count;
}

export function membersOfShapeBase(v: Visitor, o: Members): number {
  let member: unknown;
  let result: unknown;
  let count = 1;
  member = o['kind'];
  result = visitShapeKind(v, member, 'kind');
  if (result !== member) o['kind'] = result;
  member = o['label'];
  if (member !== undefined) {
    count++;
    result = v.str(member, 'label');
    if (result !== member) o['label'] = result;
  }
  return count;
}

export function visitSolid(v: Visitor, value: unknown, name?: Name): Solid {
  return v.struct(value, name, 'Solid', membersOfSolid) as Solid;
}

export function membersOfSolid(v: Visitor, o: Members): number {
  let member: unknown;
  let result: unknown;
  member = o['form'];
  result = visitSolidForm(v, member, 'form');
  if (result !== member) o['form'] = result;
  switch (o['form']) {
    case 'cube':
      return 1 + membersOfCube(v, o);
  }
  return 1;
}

// A simple union: every branch is a wrapper with the one member `data`.
export function visitWrapped(v: Visitor, value: unknown, name?: Name): Wrapped {
  return v.struct(value, name, 'Wrapped', membersOfWrapped) as Wrapped;
}

export function membersOfWrapped(v: Visitor, o: Members): number {
  let member: unknown;
  let result: unknown;
  member = o['type'];
  result = visitWrappedKind(v, member, 'type');
  if (result !== member) o['type'] = result;
  switch (o['type']) {
    case 'node':
      member = o['data'];
      result = visitNode(v, member, 'data');
      if (result !== member) o['data'] = result;
      return 2;
    case 'text':
      member = o['data'];
      result = v.str(member, 'data');
      if (result !== member) o['data'] = result;
      return 2;
  }
  return 1;
}

// An alternate: the visitor chooses by the kind of the value.
export function visitNodeRef(v: Visitor, value: unknown, name?: Name): NodeRef {
  switch (v.alternate(value, name, 'NodeRef')) {
    case 'object':
      return visitNode(v, value, name);
    case 'string':
      return v.str(value, name);
    case 'null':
      return v.null(value, name);
    default:
      return v.otherwise(value, name, 'NodeRef', ['object', 'string', 'null']) as NodeRef;
  }
}
