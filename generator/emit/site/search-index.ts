import { memberDocumentation } from '../../doc/documentation.js';
import { firstSentence, plainText } from '../../doc/plain-text.js';
import type { SearchEntry } from './browser/rank.js';
import { memberId } from './links.js';
import { namesOf } from './names-of.js';
import { changesPage } from './overview-pages.js';
import { fragment, kindWord } from './places.js';
import { docOf, type SiteContext } from './site-context.js';

/** What a search looks through: every definition with its members and its text, and what is gone. */
export function searchEntries({ places, marks }: SiteContext): SearchEntry[] {
  const entries = places.definitions.map((definition): SearchEntry => {
    const { content, tags } = docOf(definition);
    const members = [...new Set(namesOf(definition))];
    const texts = [
      plainText(content.filter(({ kind }) => kind !== 'example')),
      ...tags.map((tag) => (tag.name === 'since' ? '' : plainText(tag.content))),
      ...members.map((name) => plainText(memberDocumentation(definition.doc, name)?.content ?? [])),
    ];
    const summary = firstSentence(content);
    return {
      name: definition.name,
      kind: kindWord(definition),
      path: places.of(definition) as string,
      summary,
      members: members.map((name) => [name, memberId(name)]),
      text: texts.filter(Boolean).join(' '),
    };
  });
  const removed = (marks?.removed ?? []).map(
    ({ name, kind }): SearchEntry => ({
      name,
      kind,
      path: `${changesPage}#removed-${fragment(name)}`,
      summary: `Gone since ${marks?.old}`,
      members: [],
      text: '',
    }),
  );
  return [...entries, ...removed];
}
