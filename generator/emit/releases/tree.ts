import { codeSpan } from '../../doc/markdown.js';
import { addNameList } from '../../doc/tsdoc.js';
import type { Member, ObjectType, StructType, Type, UnionType } from '../../schema/model.js';
import { DeclarationPrinter, type Property } from '../declarations.js';
import { linkText } from '../doc-context.js';
import { callsOf } from '../example-calls.js';
import { memberName, stringLiteral } from '../identifier.js';
import { Imports, runtime } from '../imports.js';
import type { NamedType } from '../names.js';
import { lineWidth, type ResolvedOptions } from '../options.js';
import { isEmpty } from '../plan.js';
import { builtinText, emptyObject } from '../type-text.js';
import { Comments } from './comments.js';
import { Conditions, type Part } from './conditions.js';
import { Identifiers } from './identifiers.js';
import { type Entry, formOf, groupedBy, membersOf, merged, namesOf, releasesOf } from './merged.js';
import { isSameSet, type ReleaseList, type ReleaseSet } from './release-set.js';
import { type KnownRelease, keyOf, type Version, type Versions } from './versions.js';

type Named<K extends NamedType['kind']> = Version<Extract<NamedType, { kind: K }>>;

/** Declares the types of several releases as one tree; what differs by release is a parameter of the types that it is in. */
export class TypeTree {
  readonly identifiers: Identifiers;
  readonly imports: Imports;
  readonly conditions: Conditions;
  readonly comments: Comments;
  readonly #versions: Versions;
  readonly #list: ReleaseList;
  readonly #options: ResolvedOptions;
  /** The declarations that depend on the release themselves, and those that each names. */
  readonly #dependent = new Set<string>();
  readonly #named = new Map<string, Set<string>>();
  /** Those that an interface can extend. */
  readonly #interfaces = new Set<string>();
  #current = '';
  #printer = new DeclarationPrinter();

