import { escapeHtml } from '../../doc/html.js';
import type { Type } from '../../schema/model.js';
import { DeclarationPrinter } from '../declarations.js';
import { memberName } from '../identifier.js';
import type { Plan } from '../plan.js';
import { FileScope } from '../scope.js';
import { commandText, eventText } from '../targets/client.js';
import { declareTypes } from '../targets/types.js';
import { addressOf } from './links.js';
import type { Documented, Places } from './places.js';
import type { SiteContext } from './site-context.js';

/** What a definition is in TypeScript, as HTML. */
export function typescriptHtml(context: SiteContext, definition: Documented, root: string): string {
  return linked(context, declarationOf(context, definition), root);
}

function declarationOf({ plan }: SiteContext, definition: Documented): string {
  const scope = new FileScope(plan, definition.module, 'types');
  const print = (type: Type): string =>
    plan.names.isDeclared(type) ? declareTypes(scope, [type], new DeclarationPrinter({ comments: false })) : '';
  if (definition.kind !== 'command' && definition.kind !== 'event') return print(definition);
  const { arguments: type, name } = definition;
  const entry = definition.kind === 'command' ? commandText(scope, definition) : eventText(scope, definition);
  const own = type?.implicit ? print(type) : '';
  return `${memberName(name)}: ${entry};\n${own && `\n${own}`}`;
}

/** A string literal, or an identifier. */
const token = /'(?:[^'\\]|\\.)*'|[A-Za-z_$][\w$]*/g;

function linked(context: SiteContext, code: string, root: string): string {
  let html = '';
  let end = 0;
  for (const { 0: text, index } of code.matchAll(token)) {
    const type = context.typesInCode.get(text);
    const address = type && addressOf(context, type, root);
    html += escapeHtml(code.slice(end, index));
    html += address === undefined ? escapeHtml(text) : `<a href="${escapeHtml(address)}">${escapeHtml(text)}</a>`;
    end = index + text.length;
  }
  return (html + escapeHtml(code.slice(end))).trimEnd();
}

/** The types that names in TypeScript stand for; a branch of a union stands for the union. */
export function typesByIdentifier({ names }: Plan, { definitions }: Places): ReadonlyMap<string, Type> {
  const types = new Map<string, Type>();
  for (const definition of definitions) {
    if (definition.kind === 'command' || definition.kind === 'event' || !names.isDeclared(definition)) continue;
    types.set(names.type(definition), definition);
    if (definition.kind !== 'union') continue;
    for (const branch of definition.branches) types.set(names.branch(branch), definition);
  }
  return types;
}
