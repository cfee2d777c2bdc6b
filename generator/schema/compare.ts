import type { SchemaInfo, SchemaInfoMember } from './introspect.js';

/** A part that is not there: a command or event, or something of a type, by the names of the introspection that has it. */
export interface MissingPart {
  /** The command, event or type. */
  readonly of: string;
  /** What of it; absent when it is missing itself, or when only a feature is. */
  readonly part?: { readonly kind: 'member' | 'value' | 'branch' | 'choice'; readonly name: string };
  /** The feature that is missing of all this. */
  readonly feature?: string;
}

/** One way in which what a server says of itself is not as expected. */
export interface IntrospectionDifference {
  /** The command or event. */
  readonly entity: string;
  /** Where: `block-stream.arguments.speed`, `blockdev-add.arguments<qcow2>.file`, `query-block.returns[].inserted`. */
  readonly path: string;
  /** What is there, and what was expected. */
  readonly message: string;
  /** What is missing, when that is the difference. */
  readonly missing?: MissingPart;
}

/** What to compare. */
export interface CompareOptions {
  /** The commands and events. Default: all that either side has. */
  readonly names?: readonly string[];
  /** Whether to compare features, too, which say nothing about shapes. Default: false. */
  readonly features?: boolean;
}

/**
 * The differences on the wire between commands and events as they should be and as they are. Types are followed to the end, each
 * pair of types once; their names mean nothing on the wire and are not compared. Neither is any order.
 *
 * @param expected what `query-qmp-schema` should return; masked or not
 * @param actual what it returns
 */
export function compareIntrospection(
  expected: readonly SchemaInfo[],
  actual: readonly SchemaInfo[],
  options: CompareOptions = {},
): IntrospectionDifference[] {
  const comparison = new Comparison(expected, actual, options.features ?? false);
  const all = [...expected, ...actual].filter(isEntity).map(({ name }) => name);
  for (const name of options.names ?? new Set(all)) comparison.entity(name);
  return comparison.differences;
}

type Index = ReadonlyMap<string, SchemaInfo>;
type Info<M extends SchemaInfo['meta-type']> = Extract<SchemaInfo, { 'meta-type': M }>;

/** Where the comparison is. */
interface Place {
  readonly entity: string;
  readonly path: string;
}

class Comparison {
  readonly differences: IntrospectionDifference[] = [];
  readonly #expected: Index;
  readonly #actual: Index;
  readonly #features: boolean;
  readonly #compared = new Set<string>();

  constructor(expected: readonly SchemaInfo[], actual: readonly SchemaInfo[], features: boolean) {
    this.#expected = byName(expected);
    this.#actual = byName(actual);
    this.#features = features;
  }

  entity(name: string): void {
    const place = { entity: name, path: name };
    const wanted = this.#expected.get(name);
    const found = this.#actual.get(name);
    if (!wanted || !found) {
      this.#presence(place, wanted, found, { of: name });
      return;
    }
    this.#compareFeatures(place, wanted, found, { of: name });
    if (wanted['meta-type'] === 'command' && found['meta-type'] === 'command') {
      this.#equal(place, execution(wanted), execution(found));
      this.#types(at(place, '.arguments'), wanted['arg-type'], found['arg-type']);
      this.#types(at(place, '.returns'), wanted['ret-type'], found['ret-type']);
    } else if (wanted['meta-type'] === 'event' && found['meta-type'] === 'event') {
      this.#types(at(place, '.data'), wanted['arg-type'], found['arg-type']);
    } else {
      this.#equal(place, wanted['meta-type'], found['meta-type']);
    }
  }

  #types(place: Place, wantedName: string, foundName: string): void {
    const pair = `${wantedName} ${foundName}`;
    if (this.#compared.has(pair)) return;
    this.#compared.add(pair);
    const wanted = this.#expected.get(wantedName);
    if (!wanted) throw new Error(`the introspection data refers to '${wantedName}' without describing it`);
    const found = this.#actual.get(foundName);
    if (!found) {
      this.#add(place, `its type '${foundName}' is not described`);
      return;
    }
    this.#compareFeatures(place, wanted, found, { of: wantedName });
    if (wanted['meta-type'] === 'enum' && found['meta-type'] === 'enum') {
      this.#enums(place, wanted, found);
    } else if (wanted['meta-type'] === 'array' && found['meta-type'] === 'array') {
      this.#types(at(place, '[]'), wanted['element-type'], found['element-type']);
    } else if (wanted['meta-type'] === 'alternate' && found['meta-type'] === 'alternate') {
      this.#alternates(place, wanted, found);
    } else if (wanted['meta-type'] === 'object' && found['meta-type'] === 'object') {
      this.#objects(place, wanted, found);
    } else {
      this.#equal(place, describe(wanted), describe(found));
    }
  }

