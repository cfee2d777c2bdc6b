import type { Command, Event, Member, ObjectType, Schema, Type } from '../generator/schema/model.js';
import { type Shape, shapeOf, shapesByValue, shapeWith } from '../generator/schema/shapes.js';
import type { DeclaredNames } from './declared.js';

/** The object type of the new schema that stands where one of the old schema stood. */
export function counterpartOf(
  type: ObjectType,
  { plan }: DeclaredNames,
  old: Schema,
  now: Schema,
): ObjectType | undefined {
  const owner = plan.owners.get(type);
  if (owner?.kind === 'union') {
    const other = now.lookup(owner.name);
    return other?.kind === 'union' ? other.base : objectOf(other);
  }
  if (owner) return argumentsOf(now, owner);
  const same = objectOf(now.lookup(type.name));
  if (same) return same;
  const user = old.definitions.find(
    (definition): definition is Command | Event =>
      (definition.kind === 'command' || definition.kind === 'event') && definition.arguments === type,
  );
  return user && argumentsOf(now, user);
}

function argumentsOf(schema: Schema, { kind, name }: Command | Event): ObjectType | undefined {
  const entity = schema.lookup(name);
  if (entity?.kind !== kind || (entity.kind !== 'command' && entity.kind !== 'event')) return undefined;
  return entity.arguments ? objectOf(entity.arguments) : undefined;
}

function objectOf(definition: Type | Command | Event | undefined): ObjectType | undefined {
  return definition?.kind === 'struct' || definition?.kind === 'union' ? definition : undefined;
}

/** All members of an object type, those of branches included, by name. */
export function membersOf(type: ObjectType): Map<string, Member> {
  const found = new Map<string, Member>();
  const collect = (shape: Shape): void => {
    for (const member of shape.members.values()) if (!found.has(member.name)) found.set(member.name, member);
    for (const branch of shapesByValue(shape).values()) collect(branch);
  };
  collect(shapeOf(type));
  return found;
}

/** The members of an object for which `tagValue` knows the discriminators; undefined for a branch that is not there. */
export function membersFor(
  type: ObjectType,
  tagValue: (tag: string) => string | undefined,
): ReadonlyMap<string, Member> | undefined {
  let shape = shapeOf(type);
  while (shape.union) {
    const value = tagValue(shape.union.tag.name);
    if (value === undefined) return shape.members;
    const branch = shapeWith(shape, value);
    if (!branch) return undefined;
    shape = branch;
  }
  return shape.members;
}
