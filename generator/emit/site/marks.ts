import type { Change } from '../../compare/change.js';
import { compareSchemas } from '../../compare/compare.js';
import type { Definition, Schema, Type } from '../../schema/model.js';
import type { Span } from '../../text/source-file.js';
import { namesOf } from './names-of.js';
import { type Documented, isDocumented } from './places.js';

/** What is new, changed or gone since another schema. */
export interface Marks {
  /** What the other schema is called. */
  readonly old: string;
  readonly changes: readonly Change[];
  isNew(definition: Documented): boolean;
  /** Whether a definition that was there before has a member, value or branch that it did not have. */
  isNewMember(owner: string, name: string): boolean;
  /** The changes that show in a definition: for a command or event all that it reaches, for a type those in it. */
  changesOf(definition: Documented): readonly Change[];
  /** The definitions that are gone, by name. */
  readonly removed: readonly Documented[];
}

/** A schema that another is compared with. */
export interface OldSchema {
  readonly schema: Schema;
  /** What to call it. */
  readonly name: string;
  /** Whether it was made from introspection data, which do not tell everything. */
  readonly introspection?: boolean;
}

/** Compares a schema with an older one. */
export function marksOf(old: OldSchema, now: Schema): Marks {
  const { introspection = false } = old;
  const changes = compareSchemas(old.schema, now, { introspection });
  const byDefinition = new Map<Definition, Change[]>();
  const add = (definition: Definition | undefined, change: Change): void => {
    if (!definition) return;
    const list = byDefinition.get(definition) ?? [];
    byDefinition.set(definition, list.includes(change) ? list : [...list, change]);
  };
  const definitionAt = finder(now);
  for (const change of changes) {
    for (const entity of change.entities) add(now.lookup(entity), change);
    add(definitionAt(change.newPlace), change);
  }
  const before = new Map<string, ReadonlySet<string>>();
  return {
    old: old.name,
    changes,
    isNew: ({ name, kind }) => !isSame(old.schema.lookup(name), kind),
    isNewMember(owner, name) {
      const definition = old.schema.lookup(owner);
      if (!definition) return false;
      if (!before.has(owner)) before.set(owner, new Set(namesOf(definition)));
      return before.get(owner)?.has(name) === false;
    },
    changesOf: (definition) => byDefinition.get(definition) ?? [],
    removed: old.schema.definitions.filter(isDocumented).filter(({ name, kind }) => !isSame(now.lookup(name), kind)),
  };
}

/** A struct that has become a union is still the type that it was. */
function isSame(found: Definition | undefined, kind: Definition['kind']): boolean {
  const isType = (of: Definition['kind']): boolean => of !== 'command' && of !== 'event';
  return found !== undefined && (found.kind === kind || (isType(found.kind) && isType(kind)));
}

/** Finds the type whose definition a place is in. */
function finder(schema: Schema): (place: Span | undefined) => Type | undefined {
  const byFile = new Map<string, Type[]>();
  for (const definition of schema.definitions) {
    const { implicit, span } = definition;
    if (implicit || !span || definition.kind === 'command' || definition.kind === 'event') continue;
    const types = byFile.get(span.file.path) ?? [];
    types.push(definition);
    byFile.set(span.file.path, types);
  }
  return (place) =>
    place &&
    byFile.get(place.file.path)?.find(({ span }) => span && span.start <= place.start && place.end <= span.end);
}
