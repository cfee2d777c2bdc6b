import { stringLiteral } from '../identifier.js';

/** Some of the releases, by their places in the list of all, ascending. */
export type ReleaseSet = readonly number[];

/** The releases that a tree of types is for, oldest first. */
export class ReleaseList {
  readonly names: readonly string[];
  readonly all: ReleaseSet;

  constructor(names: readonly string[]) {
    this.names = names;
    this.all = names.map((_, index) => index);
  }

  /** Some releases as a type. */
  type(set: ReleaseSet): string {
    return set.map((index) => stringLiteral(this.names[index] as string)).join(' | ');
  }

  /** Some releases and all that are not in another set: those in which something is no hindrance. */
  with(set: ReleaseSet, present: ReleaseSet): ReleaseSet {
    return this.all.filter((index) => set.includes(index) || !present.includes(index));
  }

  /** Some releases as people say it. */
  words(set: ReleaseSet): string {
    const [first = 0] = set;
    const last = set.at(-1) ?? 0;
    const [from, to] = [this.names[first], this.names[last]];
    if (last - first + 1 !== set.length) return set.map((index) => this.names[index]).join(', ');
    if (set.length === 1 && first > 0 && last < this.all.length - 1) return `${from}`;
    if (last === this.all.length - 1) return `${from} and later`;
    return first === 0 ? `up to ${to}` : `${from} to ${to}`;
  }

  /** The ranges of releases: `9.0`, `7.2..10.1`, each with the releases in it. */
  ranges(): (readonly [name: string, set: ReleaseSet])[] {
    return this.all.flatMap((first) =>
      this.all.slice(first).map((last): readonly [string, ReleaseSet] => {
        const [from, to] = [this.names[first], this.names[last]];
        return [first === last ? `${from}` : `${from}..${to}`, this.all.slice(first, last + 1)];
      }),
    );
  }
}

/** Whether two sets are the same. */
export function isSameSet(a: ReleaseSet, b: ReleaseSet): boolean {
  return a.length === b.length && a.every((release) => b.includes(release));
}
