import type { Change, ChangeSeverity } from '../../compare/change.js';
import { headings, placeText } from '../../compare/report/words.js';
import type { BuiltinType } from '../../schema/model.js';
import { FileScope } from '../scope.js';
import { builtinText } from '../type-text.js';
import { definitionLink } from './links.js';
import { entryOf, moduleTitle } from './module-page.js';
import { type Documented, fragment, moduleName } from './places.js';
import type { SiteContext } from './site-context.js';
import builtinTemplate from './templates/builtins.html.hbs';
import changesTemplate from './templates/changes.html.hbs';
import indexTemplate from './templates/index.html.hbs';
import listTemplate from './templates/list.html.hbs';

/** A list of all definitions of a kind. */
export interface ListPage {
  readonly path: string;
  readonly title: string;
  readonly has: (definition: Documented) => boolean;
}

/** The lists of the site. */
export const lists: readonly ListPage[] = [
  { path: 'commands.html', title: 'Commands', has: ({ kind }) => kind === 'command' },
  { path: 'events.html', title: 'Events', has: ({ kind }) => kind === 'event' },
  { path: 'types.html', title: 'Types', has: ({ kind }) => kind !== 'command' && kind !== 'event' },
];

/** The page of what has changed. */
export const changesPage = 'changes.html';

/** The content of the first page. */
export function indexHtml(context: SiteContext): string {
  const { schema, places, title, marks } = context;
  const count = (of: readonly Documented[]) => lists.map(({ has }) => of.filter(has).length);
  const modules = schema.modules
    .filter((module) => module.file)
    .map((module) => {
      const definitions = places.definitions.filter((definition) => definition.module === module);
      return {
        href: places.ofModule(module),
        name: moduleName(module),
        title: moduleTitle(module),
        counts: count(definitions).map((number) => number || ''),
      };
    });
  const totals = count(places.definitions);
  return indexTemplate({
    title,
    lists: lists.map(({ path, title: name }, index) => ({ path, name, count: totals[index] })),
    modules,
    changes: marks && { href: changesPage, old: marks.old, count: marks.changes.length },
  });
}

/** The content of a list, in the order of the alphabet. */
export function listHtml(context: SiteContext, { title, has }: ListPage): string {
  const byName = (a: Documented, b: Documented): number => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1);
  const entries = context.places.definitions
    .filter(has)
    .sort(byName)
    .map((definition) => entryOf(context, definition, ''));
  return listTemplate({ title, entries });
}

/** The content of the page of built-in types. */
export function builtinHtml({ schema, plan }: SiteContext): string {
  const scope = new FileScope(plan, undefined, 'types');
  const types = schema.definitions
    .filter((definition): definition is BuiltinType => definition.kind === 'builtin')
    .map((type) => ({
      id: fragment(type.name),
      name: type.name,
      json: type.json === 'value' ? 'any value' : type.json === 'int' ? 'integer' : type.json,
      range: type.range && `${type.range.min} to ${type.range.max}`,
      typescript: builtinText(scope, type, plan.options.int64),
    }));
  return builtinTemplate({ types });
}

/** The content of the page of what has changed. */
export function changesHtml(context: SiteContext): string {
  const { marks, places, schema } = context;
  if (!marks) return '';
  const linked = (name: string): string => {
    const definition = schema.lookup(name);
    return definition ? definitionLink(context, definition, '') : '';
  };
  const row = (change: Change) => ({
    // All that a change reaches can be hundreds.
    entities: change.entities.slice(0, 4).map((name) => ({ link: linked(name), name })),
    more: Math.max(0, change.entities.length - 4),
    place: placeText(change),
    message: change.message,
    advice: change.advice,
    code: change.code,
  });
  return changesTemplate({
    old: marks.old,
    removed: marks.removed.map(({ name, kind }) => ({ name, kind, id: `removed-${fragment(name)}` })),
    added: places.definitions.filter(marks.isNew).map((definition) => entryOf(context, definition, '')),
    groups: (Object.keys(headings) as ChangeSeverity[])
      .map((severity) => ({
        title: headings[severity],
        rows: marks.changes.filter((change) => change.severity === severity).map(row),
      }))
      .filter(({ rows }) => rows.length > 0),
  });
}
