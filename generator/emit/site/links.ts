import { escapeHtml } from '../../doc/html.js';
import type { Definition, Type } from '../../schema/model.js';
import { fragment } from './places.js';
import type { SiteContext } from './site-context.js';

/** The address of a definition's page, from a page that is `root` away from the site's folder. */
export function addressOf({ places }: SiteContext, definition: Definition, root: string): string | undefined {
  const page = places.of(definition);
  return page === undefined ? undefined : root + page;
}

/** A definition by its name, linked. */
export function definitionLink(context: SiteContext, definition: Definition, root: string): string {
  const address = addressOf(context, definition, root);
  const name = `<code>${escapeHtml(definition.name)}</code>`;
  return address === undefined ? name : `<a href="${escapeHtml(address)}">${name}</a>`;
}

/** What a name turns into where documentation mentions it: definitions and the page's own members are linked. */
export function nameLink(
  context: SiteContext,
  root: string,
  members: ReadonlySet<string> = new Set(),
): (name: string) => string {
  return (name) => {
    if (members.has(name)) {
      return `<a href="#${memberId(name)}"><code>${escapeHtml(name)}</code></a>`;
    }
    const definition = context.schema.lookup(name);
    return definition ? definitionLink(context, definition, root) : `<code>${escapeHtml(name)}</code>`;
  };
}

/** The `id` of the row of a member. */
export function memberId(name: string): string {
  return `member-${fragment(name)}`;
}

/** A type as the table of members shows it. */
export function typeLink(context: SiteContext, type: Type, root: string): string {
  if (type.kind === 'array') return `array of ${typeLink(context, type.element, root)}`;
  return context.places.of(type) === undefined ? 'object' : definitionLink(context, type, root);
}
