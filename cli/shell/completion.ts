import type { Command, Member, ObjectType, Type } from '../../generator/schema/model.js';
import { shellWords } from './execute.js';
import { driverOf, hasFreeProperties } from './free-properties.js';
import type { Mode } from './interpreter.js';
import { type Given, keysOf, memberAt } from './key-completion.js';
import type { Knowledge } from './knowledge.js';
import type { NameKind } from './names.js';
import { actionTypes } from './transaction.js';

/** What can be written, and the end of the line that it replaces. */
export type Completion = readonly [hits: string[], replaced: string];

/** Completes a line: commands, keys of arguments, values of enums, and names of what is there. */
export async function complete(line: string, knowledge: Knowledge, mode: Mode = 'qmp'): Promise<Completion> {
  if (mode === 'more') return [[], ''];
  const [, people = mode === 'hmp' ? '' : undefined, text = ''] = /^\s*(!\s*)?(.*)$/s.exec(line) ?? [];
  if (people !== undefined) return matching(await knowledge.names('hmp'), text, '');
  const [, command = '', space = '', rest = ''] = /^(\S*)(\s*)(.*)$/s.exec(text) ?? [];
  const actions = mode === 'transaction' ? actionTypes(knowledge) : undefined;
  if (space === '') {
    const words = mode === 'transaction' ? [...(actions?.keys() ?? []), ')'] : [...knowledge.commands, ...shellWords];
    const [hits, replaced] = matching(words, command, ' ');
    return [hits.map((hit) => hit.replace(/([()]) $/, '$1')), replaced];
  }
  if (command === 'help' || command === '?') return matching(knowledge.commands, rest, '');
  if (command === 'follow' && mode === 'qmp') return matching(await knowledge.names('job'), lastWord(rest), ' ');
  const definition = knowledge.command(command);
  const type = mode === 'transaction' ? actions?.get(command) : definition?.arguments;
  if (!type || type.kind === 'alternate' || rest.startsWith('{')) return [[], ''];
  return completeArgument(rest, { type, definition: mode === 'transaction' ? undefined : definition, knowledge });
}

/** What the argument that is being written belongs to. */
interface Place {
  readonly type: ObjectType;
  /** Absent for an action of a transaction. */
  readonly definition: Command | undefined;
  readonly knowledge: Knowledge;
}

async function completeArgument(rest: string, { type, definition, knowledge }: Place): Promise<Completion> {
  const parameters = rest.split(/[\s,]+/);
  const current = parameters.pop() ?? '';
  const given: Given = new Map(parameters.map((parameter) => splitAt(parameter, '=')));
  const driver = definition && hasFreeProperties(definition) ? driverOf({ driver: given.get('driver') }) : undefined;
  const properties = driver === undefined ? new Map<string, string>() : await knowledge.properties(driver);
  if (!current.includes('=')) {
    const free = [...properties.keys()].filter((name) => !given.has(name)).map((name) => `${name}=`);
    return matching([...new Set([...keysOf(type, current, given), ...free])], current, '');
  }
  const [key, value] = splitAt(current, '=');
  const found = memberAt(type, key, given);
  if (found) return matching(await valuesOf(definition?.name ?? '', found, knowledge), value, '');
  const property = properties.get(key);
  return property === undefined ? [[], ''] : matching(await propertyValues(key, property, knowledge), value, '');
}

function lastWord(text: string): string {
  return /\S*$/.exec(text)?.[0] ?? '';
}

function matching(candidates: readonly string[], start: string, end: string): Completion {
  return [candidates.filter((name) => name.startsWith(start)).map((name) => name + end), start];
}

/** Members whose values are names of what is there, by the command, if that matters, and the member's name in any release. */
const named: readonly (readonly [command: RegExp, member: RegExp, kind: NameKind])[] = [
  [/^job-/, /^id$/, 'job'],
  [/^device_del$/, /^id$/, 'device'],
  [/^device_add$/, /^bus$/, 'bus'],
  [/^device_add$/, /^driver$/, 'driver'],
  [/^device-list-properties$/, /^typename$/, 'driver'],
  [/^object-del$/, /^id$/, 'object'],
  [/^chardev-/, /^id$/, 'chardev'],
  [/^/, /^chardev$/, 'chardev'],
  [/^block-job-/, /^device$/, 'job'],
  [/^/, /^(?:device|node|file|backing|base|top|target|source|overlay|snapshot|bitmap-node)$|node(?:-name)?$/, 'node'],
];

async function valuesOf(command: string, { name, type }: Member, knowledge: Knowledge): Promise<string[]> {
  const known = literals(type);
  if (!takesText(type)) return known;
  const [, , kind] = named.find(([of, member]) => of.test(command) && member.test(name)) ?? [];
  return kind === undefined ? known : [...known, ...(await knowledge.names(kind))];
}

/** The values of a property of a device. */
async function propertyValues(key: string, type: string, knowledge: Knowledge): Promise<string[]> {
  if (type === 'bool') return ['on', 'off'];
  if (type === 'OnOffAuto') return ['on', 'off', 'auto'];
  if (key === 'drive') return knowledge.names('node');
  if (key === 'chardev') return knowledge.names('chardev');
  // Such as link<iothread>.
  return type.startsWith('link<') ? knowledge.names('object') : [];
}

function literals(type: Type): string[] {
  switch (type.kind) {
    case 'enum':
      return type.members.map(({ name }) => name);
    case 'array':
      return literals(type.element);
    case 'alternate':
      return type.branches.flatMap((branch) => literals(branch.type));
    default:
      return type.name === 'bool' ? ['on', 'off'] : [];
  }
}

function takesText(type: Type): boolean {
  if (type.kind === 'alternate') return type.branches.some((branch) => takesText(branch.type));
  if (type.kind === 'array') return takesText(type.element);
  return type.name === 'str';
}

function splitAt(text: string, separator: string): [string, string] {
  const [before = '', ...after] = text.split(separator);
  return [before, after.join(separator)];
}
