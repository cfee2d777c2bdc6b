import { headings, placeText } from '../../compare/report/words.js';
import { featureText } from '../../doc/documentation.js';
import { codeHtml, htmlOf } from '../../doc/html.js';
import { parseDocumentation } from '../../doc/parse.js';
import { inlineText } from '../../doc/plain-text.js';
import type { Block, Example } from '../../doc/tree.js';
import type { Command, Event, ObjectType } from '../../schema/model.js';
import type { DocBlock } from '../../syntax/doc-block.js';
import { callsOf } from '../example-calls.js';
import { definitionBadges } from './badges.js';
import { definitionLink, nameLink, typeLink } from './links.js';
import { type MemberGroup, MemberRows } from './members.js';
import { namesOf } from './names-of.js';
import { type Documented, kindWord, moduleName } from './places.js';
import { docLevel, docOf, fromFolder, type SiteContext } from './site-context.js';
import template from './templates/definition.html.hbs';
import { typescriptHtml } from './typescript.js';
import { wireHtml } from './wire.js';

const root = fromFolder;

/** How wide a line of an example's TypeScript may be. */
const codeWidth = 64;

/** The content of the page of a definition, as HTML. */
export function definitionHtml(context: SiteContext, definition: Documented): string {
  const { places, uses, marks } = context;
  const { content, tags } = docOf(definition);
  const link = nameLink(context, root, new Set(namesOf(definition)));
  const options = { link, level: docLevel };
  const isExample = (block: Block): block is Example => block.kind === 'example';
  const tagged = (wanted: 'returns' | 'throws'): string =>
    tags.map((tag) => (tag.name === wanted ? htmlOf(tag.content, options) : '')).join('');
  const isNew = marks?.isNew(definition) ?? false;
  const changes = isNew ? [] : (marks?.changesOf(definition) ?? []);
  const direct = uses.direct(definition);
  const reached = uses.reached(definition);
  return template({
    name: definition.name,
    kind: kindWord(definition),
    badges: [
      ...definitionBadges(definition),
      ...(isNew ? [{ kind: 'new', text: `new since ${marks?.old}` }] : []),
      ...(changes.length > 0 ? [{ kind: 'changed', text: `changed since ${marks?.old}` }] : []),
    ],
    module: { href: root + places.ofModule(definition.module), name: moduleName(definition.module) },
    text: htmlOf(
      content.filter((block) => !isExample(block)),
      options,
    ),
    features: definition.features.map(({ name }) => ({
      name,
      text: htmlOf(parseDocumentation(featureText(definition.doc, name)), options),
    })),
    tables: tablesOf(context, definition),
    returns:
      definition.kind === 'command' && (definition.returns ? typeLink(context, definition.returns, root) : 'nothing'),
    returnsText: tagged('returns'),
    errors: tagged('throws'),
    wire: wireHtml(context, definition, root),
    typescript: typescriptHtml(context, definition, root),
    examples: content.filter(isExample).map(({ title, content: parts }) => ({
      title: inlineText(title),
      parts: parts.map((part) => examplePart(context, part, options)),
    })),
    since: marks?.old,
    changes: changes.map((change) => ({
      severity: change.severity.replace(' ', '-'),
      heading: headings[change.severity],
      place: placeText(change),
      message: change.message,
      advice: change.advice,
    })),
    direct: direct.map(({ by, how }) => ({ link: definitionLink(context, by, root), how })),
    reached: reached.map(({ entity, sent, received }) => ({
      link: definitionLink(context, entity, root),
      how: entity.kind === 'event' ? 'event' : sent && received ? 'sent and received' : sent ? 'sent' : 'received',
    })),
    isType: definition.kind !== 'command' && definition.kind !== 'event',
  });
}

/** A list of members, branches or values under a heading. */
interface MemberTable {
  readonly title: string;
  /** The discriminator. */
  readonly tag?: string;
  /** What there is instead of members. */
  readonly none?: string;
  /** HTML: the type that has the members. */
  readonly type?: string | undefined;
  readonly groups?: readonly MemberGroup[];
}

function tablesOf(context: SiteContext, definition: Documented): MemberTable[] {
  const rows = new MemberRows(context, root, definition.name, new Set(namesOf(definition)));
  switch (definition.kind) {
    case 'command':
    case 'event':
      return argumentTables(context, rows, definition);
    case 'enum':
      return [{ title: 'Values', groups: [{ rows: rows.ofValues(definition) }] }];
    case 'alternate':
      return [{ title: 'Choices', groups: [{ rows: rows.ofBranches(definition) }] }];
    default:
      return objectTables(rows, 'Members', definition, definition.doc);
  }
}

function argumentTables(context: SiteContext, rows: MemberRows, entity: Command | Event): MemberTable[] {
  const isCommand = entity.kind === 'command';
  const title = isCommand ? 'Arguments' : 'Data';
  const { arguments: given, doc } = entity;
  if (!given) return [{ title, none: isCommand ? 'It takes no arguments.' : 'It carries no data.' }];
  const type = given.implicit ? undefined : typeLink(context, given, root);
  if (given.kind === 'alternate') return [{ title, type }];
  return objectTables(rows, title, given, doc, type);
}

function objectTables(
  rows: MemberRows,
  title: string,
  object: ObjectType,
  doc: DocBlock | undefined,
  type?: string,
): MemberTable[] {
  const tables: MemberTable[] = [{ title, type, groups: rows.ofObject(object, doc) }];
  if (object.kind !== 'union') return tables;
  return [...tables, { title: 'Branches', tag: object.tag.name, groups: [{ rows: rows.ofBranches(object) }] }];
}

/** A part of an example: its messages beside what they are in TypeScript, or text. */
function examplePart(context: SiteContext, part: Block, options: Parameters<typeof htmlOf>[1]): object {
  if (part.kind !== 'code') return { html: htmlOf([part], options) };
  const calls = callsOf(context.schema, part.lines, { int64: context.plan.options.int64, width: codeWidth });
  return { qmp: codeHtml(part.lines), typed: calls && codeHtml(calls) };
}
