import { htmlOf } from '../../doc/html.js';
import { parseDocumentation } from '../../doc/parse.js';
import { firstSentence, inlineText } from '../../doc/plain-text.js';
import type { Module } from '../../schema/model.js';
import { type Badge, statusBadges } from './badges.js';
import { definitionLink, nameLink } from './links.js';
import { type Documented, kindWord, moduleName } from './places.js';
import { docOf, fromFolder, type SiteContext } from './site-context.js';
import template from './templates/module.html.hbs';

/** A definition in a list. */
interface Entry {
  /** HTML. */
  readonly link: string;
  readonly kind: string;
  readonly text: string;
  readonly badges: readonly Badge[];
}

/** A line about a definition. */
export function entryOf(context: SiteContext, definition: Documented, root: string): Entry {
  const { marks } = context;
  const badges: Badge[] = statusBadges(definition);
  if (marks?.isNew(definition)) badges.push({ kind: 'new', text: 'new' });
  else if ((marks?.changesOf(definition).length ?? 0) > 0) badges.push({ kind: 'changed', text: 'changed' });
  return {
    link: definitionLink(context, definition, root),
    kind: kindWord(definition),
    text: firstSentence(docOf(definition).content),
    badges,
  };
}

/** The content of the page of a module: its text, with the definitions where they stand in it. */
export function moduleHtml(context: SiteContext, module: Module): string {
  const definitions = context.places.definitions.filter((definition) => definition.module === module);
  const link = nameLink(context, fromFolder);
  const pieces = [
    ...module.docs
      .filter(({ symbol }) => !symbol)
      .map((doc) => ({ at: doc.span.start, html: htmlOf(parseDocumentation(doc.body), { link, level: 2 }) })),
    ...definitions.map((definition) => ({
      at: definition.span?.start ?? 0,
      entry: entryOf(context, definition, fromFolder),
    })),
  ].sort((a, b) => a.at - b.at);
  const parts: { html?: string; entries?: Entry[] }[] = [];
  for (const piece of pieces) {
    if ('html' in piece) parts.push({ html: piece.html });
    else if (parts.at(-1)?.entries) parts.at(-1)?.entries?.push(piece.entry);
    else parts.push({ entries: [piece.entry] });
  }
  return template({ name: moduleName(module), parts });
}

/** What a module is about, in a few words: its first heading. */
export function moduleTitle(module: Module): string {
  for (const { symbol, body } of module.docs) {
    const [first] = symbol ? [] : parseDocumentation(body);
    if (first?.kind === 'heading') return inlineText(first.content);
  }
  return '';
}
