import type { SchemaInfo } from '../introspect.js';
import { type InfoIndex, indexTypes } from '../introspected-names.js';
import type { ManualDefinition, ManualEntry, ManualPage } from './page.js';

type Info<M extends SchemaInfo['meta-type']> = Extract<SchemaInfo, { 'meta-type': M }>;

/** A member on a manual page, also one that a base has. */
interface Flat {
  readonly entries: ReadonlyMap<string, ManualEntry>;
  /** The types of branches, by value of the discriminator. */
  readonly branches: ReadonlyMap<string, string>;
}

/**
 * Gives the types of introspection data the names that a manual page has for them. Commands and events are matched by name, types by the
 * members, values and branches that they have, and by where they are used.
 */
export function nameByManual(infos: readonly SchemaInfo[], page: ManualPage): SchemaInfo[] {
  const names = new Join(infos, page).run();
  const renamed = (type: string): string => names.get(type) ?? type;
  return infos.map((info): SchemaInfo => {
    const own = { ...info, name: renamed(info.name) };
    switch (own['meta-type']) {
      case 'command':
        return { ...own, 'arg-type': renamed(own['arg-type']), 'ret-type': renamed(own['ret-type']) };
      case 'event':
        return { ...own, 'arg-type': renamed(own['arg-type']) };
      case 'array':
        return { ...own, 'element-type': renamed(own['element-type']) };
      case 'alternate':
        return { ...own, members: own.members.map((member) => ({ ...member, type: renamed(member.type) })) };
      case 'object':
        return {
          ...own,
          members: own.members.map((member) => ({ ...member, type: renamed(member.type) })),
          ...(own.variants && {
            variants: own.variants.map((variant) => ({ ...variant, type: renamed(variant.type) })),
          }),
        };
      default:
        return own;
    }
  });
}

/** The members of a definition, those of its bases included, and the types of its branches. */
export function flatten({ definitions }: ManualPage, definition: ManualDefinition): Flat {
  const entries = new Map<string, ManualEntry>();
  const branches = new Map<string, string>();
  const seen = new Set<ManualDefinition>();
  const collect = (from: ManualDefinition): void => {
    if (seen.has(from)) return;
    seen.add(from);
    for (const entry of from.entries) if (!entries.has(entry.name)) entries.set(entry.name, entry);
    for (const { type, value } of from.parts) {
      if (value !== undefined) {
        branches.set(value, type);
        continue;
      }
      const base = definitions.get(type);
      if (base) collect(base);
    }
  };
  collect(definition);
  return { entries, branches };
}

class Join {
  readonly #page: ManualPage;
  readonly #infos: readonly SchemaInfo[];
  readonly #index: InfoIndex;
  readonly #names = new Map<string, string>();
  readonly #taken = new Set<string>();
  readonly #flat = new Map<string, Flat>();

  constructor(infos: readonly SchemaInfo[], page: ManualPage) {
    this.#infos = infos;
    this.#page = page;
    this.#index = indexTypes(infos);
  }

  run(): ReadonlyMap<string, string> {
    for (const info of this.#infos) if ('arg-type' in info) this.#arguments(info);
    // What one result decides can decide another.
    for (let count = -1; count !== this.#names.size; ) {
      count = this.#names.size;
      for (const info of this.#infos) if (info['meta-type'] === 'command') this.#result(info);
      for (const info of this.#infos) this.#alone(info);
    }
    return this.#names;
  }

  #arguments(info: Info<'command' | 'event'>): void {
    const described = this.#page.definitions.get(info.name);
    if (!described || !/^(Command|Event)$/.test(described.kind)) return;
    const [whole] = described.parts;
    if (whole && described.entries.length === 0) this.#assign(info['arg-type'], whole.type);
    else this.#members(info['arg-type'], described);
  }

  /** What a command returns is in its text only: of the types that look like it, the one that is mentioned there. */
  #result(info: Info<'command'>): void {
    const type = this.#elementOf(info['ret-type']);
    if (this.#names.has(type)) return;
    const described = this.#page.definitions.get(info.name);
    const texts = [described?.body, ...(described?.sections ?? []).map(({ tag, text }) => `${tag}: ${text}`)].join(' ');
    const words = new Set(texts.match(/\w+/g) ?? []);
    const candidates = this.#candidates(type);
    const mentioned = candidates.filter((name) => words.has(name));
    if (mentioned.length === 1) this.#assign(type, mentioned[0] as string);
    else if (candidates.length === 1) this.#assign(type, candidates[0] as string);
  }

  /** A type that only one definition looks like. */
  #alone(info: SchemaInfo): void {
    if (!isMasked(info.name) || this.#names.has(info.name) || this.#isEmpty(info)) return;
    const candidates = this.#candidates(info.name);
    if (candidates.length === 1) this.#assign(info.name, candidates[0] as string);
  }

  #isEmpty(info: SchemaInfo): boolean {
    return info['meta-type'] === 'object' && info.members.length === 0;
  }

  #elementOf(type: string): string {
    const info = this.#index.get(type);
    return info?.['meta-type'] === 'array' ? this.#elementOf(info['element-type']) : type;
  }

