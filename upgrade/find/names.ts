import type { ts } from 'ts-morph';
import type { Change } from '../../generator/compare/change.js';
import type { Command, Event, Schema } from '../../generator/schema/model.js';
import { report, type Search } from '../finder.js';
import { literalsOf } from '../meaning.js';
import { literally } from '../reg-exp.js';
import { isHarmful } from '../removal.js';
import { withoutType } from '../without-type.js';
import { comparedWith } from './compared-with.js';
import { findInUntyped } from './literals.js';

/** How parameters that take the name of a command or event are declared, in the runtime and by those who wrap it. */
const declaredFor = {
  command: /\['commands'\]|\bCommandName\b|\bkeyof \w*Commands\b/,
  event: /\['events'\]|\bEventName\b|\bEventPattern\b|\bkeyof \w*Events\b/,
};

/** Methods of a client whose parameter is any string. */
const methods = {
  command: /^(execute|executeUnknown)$/,
  event: /^(on|once|off|onUnknown|events|waitFor)$/,
};

/** Finds the names of commands and events that a call is given. */
export function findNames(search: Search, call: ts.CallExpression): void {
  const { ts } = search;
  for (const [index, argument] of call.arguments.entries()) {
    for (const kind of ['command', 'event'] as const) {
      if (!takes(search, call, index, kind)) continue;
      const names = ts.isArrayLiteralExpression(argument) ? [...argument.elements] : [argument];
      for (const name of names) inCall(search, kind, name, call.arguments.slice(index + 1));
    }
  }
  for (const of of commandsCalled(search, call.expression)) inArguments(search, of, call.arguments[0]);
}

/** The commands that a call is one of as a method: `client.commands.stop()`, `client.commands['stop']()`. */
function commandsCalled({ ts, meaning }: Search, callee: ts.Expression): Command[] {
  const name = ts.isPropertyAccessExpression(callee)
    ? callee.name
    : ts.isElementAccessExpression(callee)
      ? callee.argumentExpression
      : undefined;
  const elements = name ? meaning.elementsOf(meaning.checker.getSymbolAtLocation(name)) : [];
  return elements.flatMap((element) => (element.kind === 'command' ? [element.of] : []));
}

/** Looks at a name in a call, and at the arguments of the command that stand behind it. */
function inCall(search: Search, kind: Kind, name: ts.Expression, behind: readonly ts.Expression[]): void {
  const [args, options] = behind;
  for (const of of textsOf(search, name).flatMap((text) => matching(search, kind, text))) {
    reportName(search, of, name, options?.getText() ?? '');
    if (of.kind === 'command') inArguments(search, of, args);
  }
}

/** Looks at the arguments of a command where nothing else types them: what has a type of the schema is found by that. */
function inArguments(search: Search, of: Command, args: ts.Expression | undefined): void {
  const { meaning } = search;
  const literal = args && literalBehind(search, args);
  const context = literal && meaning.checker.getContextualType(literal);
  const isTyped = context !== undefined && meaning.declaredOf(context).length > 0;
  if (literal && !isTyped) findInUntyped(search, literal, of);
}

type Kind = 'command' | 'event';

function reportName(search: Search, of: Command | Event, node: ts.Node, options: string): void {
  const matters = (change: Change): boolean => {
    if (change.kind === 'oob-lost' && !/\boob\b/.test(options)) return false;
    return isHarmful(change);
  };
  if (of.kind === 'command') report(search, { kind: 'command', of }, node, 'command', matters);
  else report(search, { kind: 'event', of }, node, 'event', matters);
}

/** The texts that an expression can be, where they are known. */
function textsOf({ ts, meaning: { checker } }: Search, node: ts.Expression): string[] {
  if (ts.isStringLiteralLike(node)) return [node.text];
  const texts = literalsOf(checker.getTypeAtLocation(node));
  // A variable for any name says nothing about one.
  return texts.length > 20 ? [] : texts;
}

function matching({ meaning: { schema }, now }: Search, kind: Kind, text: string): (Command | Event)[] {
  if (kind === 'event' && text.includes('*')) {
    const pattern = new RegExp(`^${text.split('*').map(literally).join('.*')}$`);
    const matched = (of: Schema): Event[] =>
      of.definitions.filter((definition) => definition.kind === 'event').filter(({ name }) => pattern.test(name));
    // A pattern goes on to work as long as some event matches it.
    return matched(now).length > 0 ? [] : matched(schema);
  }
  const found = schema.lookup(text);
  return found?.kind === kind && (found.kind === 'command' || found.kind === 'event') ? [found] : [];
}

/** Finds the names of events that are compared with that of one: in cases, and by operators. */
export function findEventName(search: Search, node: ts.StringLiteralLike): void {
  const { meaning } = search;
  const other = comparedWith(search.ts, node);
  const event = meaning.schema.lookup(node.text);
  if (!other || event?.kind !== 'event') return;
  const names = literalsOf(meaning.checker.getTypeAtLocation(other));
  const isName = names.includes(node.text) && names.every((name) => meaning.schema.lookup(name)?.kind === 'event');
  if (isName) reportName(search, event, node, '');
}

/** Whether a call takes the name of a command or event as one of its arguments. */
function takes(search: Search, call: ts.CallExpression, index: number, kind: Kind): boolean {
  const { ts, meaning } = search;
  const { checker, schema } = meaning;
  const declaration = checker.getResolvedSignature(call)?.declaration;
  const callee = ts.isPropertyAccessExpression(call.expression) ? call.expression.name.text : undefined;
  const isMethod = index === 0 && callee !== undefined && methods[kind].test(callee);
  const parameters = declaration?.parameters.filter(({ name }) => name.getText() !== 'this') ?? [];
  const parameter = parameters[index];
  if (!parameter || !('type' in parameter) || !parameter.type) return isMethod && !declaration;
  const texts = [parameter.type.getText()];
  const constraints = declaration?.typeParameters ?? [];
  for (const { name, constraint } of constraints as readonly ts.TypeParameterDeclaration[]) {
    if (!constraint || !new RegExp(`\\b${name.text}\\b`).test(texts[0] as string)) continue;
    texts.push(constraint.getText());
  }
  if (texts.some((text) => declaredFor[kind].test(text))) return true;
  if (isMethod && isClient(search, parameter.parent.parent)) return true;
  // A wrapper may take a choice of names.
  const names = literalsOf(checker.getTypeAtLocation(parameter));
  return names.length > 1 && names.every((name) => schema.lookup(name)?.kind === kind);
}

/** Whether something declares the methods of a client. */
function isClient({ ts }: Search, node: ts.Node): boolean {
  return (ts.isClassLike(node) || ts.isInterfaceDeclaration(node)) && /^Qmp/.test(node.name?.text ?? '');
}

/** The object literal that an argument is: itself, or as a variable was made. */
function literalBehind(
  { ts, meaning: { checker } }: Search,
  node: ts.Expression,
): ts.ObjectLiteralExpression | undefined {
  const plain = withoutType(ts, node);
  if (ts.isObjectLiteralExpression(plain)) return plain;
  const declaration = ts.isIdentifier(plain) ? checker.getSymbolAtLocation(plain)?.valueDeclaration : undefined;
  if (!declaration || !ts.isVariableDeclaration(declaration) || declaration.type) return undefined;
  const made = declaration.initializer && withoutType(ts, declaration.initializer);
  return made && ts.isObjectLiteralExpression(made) ? made : undefined;
}