  constructor(versions: Versions, list: ReleaseList, options: ResolvedOptions) {
    this.#versions = versions;
    this.#list = list;
    this.#options = options;
    this.identifiers = new Identifiers(versions);
    this.imports = new Imports('', options);
    this.conditions = new Conditions(list, () => this.#dependent.add(this.#current));
    const width = lineWidth - '   * '.length;
    const newest = versions.releases.at(-1)?.schema;
    this.comments = new Comments(list, {
      width,
      typed: (code) => newest && callsOf(newest, code, { int64: options.int64, width }),
      link: (name) => linkText(name, versions.types.has(name) ? this.identifiers.of(name) : undefined),
    });
  }

  /** Declares all types. What depends on the release is known when they have been printed once. */
  print(): string {
    this.#printAll();
    this.#spread();
    return this.#printAll();
  }

  #printAll(): string {
    this.#printer = new DeclarationPrinter();
    for (const [key, versions] of this.#versions.types) this.#declare(key, versions);
    return this.#printer.toString();
  }

  /** Whatever names what depends on the release depends on it, too. */
  #spread(): void {
    for (let before = -1; before !== this.#dependent.size; ) {
      before = this.#dependent.size;
      for (const [key, named] of this.#named) {
        if ([...named].some((other) => this.#dependent.has(other))) this.#dependent.add(key);
      }
    }
  }

  /** A type where it is used, as one release has it. */
  reference(type: Type, known: KnownRelease): string {
    switch (type.kind) {
      case 'builtin':
        return builtinText(this, type, this.#options.int64);
      case 'array':
        return `${this.reference(type.element, known)}[]`;
      default: {
        if (type.kind === 'struct' && type.implicit && isEmpty(type)) return emptyObject;
        const key = keyOf(type, known);
        return this.#versions.types.has(key) ? this.#name(key) : emptyObject;
      }
    }
  }

  /** Takes what is printed meanwhile for a part of some declaration. */
  within<T>(key: string, action: () => T): T {
    const outer = this.#current;
    this.#current = key;
    if (!this.#named.has(key)) this.#named.set(key, new Set());
    const result = action();
    this.#current = outer;
    return result;
  }

  /** Whether a part that has been printed depends on the release. */
  isDependent(key: string): boolean {
    return this.#dependent.has(key) || [...(this.#named.get(key) ?? [])].some((other) => this.#dependent.has(other));
  }

  #name(key: string): string {
    return this.#use(key, this.identifiers.of(key));
  }

  /** A type of the runtime. */
  runtimeType(name: 'Int64' | 'JsonObject' | 'JsonValue'): string {
    const local = this.identifiers.claim(`runtime ${name}`, name);
    return this.imports.use({ from: runtime, name, local, isValue: false });
  }

  #head(key: string, id: string): string {
    return this.#dependent.has(key) ? `${id}<R extends Release>` : id;
  }

  #declare(key: string, versions: readonly Version<NamedType>[]): void {
    const groups = groupedBy(versions, ({ definition }) => formOf(definition));
    if (groups.length === 1) {
      this.within(key, () => this.#declareGroup(key, this.identifiers.of(key), versions));
      return;
    }
    // A type that was of another kind before: each kind has a declaration.
    const parts = groups.map((group): Part => {
      const releases = releasesOf(group);
      const partKey = `${key} in ${releases[0]}`;
      const release = (this.#list.names[releases[0] ?? 0] ?? '').replace(/\W/g, '_');
      const id = this.identifiers.claim(partKey, `${this.identifiers.of(key)}_${release}`);
      this.within(partKey, () => this.#declareGroup(partKey, id, group));
      return { releases, text: partKey };
    });
    this.within(key, () => {
      const texts = parts.map(({ releases, text }) => ({
        releases,
        text: this.#use(text, this.identifiers.claim(text, text)),
      }));
      const text = this.conditions.combined(texts, releasesOf(versions), this.#isSent(key));
      this.#printer.union(this.#head(key, this.identifiers.of(key)), [text], () => this.comments.ofType(versions));
    });
  }

  #use(key: string, id: string): string {
    this.#named.get(this.#current)?.add(key);
    return this.#dependent.has(key) ? `${id}<R>` : id;
  }

  #declareGroup(key: string, id: string, versions: readonly Version<NamedType>[]): void {
    switch (versions[0]?.definition.kind) {
      case 'enum':
        this.#declareEnum(key, id, versions as readonly Named<'enum'>[]);
        break;
      case 'alternate':
        this.#declareAlternate(key, id, versions as readonly Named<'alternate'>[]);
        break;
      case 'union':
        this.#declareUnion(key, id, versions as readonly Named<'union'>[]);
        break;
      default:
        this.#declareStruct(key, id, versions as readonly Named<'struct'>[]);
    }
  }

  #declareEnum(key: string, id: string, versions: readonly Named<'enum'>[]): void {
    const present = releasesOf(versions);
    const values = merged(versions, ({ definition }) => definition.members);
    const literals = values.map(({ name, versions: having }) =>
      this.conditions.combined(
        [{ releases: releasesOf(having), text: stringLiteral(name) }],
        present,
        this.#isSent(key),
      ),
    );
    const comment = () =>
      this.comments.ofType(versions, (parts, context) => {
        const newest = versions.at(-1);
        if (newest) addNameList(parts, newest.definition.members, newest.doc, context);
        for (const { name, versions: having } of values) {
          const releases = releasesOf(having);
          if (!isSameSet(releases, present)) parts.lines.push(this.comments.valueLine(name, releases));
        }
      });
    this.#printer.union(this.#head(key, id), literals, comment);
  }

  #declareAlternate(key: string, id: string, versions: readonly Named<'alternate'>[]): void {
    const present = releasesOf(versions);
    const types = merged(versions, ({ definition }) => definition.branches).map(({ versions: having }) =>
      this.conditions.combined(this.#types(having), present, this.#isSent(key)),
    );
    this.#printer.union(this.#head(key, id), types, () => this.comments.ofType(versions));
  }

  #declareStruct(key: string, id: string, versions: readonly Named<'struct'>[]): void {
    const base = this.#sharedBase(versions);
    const properties = this.#members(key, versions, base === undefined);
    const bases = base ? [this.#name(base)] : [];
    this.#object(
      key,
      id,
      bases,
      properties,
      () => this.comments.ofType(versions),
      base === undefined || this.#interfaces.has(base),
    );
  }

  /** The base, where all releases have the same or none. */
  #sharedBase(versions: readonly Version<StructType | UnionType>[]): string | undefined {
    const keys = new Set(
      versions.map(({ definition: { base }, release }) =>
        base && !isEmpty(base) ? keyOf(base, this.#versions.releases[release] as KnownRelease) : undefined,
      ),
    );
    return keys.size === 1 ? [...keys][0] : undefined;
  }

  /** Declares an object: as an interface where it can be one. */
  #object(
    key: string,
    id: string,
    bases: readonly string[],
    { properties, additions }: Members,
    comment: () => readonly string[],
    extendable: boolean,
  ): void {
    const head = this.#head(key, id);
    if (properties.length === 0 && bases.length === 0) {
      this.#printer.union(head, [emptyObject], comment);
    } else if (extendable && additions.length === 0) {
      this.#interfaces.add(key);
      this.#printer.interface(head, bases, properties, comment);
    } else if (properties.length === 0) {
      this.#printer.intersection(head, [...bases, ...additions], comment);
    } else {
      // A name of its own, so that its members keep their comments.
      const part = this.identifiers.claim(`${key} members`, `${id}Members`);
      const depends = properties.some(({ type }) => /<R[,>]/.test(type));
      this.#printer.interface(depends ? `${part}<R extends Release>` : part, [], properties);
      this.#printer.intersection(head, [depends ? `${part}<R>` : part, ...bases, ...additions], comment);
    }
  }

