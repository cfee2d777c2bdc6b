import type { Command, Event, Schema, Type } from '../../schema/model.js';
import type { DocBlock } from '../../syntax/doc-block.js';
import { isOwn, type NamedType } from '../names.js';
import { type Owners, ownersOf } from '../owners.js';
import { type Reach, reachOf } from '../reach.js';

/** A schema, and the release that it is of. */
export interface Release {
  readonly name: string;
  readonly schema: Schema;
}

/** What a release's types are looked up with. */
export interface KnownRelease {
  readonly schema: Schema;
  readonly owners: Owners;
  readonly reach: Reach;
}

/** A definition as one release has it. */
export interface Version<D> {
  readonly release: number;
  readonly definition: D;
  /** What documents its members. */
  readonly doc: DocBlock | undefined;
}

/** Everything that the releases define, by what it is the same by. */
export interface Versions {
  readonly releases: readonly KnownRelease[];
  readonly types: ReadonlyMap<string, readonly Version<NamedType>[]>;
  readonly commands: ReadonlyMap<string, readonly Version<Command>[]>;
  readonly events: ReadonlyMap<string, readonly Version<Event>[]>;
  /** The types that a client sends in some release; all others it only receives. */
  readonly sent: ReadonlySet<string>;
}

/** Puts together what releases define under the same names. */
export function versionsOf(list: readonly Release[]): Versions {
  const releases = list.map(
    ({ schema }): KnownRelease => ({ schema, owners: ownersOf(schema), reach: reachOf(schema) }),
  );
  const types = new Map<string, Version<NamedType>[]>();
  const commands = new Map<string, Version<Command>[]>();
  const events = new Map<string, Version<Event>[]>();
  const sent = new Set<string>();
  releases.forEach((known, release) => {
    for (const definition of known.schema.definitions) {
      if (definition.kind === 'command') add(commands, definition.name, { release, definition, doc: definition.doc });
      else if (definition.kind === 'event') add(events, definition.name, { release, definition, doc: definition.doc });
      else if (isDeclared(definition, known)) {
        const key = keyOf(definition, known);
        add(types, key, { release, definition, doc: definition.doc ?? known.owners.get(definition)?.doc });
        if (known.reach.sent.has(definition)) sent.add(key);
      }
    }
  });
  return { releases, types, commands, events, sent };
}

/** What a type is known by in all releases: its name, or what it is a part of. */
export function keyOf(type: Type, { owners }: KnownRelease): string {
  const owner = owners.get(type);
  if (!owner || type.kind === 'enum') return type.name;
  return `${parts[owner.kind]} ${owner.name}`;
}

const parts = { union: 'base', command: 'arguments', event: 'data' };

function isDeclared(type: Type, { owners }: KnownRelease): type is NamedType {
  return isOwn(type) || owners.has(type);
}

function add<D>(map: Map<string, Version<D>[]>, key: string, version: Version<D>): void {
  const known = map.get(key);
  if (known) known.push(version);
  else map.set(key, [version]);
}
