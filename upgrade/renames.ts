import { describeType } from '../generator/compare/describe.js';
import type { Command, Event, Member, Schema, Type } from '../generator/schema/model.js';
import { namesSomewhere, shapeOf } from '../generator/schema/shapes.js';
import type { DocBlock } from '../generator/syntax/doc-block.js';
import type { ChangeIndex } from './change-index.js';
import { counterpartOf, membersOf } from './counterpart.js';
import type { DeclaredNames } from './declared.js';
import type { Element } from './elements.js';
import { literally } from './reg-exp.js';
import { isRemoval } from './removal.js';

/**
 * What has only another name in the new schema. A name counts as the successor of another when it came in its place, what it names
 * is alike, and one of these holds: the documentation says to use it, or both are the same but for `x-` in front and the separators
 * in them, or it is the one new name near the one that is gone.
 */
export class Renames {
  readonly #old: Schema;
  readonly #new: Schema;
  readonly #names: DeclaredNames;
  readonly #changes: ChangeIndex;

  constructor(old: Schema, now: Schema, names: DeclaredNames, changes: ChangeIndex) {
    this.#old = old;
    this.#new = now;
    this.#names = names;
    this.#changes = changes;
  }

  /** The new name of an element that is gone; undefined when none is certain. */
  of(element: Element): string | undefined {
    if (!this.#changes.of(element).some(isRemoval)) return undefined;
    switch (element.kind) {
      case 'command':
      case 'event':
        return this.#entity(element.of);
      case 'member':
        return this.#member(element);
      case 'value': {
        const now = this.#new.lookup(element.holder.name);
        if (now?.kind !== 'enum') return undefined;
        const before = element.holder.members.map(({ name }) => name);
        const after = now.members.map(({ name }) => name);
        const doc = element.holder.doc;
        return this.#one(element.of.name, before, after, textsAbout(doc, element.of.name), () => true);
      }
      default:
        return undefined;
    }
  }

  #entity(old: Command | Event): string | undefined {
    const same = ({ kind }: { kind: string }): boolean => kind === old.kind;
    const before = this.#old.definitions.filter(same).map(({ name }) => name);
    const after = this.#new.definitions.filter(same).map(({ name }) => name);
    return this.#one(old.name, before, after, textsAbout(old.doc), (name) => {
      const now = this.#new.lookup(name) as Command | Event;
      const returns = (entity: Command | Event): Type | undefined =>
        entity.kind === 'command' ? entity.returns : undefined;
      return takesTheSame(old.arguments, now.arguments) && alike(returns(old), returns(now));
    });
  }

  #member({ of, holder }: Element & { kind: 'member' }): string | undefined {
    const now = counterpartOf(holder, this.#names, this.#old, this.#new);
    if (!now) return undefined;
    const owner = this.#names.plan.owners.get(holder);
    const texts = [...textsAbout(holder.doc, of.name), ...textsAbout(owner?.doc, of.name)];
    const [before, after] = [[...namesSomewhere(shapeOf(holder))], [...namesSomewhere(shapeOf(now))]];
    const members = membersOf(now);
    return this.#one(of.name, before, after, texts, (name) => {
      const other = members.get(name);
      return other !== undefined && fits(of, other);
    });
  }

  /** The successor of a name, among what came in the same place. */
  #one(
    name: string,
    before: readonly string[],
    after: readonly string[],
    texts: readonly string[],
    isAlike: (candidate: string) => boolean,
  ): string | undefined {
    const [was, is] = [new Set(before), new Set(after)];
    const documented = namedIn(texts, after).filter((candidate) => candidate !== name && isAlike(candidate));
    if (documented.length === 1) return documented[0];
    const fresh = after.filter((candidate) => !was.has(candidate));
    const gone = before.filter((candidate) => !is.has(candidate));
    const folded = fresh.filter((candidate) => fold(candidate) === fold(name) && isAlike(candidate));
    if (folded.length === 1) return folded[0];
    const [only] = fresh;
    return fresh.length === 1 && gone.length === 1 && only !== undefined && isNear(name, only) && isAlike(only)
      ? only
      : undefined;
  }
}

function fold(name: string): string {
  return name
    .toLowerCase()
    .replace(/^x[-_]/, '')
    .replace(/[-_.]/g, '');
}

/** Whether one name holds the other, or begins like it for the most part. */
function isNear(a: string, b: string): boolean {
  const [short = '', long = ''] = [fold(a), fold(b)].sort((x, y) => x.length - y.length);
  let common = 0;
  while (common < short.length && short[common] === long[common]) common++;
  return (short.length >= 4 && long.includes(short)) || (common >= 4 && common * 3 >= long.length * 2);
}

/** What the documentation says about a deprecation: of a definition, or of one of its members. */
function textsAbout(doc: DocBlock | undefined, member?: string): string[] {
  if (!doc) return [];
  const features = doc.features.filter(({ name }) => name === 'deprecated').map(({ text }) => text);
  if (member === undefined) return [...features, doc.body];
  const own = doc.arguments.filter(({ name }) => name === member).map(({ text }) => text);
  return [...own, ...features.filter((text) => new RegExp(`@${literally(member)}(?![\\w-])`).test(text))];
}

/** The names that texts tell to use: `use @NAME instead`, `replaced by 'NAME'`. */
function namedIn(texts: readonly string[], candidates: readonly string[]): string[] {
  const found = new Set<string>();
  for (const text of texts) {
    const advice =
      /\b(?:[Uu]se|replaced (?:by|with)|superseded by|renamed (?:to|as)|in favou?r of)\s+(?:the )?(?:new )?(?:command |member |argument |parameter |option |event |value )?[@`'"]*([\w-]+)/g;
    for (const [, name = ''] of text.matchAll(advice)) if (candidates.includes(name)) found.add(name);
  }
  return [...found];
}

function takesTheSame(old: Type | undefined, now: Type | undefined): boolean {
  if (!isObject(old) || !isObject(now)) return !old || !isObject(old) ? demands(now) === 0 && !old : false;
  const [before, after] = [membersOf(old), membersOf(now)];
  return (
    [...before.values()].every((member) => {
      const other = after.get(member.name);
      return other !== undefined && fits(member, other);
    }) && [...after.values()].every((member) => member.optional || before.has(member.name))
  );
}

function demands(type: Type | undefined): number {
  return isObject(type) ? [...membersOf(type).values()].filter(({ optional }) => !optional).length : 0;
}

function isObject(type: Type | undefined): type is Type & { kind: 'struct' | 'union' } {
  return type?.kind === 'struct' || type?.kind === 'union';
}

/** Whether what fits one member fits the other. */
function fits(old: Member, now: Member): boolean {
  return (now.optional || !old.optional) && alike(old.type, now.type);
}

function alike(old: Type | undefined, now: Type | undefined): boolean {
  if (!old || !now) return !old && !now;
  if (old.kind === 'builtin' && now.kind === 'builtin') return old.json === now.json;
  if (old.kind === 'array' && now.kind === 'array') return alike(old.element, now.element);
  if (isObject(old) && isObject(now)) {
    const names = (type: typeof old): string => [...membersOf(type).keys()].sort().join();
    return describeType(old) === describeType(now) || names(old) === names(now);
  }
  if (old.kind === 'enum' && now.kind === 'enum') {
    const after = new Set(now.members.map(({ name }) => name));
    return old.members.every(({ name }) => after.has(name));
  }
  return old.kind === now.kind && old.name === now.name;
}
