import type { ArrayType, BuiltinType, EnumType, Member, ObjectType, Type } from '../schema/model.js';
import type { Span } from '../text/source-file.js';
import type { ChangeBranch } from './change.js';
import { describeMember, describeType, listOf, rangeOf } from './describe.js';
import { compareElements, type Depth } from './elements.js';
import type { Findings, Place } from './findings.js';
import { bothMarks } from './marks.js';
import {
  branchPairs,
  compareObjects,
  type MemberPair,
  numberOf,
  type ObjectDifference,
  type TagChange,
} from './objects.js';
import { choicesOf, compareChoices, valuesOf } from './types.js';

/** Two types in the same place. */
interface TypePair {
  readonly old: Type;
  readonly new: Type;
  readonly place: Place;
  /** What has the type: a change of the type there is one of it. */
  readonly site: string;
  readonly branch: readonly ChangeBranch[];
  /** Where that stands in the schemas. */
  readonly oldPlace: Span | undefined;
  readonly newPlace: Span | undefined;
  /** Whether it is the type of a discriminator, whose values are compared with its branches. */
  readonly tag: boolean;
}

/** Compares what the arguments, results and event data of one command or event reach, nearest first. */
export class Walk {
  readonly #findings: Findings;
  readonly #depth: Depth;
  readonly #differences = new Map<string, ObjectDifference>();

  constructor(findings: Findings, depth: Depth) {
    this.#findings = findings;
    this.#depth = depth;
  }

