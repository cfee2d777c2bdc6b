import type { Member, ObjectType, UnionType } from './model.js';

/** An object as it is on the wire: its members by name, wherever they are declared, and what its discriminator adds to them. */
export interface Shape {
  readonly members: ReadonlyMap<string, Member>;
  readonly union?: UnionType;
}

const known = new WeakMap<ObjectType, Shape>();

/** The shape of an object type. */
export function shapeOf(object: ObjectType): Shape {
  const shape = known.get(object) ?? newShape(object);
  known.set(object, shape);
  return shape;
}

function newShape(object: ObjectType): Shape {
  const chain: ObjectType[] = [];
  for (let type: ObjectType | undefined = object; type; type = type.base) chain.push(type);
  const members = new Map<string, Member>();
  for (const type of chain.reverse()) for (const member of type.members) members.set(member.name, member);
  return object.kind === 'union' ? { members, union: object } : { members };
}

/** For each value of a union's discriminator the shape of an object that has it. */
export function shapesByValue({ members, union }: Shape): Map<string, Shape> {
  return new Map(union?.branches.map(({ name, type }) => [name, withBranch(members, type)]));
}

/** The shape of an object whose discriminator has a value; undefined where that selects no branch. */
export function shapeWith({ members, union }: Shape, value: unknown): Shape | undefined {
  const branch = union?.branches.find(({ name }) => name === String(value));
  return branch && withBranch(members, branch.type);
}

function withBranch(members: Shape['members'], type: ObjectType): Shape {
  const branch = shapeOf(type);
  const all = branch.members.size === 0 ? members : new Map([...members, ...branch.members]);
  return { members: all, ...(branch.union && { union: branch.union }) };
}

/** The member of a name in every branch of a shape; undefined for a branch that has none. */
export function memberByValue(shape: Shape, name: string): Map<string, Member | undefined> {
  const found = new Map<string, Member | undefined>();
  for (const [value, branch] of shapesByValue(shape)) found.set(value, memberThroughout(branch, name));
  return found;
}

/** A member that an object has whatever its discriminators are. */
export function memberThroughout(shape: Shape, name: string): Member | undefined {
  const member = shape.members.get(name);
  if (member || !shape.union) return member;
  const inBranches = [...memberByValue(shape, name).values()];
  return inBranches.length > 0 && inBranches.every((found) => found !== undefined) ? inBranches[0] : undefined;
}

/** The names of the members that an object has under some value of its discriminators. */
export function namesSomewhere(shape: Shape): Set<string> {
  const names = new Set(shape.members.keys());
  for (const branch of shapesByValue(shape).values()) for (const name of namesSomewhere(branch)) names.add(name);
  return names;
}
