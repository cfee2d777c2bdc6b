import type { Member, ObjectType } from '../../schema/model.js';
import type { NamedType } from '../names.js';
import type { ReleaseSet } from './release-set.js';
import type { Version } from './versions.js';

/** A member, value or branch as one release has it. */
export interface Entry<E> {
  readonly release: number;
  readonly entry: E;
  readonly version: Version<unknown>;
}

/** Puts together what has the same name: first what the newest release has, in its order. */
export function merged<V extends Version<unknown>, E extends { readonly name: string }>(
  versions: readonly V[],
  entriesOf: (version: V) => readonly E[],
): { readonly name: string; readonly versions: readonly Entry<E>[] }[] {
  const byName = new Map<string, Entry<E>[]>();
  for (const version of [...versions].reverse()) {
    for (const entry of entriesOf(version)) {
      const list = byName.get(entry.name) ?? [];
      list.unshift({ release: version.release, entry, version });
      byName.set(entry.name, list);
    }
  }
  return [...byName].map(([name, list]) => ({ name, versions: list }));
}

/** The releases of some versions. */
export function releasesOf(versions: readonly { readonly release: number }[]): ReleaseSet {
  return versions.map(({ release }) => release);
}

/** The members of an object type: with inherited ones, where that is asked for. */
export function membersOf(type: ObjectType, flat: boolean): readonly Member[] {
  return flat && type.base ? [...membersOf(type.base, true), ...type.members] : type.members;
}

/** The values of an enum, in no order. */
export function namesOf(definition: NamedType): string {
  if (definition.kind !== 'enum') return '';
  return definition.members
    .map(({ name }) => name)
    .sort()
    .join();
}

/** What is declared in the same way. */
export function formOf(definition: NamedType): string {
  return definition.kind === 'union' ? `union by ${definition.tag.name} ${definition.simple}` : definition.kind;
}

/** Values of the same form together. */
export function groupedBy<V>(values: readonly V[], formOfValue: (value: V) => string): V[][] {
  const groups = new Map<string, V[]>();
  for (const value of values) {
    const form = formOfValue(value);
    groups.set(form, [...(groups.get(form) ?? []), value]);
  }
  return [...groups.values()];
}