  #candidates(type: string): string[] {
    const found: string[] = [];
    if (!isMasked(type)) return found;
    for (const { name } of this.#page.definitions.values()) {
      if (!this.#taken.has(name) && this.#fits(type, name, true)) found.push(name);
    }
    return found;
  }

  #assign(type: string, name: string): void {
    const info = this.#index.get(type);
    const described = this.#page.definitions.get(name);
    if (!info || !described) return;
    if (info['meta-type'] === 'array') {
      this.#assign(info['element-type'], name);
      return;
    }
    if (!isMasked(type) || this.#names.has(type) || this.#taken.has(name) || !this.#fits(type, name, false)) return;
    this.#names.set(type, name);
    this.#taken.add(name);
    this.#members(type, described);
  }

  /** Goes on with the types of members and branches, which the page names. */
  #members(type: string, described: ManualDefinition): void {
    const info = this.#index.get(type);
    const { entries, branches } = this.#flatOf(described);
    if (info?.['meta-type'] === 'object') {
      for (const member of info.members) {
        const written = entries.get(member.name)?.type;
        if (written !== undefined) this.#assign(this.#elementOf(member.type), written.replace(/^array of /, ''));
      }
      for (const { case: value, type: branch } of info.variants ?? []) {
        const written = branches.get(value);
        if (written !== undefined) this.#assign(branch, written);
      }
    } else if (info?.['meta-type'] === 'alternate') {
      const written = [...entries.values()].map((entry) => (entry.type ?? '').replace(/^array of /, ''));
      for (const { type: choice } of info.members) {
        const fitting = written.filter((name) => this.#fits(this.#elementOf(choice), name, false));
        if (fitting.length === 1) this.#assign(this.#elementOf(choice), fitting[0] as string);
      }
    }
  }

  #flatOf(described: ManualDefinition): Flat {
    let flat = this.#flat.get(described.name);
    if (!flat) {
      flat = flatten(this.#page, described);
      this.#flat.set(described.name, flat);
    }
    return flat;
  }

  /**
   * Whether a type can be what a definition describes.
   *
   * @param deep whether to look at the types of members, too
   */
  #fits(type: string, name: string, deep: boolean): boolean {
    const info = this.#index.get(type);
    const described = this.#page.definitions.get(name);
    if (!info || !described) return false;
    const { entries, branches } = this.#flatOf(described);
    switch (info['meta-type']) {
      case 'enum':
        return described.kind === 'Enum' && covers(entries, info.values);
      case 'alternate':
        return described.kind === 'Alternate' && info.members.length <= entries.size;
      case 'object': {
        if (described.kind !== 'Object') return false;
        const names = info.members.map((member) => member.name);
        if (!covers(entries, names)) return false;
        if ((info.tag === undefined) !== (branches.size === 0)) return false;
        if (info.members.some((member) => 'default' in member !== entries.get(member.name)?.optional)) return false;
        return !deep || info.members.every((member) => this.#agrees(member.type, entries.get(member.name)?.type ?? ''));
      }
      default:
        return false;
    }
  }

  /** Whether a type goes by what the page writes for it. */
  #agrees(type: string, written: string): boolean {
    const info = this.#index.get(type);
    const [, element] = /^array of (.*)$/.exec(written) ?? [];
    if (info?.['meta-type'] === 'array') return element !== undefined && this.#agrees(info['element-type'], element);
    if (element !== undefined) return false;
    const known = this.#names.get(type);
    if (known !== undefined) return known === written;
    if (info?.['meta-type'] === 'builtin') return !this.#page.definitions.has(written);
    return this.#fits(type, written, false);
  }
}

/** Whether names are all those of a list, except what some builds do not have. */
function covers(entries: ReadonlyMap<string, ManualEntry>, names: readonly string[]): boolean {
  const present = new Set(names);
  if (!names.every((name) => entries.has(name))) return false;
  return [...entries.values()].every(({ name, conditional }) => conditional || present.has(name));
}

function isMasked(name: string): boolean {
  return /^\d+$/.test(name);
}
