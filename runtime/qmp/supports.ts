import type { QmpClient } from './client.js';
import type { CommandName, EventName, QmpSchema } from './schema.js';

/** Something that a server may or may not have. */
export type Capability<S extends QmpSchema> =
  | {
      /** A command. */
      readonly command: CommandName<S> | (string & {});
      /** One of its arguments, nested ones behind points: `file.filename`. */
      readonly argument?: string;
      /** Instead of an argument, a member of what it returns. */
      readonly returns?: string;
      /** A value that the argument or member, an enum, can have. */
      readonly value?: string;
      /** A feature of whatever the other properties name. */
      readonly feature?: string;
    }
  | {
      /** An event. */
      readonly event: EventName<S> | (string & {});
      /** One of the members of its data. */
      readonly member?: string;
      readonly value?: string;
      readonly feature?: string;
    };

interface Member {
  readonly name: string;
  readonly type: string;
  readonly features?: readonly string[];
}

/** An entity of `query-qmp-schema`, as far as it matters here. */
interface Entity {
  readonly name: string;
  readonly 'meta-type': string;
  readonly features?: readonly string[];
  readonly 'arg-type'?: string;
  readonly 'ret-type'?: string;
  readonly 'element-type'?: string;
  readonly members?: readonly (Member | { readonly type: string })[];
  readonly variants?: readonly { readonly type: string }[];
  readonly values?: readonly string[];
}

type Entities = ReadonlyMap<string, Entity>;

/** What has been learnt, as long as the connection lasts: another server may answer the next one. */
const known = new WeakMap<object, Promise<Entities>>();

/**
 * Asks a server whether it has a command, an argument, a value of an enum, a feature, or an event, by `query-qmp-schema`. The
 * schema is fetched once a connection.
 *
 * Members of unions count when any branch has them, since which one is not known here.
 *
 * @throws {@link QmpError} `CommandNotFound` when the server cannot describe itself (QEMU before 2.5)
 * @example
 * if (await supports(client, { command: 'blockdev-mirror', argument: 'copy-mode', value: 'write-blocking' })) …
 */
export async function supports<S extends QmpSchema>(client: QmpClient<S>, capability: Capability<S>): Promise<boolean> {
  let learning = known.get(client.greeting);
  if (!learning) {
    learning = learn(client as unknown as QmpClient);
    known.set(client.greeting, learning);
    learning.catch(() => known.delete(client.greeting));
  }
  return has(await learning, capability);
}

async function learn(client: QmpClient): Promise<Entities> {
  const entities = (await client.execute('query-qmp-schema')) as unknown as readonly Entity[];
  // A command and an event, or a command and a type, never have the same name: type names are masked.
  return new Map(entities.map((entity) => [entity.name, entity]));
}

function has<S extends QmpSchema>(entities: Entities, capability: Capability<S>): boolean {
  const [name, metaType, type, path] =
    'command' in capability
      ? ([
          capability.command,
          'command',
          capability.returns === undefined ? 'arg-type' : 'ret-type',
          capability.argument ?? capability.returns,
        ] as const)
      : ([capability.event, 'event', 'arg-type', capability.member] as const);
  const entity = entities.get(name);
  if (entity?.['meta-type'] !== metaType) return false;
  let places: readonly Place[] = [{ features: entity.features, type: entity[type] }];
  for (const step of path?.split('.') ?? []) places = places.flatMap((place) => membersOf(entities, place.type, step));
  if (capability.value !== undefined)
    places = places.flatMap((place) => valuesOf(entities, place.type, capability.value as string));
  if (capability.feature === undefined) return places.length > 0;
  return places.some((place) => place.features?.includes(capability.feature as string));
}

/** Something that has been found: its type, and the features that it carries. */
interface Place {
  readonly type: string | undefined;
  readonly features: readonly string[] | undefined;
}

/** The members of a name in a type: in the object, in any branch of a union or alternate, in the elements of a list. */
function membersOf(entities: Entities, type: string | undefined, name: string, seen = new Set<string>()): Place[] {
  const entity = type === undefined || seen.has(type) ? undefined : entities.get(type);
  if (!entity) return [];
  seen.add(entity.name);
  const own = (entity.members ?? []).filter((member): member is Member => 'name' in member && member.name === name);
  const branches = entity['meta-type'] === 'alternate' ? (entity.members ?? []) : (entity.variants ?? []);
  const elements = entity['element-type'] === undefined ? [] : [{ type: entity['element-type'] }];
  return [
    ...own.map((member) => ({ type: member.type, features: member.features })),
    ...[...branches, ...elements].flatMap((branch) => membersOf(entities, branch.type, name, seen)),
  ];
}

/** A value of an enum: of the type itself, of any branch of an alternate, of the elements of a list. */
function valuesOf(entities: Entities, type: string | undefined, value: string, seen = new Set<string>()): Place[] {
  const entity = type === undefined || seen.has(type) ? undefined : entities.get(type);
  if (!entity) return [];
  seen.add(entity.name);
  if (entity['meta-type'] === 'enum') return enumValue(entity, value);
  const branches = entity['meta-type'] === 'alternate' ? (entity.members ?? []) : [];
  const elements = entity['element-type'] === undefined ? [] : [{ type: entity['element-type'] }];
  return [...branches, ...elements].flatMap((branch) => valuesOf(entities, branch.type, value, seen));
}

/** Since 6.2 the values of an enum are its members, which can have features. */
function enumValue({ name, members, values }: Entity, value: string): Place[] {
  const member = members?.find((candidate): candidate is Member => 'name' in candidate && candidate.name === value);
  if (member) return [{ type: name, features: member.features }];
  return values?.includes(value) ? [{ type: name, features: undefined }] : [];
}
