import { codeSpan } from '../../doc/markdown.js';
import { commentLines, type DocContext, type DocParts, definitionDoc, memberDoc } from '../../doc/tsdoc.js';
import type { Definition, Member } from '../../schema/model.js';
import type { NamedType } from '../names.js';
import type { Entry } from './merged.js';
import { releasesOf } from './merged.js';
import { isSameSet, type ReleaseList, type ReleaseSet } from './release-set.js';
import type { Version } from './versions.js';

/** Comments that say which releases have what they are about, where not all do. */
export class Comments {
  readonly #list: ReleaseList;
  readonly #context: DocContext;

  constructor(list: ReleaseList, context: DocContext) {
    this.#list = list;
    this.#context = context;
  }

  /** The comment of a command or an event, as the newest release documents it. */
  ofEntity(definition: Definition, releases: ReleaseSet): readonly string[] {
    const parts = definitionDoc(definition, definition.doc, this.#context);
    return commentLines(this.#ranged(parts, releases, this.#list.all));
  }

  /** The comment of a type. */
  ofType(
    versions: readonly Version<NamedType>[],
    more?: (parts: DocParts, context: DocContext) => void,
  ): readonly string[] {
    const newest = versions.at(-1);
    if (!newest) return [];
    const { definition } = newest;
    const parts: DocParts = definition.implicit
      ? { lines: [], examples: [], tags: [] }
      : definitionDoc(definition, definition.doc, this.#context);
    more?.(parts, this.#context);
    return commentLines(this.#ranged(parts, releasesOf(versions), this.#list.all));
  }

  /** The comment of a member. */
  ofMember(having: readonly Entry<Member>[], present: ReleaseSet): readonly string[] {
    const newest = having.at(-1);
    if (!newest) return [];
    const parts = memberDoc(newest.entry, newest.version.doc, this.#context);
    return commentLines(this.#ranged(parts, releasesOf(having), present));
  }

  /** A line on a value that not all releases have. */
  valueLine(name: string, releases: ReleaseSet): string {
    return `- ${codeSpan(name)}, releases: ${this.#list.words(releases)}`;
  }

  #ranged(parts: DocParts, releases: ReleaseSet, present: ReleaseSet): DocParts {
    if (isSameSet(releases, present)) return parts;
    const gap = parts.lines.length > 0 ? [''] : [];
    return { ...parts, lines: [...parts.lines, ...gap, `**Releases:** ${this.#list.words(releases)}`] };
  }
}
