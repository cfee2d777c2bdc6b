import type { Command, Definition, Event, Schema, Type } from '../../schema/model.js';
import type { Documented, Places } from './places.js';

/** A place where a definition names a type. */
interface Use {
  readonly by: Documented;
  /** How: `member 'size'`, `base`, `returned`. */
  readonly how: string;
}

/** A command or event that a type is part of, however deep. */
interface Reacher {
  readonly entity: Command | Event;
  readonly sent: boolean;
  readonly received: boolean;
}

/** Where types are used. */
export interface Uses {
  direct(type: Definition): readonly Use[];
  /** The commands and events that a type reaches, by name. */
  reached(type: Definition): readonly Reacher[];
}

/** Finds out where each type of a schema is used. */
export function usesOf(schema: Schema, places: Places): Uses {
  const direct = new Map<Definition, Use[]>();
  const parts = new Map<Documented, Set<Documented>>();
  const documented = new Set<Definition>(places.definitions);
  for (const by of places.definitions) {
    const named = new Set<Documented>();
    parts.set(by, named);
    for (const { how, type } of mentionsOf(by)) {
      for (const found of namedIn(type, documented)) {
        named.add(found);
        listAt(direct, found).push({ by, how });
      }
    }
  }
  const reached = reach(schema, documented, parts);
  return {
    direct: (type) => direct.get(type) ?? [],
    reached: (type) => reached.get(type) ?? [],
  };
}

/** The types that a definition names, and how. */
function* mentionsOf(definition: Definition): Iterable<{ how: string; type: Type }> {
  switch (definition.kind) {
    case 'command':
      yield* argumentMentions(definition, 'argument');
      if (definition.returns) yield { how: 'returned', type: definition.returns };
      break;
    case 'event':
      yield* argumentMentions(definition, 'member');
      break;
    case 'alternate':
      for (const { name, type } of definition.branches) yield { how: `choice '${name}'`, type };
      break;
    case 'struct':
    case 'union':
      if (definition.base?.implicit) yield* mentionsOf(definition.base);
      else if (definition.base) yield { how: 'base', type: definition.base };
      for (const { name, type } of definition.members) yield { how: `member '${name}'`, type };
      if (definition.kind === 'union') {
        for (const { name, type } of definition.branches) yield { how: `branch '${name}'`, type };
      }
      break;
  }
}

function* argumentMentions({ arguments: type }: Command | Event, what: string): Iterable<{ how: string; type: Type }> {
  if (!type) return;
  if (type.implicit && type.kind === 'struct') {
    for (const member of type.members) yield { how: `${what} '${member.name}'`, type: member.type };
  } else yield { how: 'arguments', type };
}

/** The documented types that a type is, or is made of by the language. */
function namedIn(type: Type, documented: ReadonlySet<Definition>): Documented[] {
  if (documented.has(type)) return [type as Documented];
  if (type.kind === 'array') return namedIn(type.element, documented);
  if (type.kind !== 'struct') return [];
  return type.members.flatMap((member) => namedIn(member.type, documented));
}

function reach(
  schema: Schema,
  documented: ReadonlySet<Definition>,
  parts: ReadonlyMap<Documented, ReadonlySet<Documented>>,
): Map<Definition, Reacher[]> {
  const reached = new Map<Definition, Reacher[]>();
  for (const entity of schema.definitions) {
    if (entity.kind !== 'command' && entity.kind !== 'event') continue;
    const sent = follow(entity.kind === 'command' ? entity.arguments : undefined, documented, parts);
    const received = follow(entity.kind === 'command' ? entity.returns : entity.arguments, documented, parts);
    for (const type of new Set([...sent, ...received])) {
      listAt(reached, type).push({ entity, sent: sent.has(type), received: received.has(type) });
    }
  }
  for (const list of reached.values()) list.sort((a, b) => (a.entity.name < b.entity.name ? -1 : 1));
  return reached;
}

function follow(
  root: Type | undefined,
  documented: ReadonlySet<Definition>,
  parts: ReadonlyMap<Documented, ReadonlySet<Documented>>,
): Set<Documented> {
  const found = new Set(root ? namedIn(root, documented) : []);
  for (const type of found) for (const part of parts.get(type) ?? []) found.add(part);
  return found;
}

function listAt<K, V>(lists: Map<K, V[]>, key: K): V[] {
  const known = lists.get(key);
  if (known) return known;
  const list: V[] = [];
  lists.set(key, list);
  return list;
}