  /** Compares two types. `sides` are the commands or events that have them. */
  from(
    old: Type,
    now: Type,
    place: Place,
    site: string,
    sides: { readonly oldPlace: Span | undefined; readonly newPlace: Span | undefined },
  ): void {
    const visited = new Set<string>();
    const pending: TypePair[] = [{ old, new: now, place, site, branch: [], tag: false, ...sides }];
    // What is added meanwhile is visited, too.
    for (const pair of pending) {
      for (const next of this.#types(pair, visited)) pending.push(next);
    }
  }

  *#types(pair: TypePair, visited: Set<string>): Generator<TypePair> {
    const { old, new: now, place, site } = pair;
    const isShared = old.kind === now.kind && old.kind !== 'array' && old.kind !== 'builtin';
    const key = `${numberOf(old)} ${numberOf(now)}`;
    if (isShared) {
      const visit = `${key} ${pair.tag} ${JSON.stringify(place.marks)}`;
      if (visited.has(visit)) return;
      visited.add(visit);
      this.#features(old, now, place);
    }
    const [before, after] = [choicesOf(old), choicesOf(now)];
    const change = compareChoices(before, after);
    // A change of an alternate is one wherever that is used.
    const isOwn = old.kind === 'alternate' && now.kind === 'alternate';
    const of = isOwn ? key : site;
    const places = isOwn ? { oldPlace: old.span, newPlace: now.span } : {};
    if (change !== 'same') {
      const [was, is] = [describeChoices(old, before), describeChoices(now, after)];
      const verb = { 'type-widened': 'takes more', 'type-narrowed': 'takes less', 'type-changed': 'is another' }[
        change
      ];
      const values = change === 'type-narrowed' && now.kind === 'enum' ? { values: valuesOf(now) } : {};
      this.#report(change, of, pair, {
        message: `the type ${verb}: ${was} became ${is}`,
        old: was,
        new: is,
        ...values,
        ...places,
      });
    }
    for (const [json, choice] of before) {
      const other = after.get(json);
      if (other)
        yield* this.#alike({ ...pair, old: choice, new: other, ...places, site: isOwn ? `${of} ${json}` : site });
    }
  }

  /** Compares types of the same kind in JSON. */
  *#alike(pair: TypePair): Generator<TypePair> {
    const { old, new: now } = pair;
    if (isObject(old) && isObject(now)) yield* this.#objects(old, now, pair.place);
    else if (old.kind === 'array' && now.kind === 'array') yield this.#elements(old, now, pair);
    else if (old.kind === 'enum' && now.kind === 'enum') this.#enums(old, now, pair);
    else if (old.kind === 'enum' || now.kind === 'enum') this.#strings(old, now, pair);
    else if (old.kind === 'builtin' && now.kind === 'builtin') this.#integers(old, now, pair);
  }

  #elements(old: ArrayType, now: ArrayType, pair: TypePair): TypePair {
    const place = { ...pair.place, path: `${pair.place.path}[]` };
    return { ...pair, old: old.element, new: now.element, place, site: `${pair.site}[]` };
  }

  #enums(old: EnumType, now: EnumType, pair: TypePair): void {
    const { place, tag } = pair;
    const of = `${numberOf(old)} ${numberOf(now)}`;
    const after = new Map(now.members.map((value) => [value.name, value]));
    const before = new Map(old.members.map((value) => [value.name, value]));
    for (const value of old.members) {
      const { name } = value;
      const other = after.get(name);
      const marked = { ...place, marks: bothMarks(place.marks, value, other) };
      if (other) {
        compareElements(value, other, `value ${of} ${name}`, marked, this.#findings, this.#depth, `value '${name}'`);
      } else if (!tag) {
        const details = { message: `value '${name}' is gone`, old: name, oldPlace: value.span, name: { of, name } };
        const values = valuesOf(now);
        this.#findings.report('enum-value-removed', `${of} ${name}`, marked, {
          ...details,
          values,
          newPlace: now.span,
        });
      }
    }
    for (const value of tag ? [] : now.members) {
      const { name } = value;
      if (before.has(name)) continue;
      const marked = { ...place, marks: bothMarks(place.marks, undefined, value) };
      const details = { message: `value '${name}' is new`, new: name, newPlace: value.span, name: { of, name } };
      this.#findings.report('enum-value-added', `${of} ${name}`, marked, { ...details, oldPlace: old.span });
    }
  }

  #strings(old: Type, now: Type, pair: TypePair): void {
    if (now.kind === 'enum') {
      const values = valuesOf(now);
      const message = `any string became one of ${listOf(values)}`;
      this.#report('string-to-enum', pair.site, pair, { message, old: 'str', new: describeType(now), values });
    } else if (old.kind === 'enum') {
      const message = `one of ${listOf(valuesOf(old))} became any string`;
      this.#report('enum-to-string', pair.site, pair, { message, old: describeType(old), new: 'str' });
    }
  }

  #integers(old: BuiltinType, now: BuiltinType, pair: TypePair): void {
    if (old.json !== 'int' || this.#depth === 'introspection') return;
    const [before, after] = [rangeOf(old), rangeOf(now)];
    const sides = { old: old.name, new: now.name };
    const range = `${after.min} to ${after.max}`;
    if (after.min < before.min || after.max > before.max) {
      const message = `the integer can be ${range} now: ${old.name} became ${now.name}, which introspection does not show`;
      this.#report('integer-range-widened', pair.site, pair, { message, ...sides });
    }
    if (after.min > before.min || after.max < before.max) {
      const message = `the integer must be ${range} now: ${old.name} became ${now.name}, which introspection does not show`;
      this.#report('integer-range-narrowed', pair.site, pair, { message, ...sides });
    }
  }

  *#objects(old: ObjectType, now: ObjectType, place: Place): Generator<TypePair> {
    const of = `${numberOf(old)} ${numberOf(now)}`;
    let difference = this.#differences.get(of);
    if (!difference) {
      difference = compareObjects(old, now);
      this.#differences.set(of, difference);
    }
    for (const change of difference.tags) this.#tag(change, of, place);
    for (const pair of difference.members) yield* this.#member(pair, of, place);
    for (const pair of branchPairs(old, now)) this.#features(pair.old, pair.new, place, pair.branch);
  }

  /** Compares the features of types. A condition of a type alone shows nowhere on the wire. */
  #features(old: Type, now: Type, place: Place, branch: readonly ChangeBranch[] = []): void {
    const key = `type ${numberOf(old)} ${numberOf(now)}`;
    compareElements(old, now, key, place, this.#findings, 'introspection', '', branch);
  }

  *#member(pair: MemberPair, of: string, outer: Place): Generator<TypePair> {
    const { name, old, new: now, branch, conditional = false } = pair;
    const place = {
      ...outer,
      path: outer.path === '' ? name : `${outer.path}.${name}`,
      marks: bothMarks(outer.marks, old, now),
    };
    const places = { oldPlace: old?.span, newPlace: now?.span };
    const key = `${old ? numberOf(old) : ''}:${now ? numberOf(now) : ''}`;
    const named = { branch, name: { of, name } };
    if (!now && old) {
      const message = conditional ? `member '${name}' is gone from some branches` : `member '${name}' is gone`;
      const kind = conditional ? 'member-made-conditional' : 'member-removed';
      const receiverUnharmed = conditional && old.optional;
      const details = { message, old: describeMember(old), ...places, ...named, receiverUnharmed };
      this.#findings.report(kind, key, place, details);
    } else if (now && !old) {
      const kind = now.optional ? 'optional-member-added' : 'mandatory-member-added';
      const message = `${now.optional ? 'optional' : 'mandatory'} member '${name}' is new`;
      const values = now.type.kind === 'enum' && !now.optional ? { values: valuesOf(now.type) } : {};
      this.#findings.report(kind, key, place, { message, new: describeMember(now), ...places, ...named, ...values });
    } else if (now && old) {
      if (old.optional !== now.optional) this.#presence(name, old, now, key, place, branch);
      compareElements(old, now, `member ${key}`, place, this.#findings, this.#depth, `member '${name}'`, branch);
      yield { old: old.type, new: now.type, place, site: key, branch, tag: pair.tag ?? false, ...places };
    }
  }

  #presence(name: string, old: Member, now: Member, key: string, place: Place, branch: readonly ChangeBranch[]): void {
    const kind = now.optional ? 'member-made-optional' : 'member-made-mandatory';
    // What only some builds had was absent from the others already.
    const disguised = old.condition && !now.condition ? '; it existed under a condition before' : '';
    const message = `member '${name}' ${now.optional ? 'may be absent' : 'must be present'} now${disguised}`;
    const sides = { old: describeMember(old), new: describeMember(now), oldPlace: old.span, newPlace: now.span };
    this.#findings.report(kind, key, place, { message, branch, ...sides });
  }

  #tag({ kind, tag, value = '', old, new: now, branch }: TagChange, of: string, outer: Place): void {
    const sides = { oldPlace: old?.span, newPlace: now?.span, branch };
    const path = outer.path === '' ? tag : `${outer.path}.${tag}`;
    if (kind === 'tag-changed') {
      const message = `the branches are selected by '${tag}' instead of '${value}'`;
      this.#findings.report(kind, of, { ...outer, path }, { message, old: value, new: tag, ...sides });
      return;
    }
    const isNew = kind === 'branch-added' || kind === 'enum-value-added';
    const [was, is] = [tagValue(old, value), tagValue(now, value)];
    const place = { ...outer, path, marks: bothMarks(outer.marks, was, is) };
    const what = kind.startsWith('branch') ? 'branch' : 'value';
    const details = isNew
      ? { message: `${what} '${value}' is new`, new: value, ...(is && { newPlace: is.span }) }
      : { message: `${what} '${value}' is gone`, old: value, ...(was && { oldPlace: was.span }) };
    const unions = `${old ? numberOf(old) : ''} ${now ? numberOf(now) : ''}`;
    const key = `${old || now ? unions : of} ${value}`;
    this.#findings.report(kind, key, place, { ...sides, ...details, name: { of: `${of} ${tag}`, name: value } });
  }

  #report(
    kind: Parameters<Findings['report']>[0],
    of: string,
    { place, branch, oldPlace, newPlace }: TypePair,
    details: Parameters<Findings['report']>[3],
  ): void {
    this.#findings.report(kind, of, place, { oldPlace, newPlace, branch, ...details });
  }
}

function isObject(type: Type): type is ObjectType {
  return type.kind === 'struct' || type.kind === 'union';
}

/** The value of a union's discriminator. */
function tagValue(type: ObjectType | undefined, name: string): EnumType['members'][number] | undefined {
  const values = type?.kind === 'union' && type.tag.type.kind === 'enum' ? type.tag.type.members : [];
  return values.find((value) => value.name === name);
}

function describeChoices(type: Type, choices: ReadonlyMap<string, Type>): string {
  return type.kind === 'alternate' ? [...choices.values()].map(describeType).join(' or ') : describeType(type);
}
