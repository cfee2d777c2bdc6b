import { isSameSet, type ReleaseList, type ReleaseSet } from './release-set.js';

/** What something is in some releases. */
export interface Part {
  readonly releases: ReleaseSet;
  readonly text: string;
}

/** How types that differ by release are written. */
export class Conditions {
  readonly #list: ReleaseList;
  readonly #onUse: () => void;

  /** @param onUse called when what is written depends on the release */
  constructor(list: ReleaseList, onUse: () => void) {
    this.#list = list;
    this.#onUse = onUse;
  }

  /**
   * The type of something that is not the same in all releases. What is sent has to be right in all releases of a range; what is
   * received may be what any of them sends.
   *
   * @param present the releases that have what it is a part of
   */
  combined(parts: readonly Part[], present: ReleaseSet, sent: boolean): string {
    const joined = joinedByText(parts);
    const [first] = joined;
    if (joined.length === 1 && first && isSameSet(first.releases, present)) return first.text;
    this.#onUse();
    if (!sent) return joined.map(({ releases, text }) => this.#use('Some', releases, text)).join(' | ');
    const all = joined.flatMap(({ releases }) => releases);
    const text =
      joined.length === 1 && first
        ? first.text
        : joined.map((part) => this.#use('When', part.releases, part.text)).join(' & ');
    return this.#list.all.every((release) => all.includes(release) || !present.includes(release))
      ? text
      : this.#use('All', this.#list.with(all, present), text);
  }

  /** A member that must be there in some releases only: what it adds to an object in which it may be absent. */
  mandatory(member: string, releases: ReleaseSet, present: ReleaseSet, sent: boolean): string {
    this.#onUse();
    return sent ? this.#use('When', releases, member) : this.#use('Must', this.#list.with(releases, present), member);
  }

  #use(helper: string, releases: ReleaseSet, text: string): string {
    return `${helper}<R, ${this.#list.type(releases)}, ${text}>`;
  }
}

function joinedByText(parts: readonly Part[]): Part[] {
  const byText = new Map<string, number[]>();
  for (const { releases, text } of parts) byText.set(text, [...(byText.get(text) ?? []), ...releases]);
  return [...byText].map(([text, releases]) => ({ text, releases: releases.sort((a, b) => a - b) }));
}