  #enums(place: Place, wanted: Info<'enum'>, found: Info<'enum'>): void {
    this.#parts(place, wanted.name, 'value', valuesOf(wanted), valuesOf(found), 'name', (name) => `='${name}'`);
  }

  #objects(place: Place, wanted: Info<'object'>, found: Info<'object'>): void {
    const inPlace = (name: string): string => `.${name}`;
    for (const [member, other] of this.#parts(
      place,
      wanted.name,
      'member',
      wanted.members,
      found.members,
      'name',
      inPlace,
    )) {
      const where = at(place, inPlace(member.name));
      this.#equal(where, presence(member), presence(other));
      this.#types(where, member.type, other.type);
    }
    this.#equal(place, tagOf(wanted), tagOf(found));
    const [branches, others] = [this.#branches(wanted, this.#expected), this.#branches(found, this.#actual)];
    const inBranch = (name: string): string => `<${name}>`;
    for (const [branch, other] of this.#parts(place, wanted.name, 'branch', branches, others, 'case', inBranch)) {
      this.#types(at(place, inBranch(branch.case)), branch.type, other.type);
    }
  }

  /** The branches that add something: data of older releases leaves the others out. */
  #branches(info: Info<'object'>, index: Index): readonly { readonly case: string; readonly type: string }[] {
    return (info.variants ?? []).filter(({ type }) => {
      const added = index.get(type);
      return added?.['meta-type'] !== 'object' || added.members.length > 0 || added.variants !== undefined;
    });
  }

  /** What tells the choices apart is the kind of their values. */
  #alternates(place: Place, wanted: Info<'alternate'>, found: Info<'alternate'>): void {
    const choices = (info: Info<'alternate'>, index: Index) =>
      info.members.map(({ type }) => ({ type, kind: kindOf(index.get(type)) }));
    const [mine, theirs] = [choices(wanted, this.#expected), choices(found, this.#actual)];
    const byKind = (kind: string): string => `|${kind}`;
    for (const [choice, other] of this.#parts(place, wanted.name, 'choice', mine, theirs, 'kind', byKind)) {
      this.#types(at(place, byKind(choice.kind)), choice.type, other.type);
    }
  }

  /** Reports the parts that only one side has, and returns the others in pairs. */
  #parts<K extends string, T extends { readonly [key in K]: string }>(
    place: Place,
    of: string,
    kind: NonNullable<MissingPart['part']>['kind'],
    wanted: readonly T[],
    found: readonly T[],
    key: K,
    suffix: (name: string) => string,
  ): [T, T][] {
    const theirs = new Map(found.map((part) => [part[key], part]));
    const mine = new Map(wanted.map((part) => [part[key], part]));
    const pairs: [T, T][] = [];
    for (const name of new Set([...mine.keys(), ...theirs.keys()])) {
      const where = at(place, suffix(name));
      const [ours, other] = [mine.get(name), theirs.get(name)];
      const missing: MissingPart = { of, part: { kind, name } };
      if (ours && other) {
        pairs.push([ours, other]);
        this.#compareFeatures(where, ours, other, missing);
      } else {
        this.#presence(where, ours, other, missing);
      }
    }
    return pairs;
  }

  #compareFeatures(place: Place, wanted: object, found: object, missing: MissingPart): void {
    if (!this.#features) return;
    const [mine, theirs] = [featuresOf(wanted), featuresOf(found)];
    for (const feature of mine) {
      if (!theirs.has(feature)) this.#add(place, `feature '${feature}' is missing`, { ...missing, feature });
    }
    for (const feature of theirs) if (!mine.has(feature)) this.#add(place, `feature '${feature}' is unexpected`);
  }

  #presence(place: Place, wanted: object | undefined, found: object | undefined, missing: MissingPart): void {
    if (wanted && !found) this.#add(place, 'is missing', missing);
    else if (found) this.#add(place, 'is unexpected');
  }

  #equal(place: Place, wanted: string, found: string): void {
    if (wanted !== found) this.#add(place, `${found}, not ${wanted}`);
  }

  #add(place: Place, message: string, missing?: MissingPart): void {
    this.differences.push({ ...place, message, ...(missing && { missing }) });
  }
}

function isEntity(info: SchemaInfo): boolean {
  return info['meta-type'] === 'command' || info['meta-type'] === 'event';
}

function byName(infos: readonly SchemaInfo[]): Index {
  return new Map(infos.map((info) => [info.name, info]));
}

function at({ entity, path }: Place, suffix: string): Place {
  return { entity, path: path + suffix };
}

/** Since 6.2 the values of an enum are its members, which can have features. */
function valuesOf(info: Info<'enum'>): readonly { readonly name: string }[] {
  return info.members ?? info.values.map((name) => ({ name }));
}

function featuresOf(thing: { readonly features?: readonly string[] }): ReadonlySet<string> {
  return new Set(thing.features);
}

function execution(command: Info<'command'>): string {
  return command['allow-oob'] ? 'out of band allowed' : 'in band only';
}

function presence(member: SchemaInfoMember): string {
  return 'default' in member ? 'optional' : 'required';
}

function tagOf({ tag }: Info<'object'>): string {
  return tag === undefined ? 'no tag' : `tag '${tag}'`;
}

/** What the values of a type are on the wire. */
function describe(info: SchemaInfo): string {
  return info['meta-type'] === 'builtin' ? info['json-type'] : info['meta-type'];
}

function kindOf(info: SchemaInfo | undefined): string {
  if (!info) return 'unknown';
  return info['meta-type'] === 'enum' ? 'string' : describe(info);
}
