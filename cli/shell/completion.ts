import type { Member, ObjectType, Type } from '../../generator/schema/model.js';
import { branchesOf, commonMembers } from '../../testkit/model-members.js';
import type { Knowledge } from './knowledge.js';

/** What can be written, and the end of the line that it replaces. */
export type Completion = readonly [hits: string[], replaced: string];

/** Words of the shell itself. */
const shellWords = ['help', 'exit'] as const;

/** Completes a line: commands, keys of arguments, values of enums, and names of nodes and jobs. */
export async function complete(line: string, knowledge: Knowledge): Promise<Completion> {
  const [, command = '', space = '', rest = ''] = /^\s*(\S*)(\s*)(.*)$/s.exec(line) ?? [];
  if (space === '') return matching([...knowledge.commands, ...shellWords], command, ' ');
  if (command === 'help') return matching(knowledge.commands, rest, '');
  const type = knowledge.command(command)?.arguments;
  if (!type || type.kind === 'alternate' || rest.startsWith('{')) return [[], ''];
  const parameters = rest.split(/[\s,]+/);
  const current = parameters.pop() ?? '';
  const given = new Map(parameters.map((parameter) => splitAt(parameter, '=')));
  if (!current.includes('=')) return keys(type, current, given);
  const [key, value] = splitAt(current, '=');
  const found = memberAt(type, key, given);
  return found ? matching(await valuesOf(command, found, knowledge), value, '') : [[], ''];
}

function matching(candidates: readonly string[], start: string, end: string): Completion {
  return [candidates.filter((name) => name.startsWith(start)).map((name) => name + end), start];
}

type Given = ReadonlyMap<string, string>;

/** The keys that may follow, those that are mandatory first. */
function keys(type: ObjectType, text: string, given: Given): Completion {
  const parent = text.slice(0, text.lastIndexOf('.') + 1);
  const holder = parent === '' ? type : typeAt(type, parent.slice(0, -1), given);
  const members = holder ? membersOf(holder, parent, given) : [];
  const free = members.filter(({ name }) => !given.has(parent + name));
  const ordered = [...free.filter(({ optional }) => !optional), ...free.filter(({ optional }) => optional)];
  const hits = ordered.flatMap(({ name, type: own }) => endings(own).map((ending) => parent + name + ending));
  return matching(hits, text, '');
}

/** How the key of a member of a type may go on. */
function endings(type: Type): string[] {
  switch (type.kind) {
    case 'struct':
    case 'union':
      return ['.'];
    case 'array':
      return endings(type.element).map((ending) => `.0${ending}`);
    case 'alternate':
      return [...new Set(type.branches.flatMap((branch) => endings(branch.type)))];
    default:
      return type.name === 'null' ? [] : ['='];
  }
}

/** The members of an object of a type, those of the branch that has been chosen included. */
function membersOf(type: Type, prefix: string, given: Given): Member[] {
  if (type.kind === 'alternate') return type.branches.flatMap((branch) => membersOf(branch.type, prefix, given));
  if (type.kind !== 'struct' && type.kind !== 'union') return [];
  const common = commonMembers(type, () => true);
  if (type.kind === 'struct') return common;
  const chosen = given.get(prefix + type.tag.name);
  const branch = branchesOf(type, () => true).find(({ name }) => name === chosen);
  return branch ? [...common, ...membersOf(branch.type, prefix, given)] : common;
}

function memberAt(type: Type, key: string, given: Given): Member | undefined {
  const at = key.lastIndexOf('.') + 1;
  const holder = at === 0 ? type : typeAt(type, key.slice(0, at - 1), given);
  const name = key.slice(at);
  if (holder?.kind === 'array') return memberAt(type, key.slice(0, at - 1), given);
  return holder && membersOf(holder, key.slice(0, at), given).find((member) => member.name === name);
}

/** The type of what a key stands for. */
function typeAt(type: Type, key: string, given: Given): Type | undefined {
  let current: Type | undefined = type;
  let prefix = '';
  for (const name of key.split('.')) {
    if (current?.kind === 'array') current = current.element;
    else current = current && membersOf(current, prefix, given).find((member) => member.name === name)?.type;
    prefix += `${name}.`;
  }
  return current;
}

/** Members that name a block node or device, in any release. */
const nodeMembers =
  /^(?:device|node|file|backing|base|top|target|source|overlay|snapshot|bitmap-node)$|node(?:-name)?$/;

async function valuesOf(command: string, { name, type }: Member, knowledge: Knowledge): Promise<string[]> {
  const known = literals(type);
  if (!takesText(type)) return known;
  if (name === 'id' && command.startsWith('job-')) return knowledge.jobs();
  return nodeMembers.test(name) ? [...known, ...(await knowledge.nodes())] : known;
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