  /** The members of an object type; inherited ones, too, where bases differ. */
  #members(key: string, versions: readonly Version<ObjectType>[], flat: boolean): Members {
    const present = releasesOf(versions);
    const sent = this.#isSent(key);
    const additions: string[] = [];
    const properties = merged(versions, ({ definition }) => membersOf(definition, flat)).map(
      ({ name, versions: having }): Property => {
        const mandatory = having.filter(({ entry }) => !entry.optional).map(({ release }) => release);
        const type = this.#memberType(having, present, sent);
        const always = isSameSet(mandatory, present);
        if (!always && mandatory.length > 0) {
          additions.push(this.conditions.mandatory(`{ ${memberName(name)}: ${type} }`, mandatory, present, sent));
        }
        return {
          name: memberName(name),
          type,
          optional: !always,
          comment: () => this.comments.ofMember(having, present),
        };
      },
    );
    return { properties, additions };
  }

  #memberType(having: readonly Entry<Member>[], present: ReleaseSet, sent: boolean): string {
    const isTag = having.some(({ entry, release }) => this.#versions.releases[release]?.reach.tags.has(entry));
    // The branches say which values there are, and could not narrow a type that depends on the release.
    if (isTag && this.#differs(having)) return 'string';
    return this.conditions.combined(this.#types(having), present, sent);
  }

  /** Whether an enum has another name or other values in some release that has it. */
  #differs(having: readonly Entry<Member>[]): boolean {
    const keys = new Set(
      having.map(({ entry, release }) => keyOf(entry.type, this.#versions.releases[release] as KnownRelease)),
    );
    const values = [...keys].flatMap((key) =>
      (this.#versions.types.get(key) ?? []).map(({ definition }) => namesOf(definition)),
    );
    return keys.size > 1 || new Set(values).size > 1;
  }

  #types(having: readonly Entry<{ readonly type: Type }>[]): Part[] {
    return having.map(({ entry, release }) => ({
      releases: [release],
      text: this.reference(entry.type, this.#versions.releases[release] as KnownRelease),
    }));
  }

  #declareUnion(key: string, id: string, versions: readonly Named<'union'>[]): void {
    const present = releasesOf(versions);
    const sent = this.#isSent(key);
    const branches = merged(versions, ({ definition }) => definition.branches);
    const named = branches.map(({ name, versions: having }) => {
      const branchKey = `${key} branch ${name}`;
      const branchId = this.identifiers.claim(branchKey, `${id}_${name.replace(/\W/g, '_')}`);
      const releases = releasesOf(having);
      const owners = versions.filter(({ release }) => releases.includes(release));
      const print = () => this.within(branchKey, () => this.#declareBranch(branchKey, branchId, owners, having, sent));
      const text = this.#use(branchKey, branchId);
      return { print, text: this.conditions.combined([{ releases, text }], present, sent) };
    });
    this.#printer.union(
      this.#head(key, id),
      named.map(({ text }) => text),
      () => this.comments.ofType(versions),
    );
    for (const { print } of named) print();
  }

  #declareBranch(
    key: string,
    id: string,
    unions: readonly Named<'union'>[],
    having: readonly Entry<UnionType['branches'][number]>[],
    sent: boolean,
  ): void {
    const newest = unions.at(-1);
    if (!newest) return;
    const { tag } = newest.definition;
    const value = having[0]?.entry.name ?? '';
    const literal: Property = { name: memberName(tag.name), type: stringLiteral(value) };
    const releases = releasesOf(having);
    const types = having.map(({ entry, release }): Part => {
      const known = this.#versions.releases[release] as KnownRelease;
      const wrapped = entry.type.kind === 'struct' && entry.type.implicit ? entry.type.members[0] : undefined;
      if (wrapped) return { releases: [release], text: `{ data: ${this.reference(wrapped.type, known)} }` };
      return { releases: [release], text: isEmpty(entry.type) ? 'unknown' : this.reference(entry.type, known) };
    });
    const combined = this.conditions.combined(types, releases, sent);
    const added = combined.includes(' | ') ? `(${combined})` : combined;
    const base = this.#sharedBase(unions);
    const flat = base === undefined ? this.#members(key, unions, true) : { properties: [], additions: [] };
    const own = {
      properties: [...flat.properties.filter(({ name }) => name !== literal.name), literal],
      additions: flat.additions,
    };
    const bases = [...(base ? [this.#name(base)] : []), ...(added === 'unknown' ? [] : [added])];
    const canExtend =
      (base === undefined || this.#interfaces.has(base)) &&
      (added === 'unknown' || having.every(({ entry, release }) => this.#canExtend(entry.type, release, unions)));
    const comment = () => [`When ${codeSpan(tag.name)} is ${codeSpan(value)}.`];
    const isPlain = new Set(types.map(({ text }) => text)).size === 1;
    this.#object(key, id, bases, own, comment, canExtend && isPlain);
  }

  /** Whether an interface can extend a branch's type beside the base: a union is none, nor can members be declared twice. */
  #canExtend(type: ObjectType, release: number, unions: readonly Named<'union'>[]): boolean {
    if (type.kind === 'union' || type.implicit) return false;
    if (!this.#interfaces.has(keyOf(type, this.#versions.releases[release] as KnownRelease))) return false;
    const names = new Set(unions.flatMap(({ definition }) => membersOf(definition, true).map(({ name }) => name)));
    return membersOf(type, true).every(({ name }) => !names.has(name));
  }

  #isSent(key: string): boolean {
    return this.#versions.sent.has(key.replace(/ branch .*$/, '').replace(/ in \d+$/, ''));
  }
}

/** What an object type declares. */
interface Members {
  readonly properties: readonly Property[];
  /** What is added in some releases only. */
  readonly additions: readonly string[];
}
