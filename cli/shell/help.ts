import type { Definition, Feature, Member, ObjectType, Type } from '../../generator/schema/model.js';
import type { DocBlock } from '../../generator/syntax/doc-block.js';
import type { Colours } from '../../generator/text/report/colours.js';
import { commonMembers } from '../../testkit/model-members.js';
import type { Knowledge } from './knowledge.js';
import { nearName } from './near-name.js';
import { visible } from './pretty.js';

/** What a line that asks for help is answered with; undefined for other lines. */
export function helpFor(line: string, knowledge: Knowledge, colours: Colours): string | undefined {
  if (line === 'help' || line === '?') return generalHelp(knowledge);
  const [, ...topics] = /^(?:help\s+(\S+)|\?\s*(\S+)|(\S+)\s+\?)$/.exec(line) ?? [];
  const topic = topics.find((found) => found !== undefined);
  if (topic === undefined) return undefined;
  return helpOn(topic, knowledge, colours) ?? `${unknown(topic, knowledge)}\n`;
}

function unknown(topic: string, { schema, commands }: Knowledge): string {
  // Introspection has types without names of their own.
  const names = schema?.definitions.map(({ name }) => name).filter((name) => /^[A-Za-z]/.test(name)) ?? [];
  const near = nearName(topic, [...commands, ...names]);
  const isThere = commands.includes(topic)
    ? `nothing is known of '${topic}' but its name`
    : `nothing is known of '${topic}'`;
  return near === undefined ? isThere : `${isThere}: did you mean '${near}'?`;
}

function generalHelp({ commands }: Knowledge): string {
  return `command key=value …     execute a command: block_resize node-name=disk0 size=10G
command key={ … }       a value in JSON, which may go on over several lines
command { "key": … }    all arguments in JSON
{ "execute": … }        send a request as it is
transaction( … )        a transaction: an action with key=value on each line
… --follow              follow the job that a command starts to its end
follow JOB              follow a job that runs; Ctrl-C asks whether to cancel it
!info block             a line of the monitor for people (HMP)
help <name>, ? <name>   explain a command, event or type
# …                     a comment
exit                    leave; so does Ctrl-D. Ctrl-C stops waiting for a command

${commands.length} commands: Tab lists them
`;
}

/** What is known of a command, event or type; undefined when it is not known. */
function helpOn(name: string, { schema }: Knowledge, colours: Colours): string | undefined {
  const definition = schema?.lookup(name);
  if (!definition) return undefined;
  const { doc } = definition;
  const lines = [
    `${colours.strong(name)}  ${colours.faint([definition.kind, ...featureNames(definition.features)].join(', '))}`,
  ];
  if (doc?.body) lines.push(indented(doc.body));
  lines.push(...body(definition, doc, colours));
  for (const section of doc?.sections ?? []) {
    if (section.tag === 'Since') lines.push(`Since ${section.text}`);
  }
  return `${lines.join('\n')}\n`;
}

function body(definition: Definition, doc: DocBlock | undefined, colours: Colours): string[] {
  switch (definition.kind) {
    case 'command':
    case 'event': {
      const { arguments: type } = definition;
      const takes = type === undefined || type.kind === 'alternate' ? [] : objectLines(type, doc, colours);
      const returns = definition.kind === 'command' && definition.returns;
      return [...takes, ...(returns ? [`Returns ${typeName(returns)}`] : [])];
    }
    case 'enum':
      return definition.members.map(({ name, features }) =>
        entry(name, featureNames(features).join(', '), textOf(doc, name), colours),
      );
    case 'struct':
    case 'union':
      return objectLines(definition, doc, colours);
    case 'alternate':
      return definition.branches.map(({ name, type }) => entry(typeName(type), '', textOf(doc, name), colours));
    default:
      return [];
  }
}

function objectLines(type: ObjectType, doc: DocBlock | undefined, colours: Colours): string[] {
  const members = commonMembers(type, () => true).map((member) => memberLine(member, doc ?? type.doc, type, colours));
  if (type.kind !== 'union') return members;
  const branches = type.branches.filter((branch) => !branch.implicit);
  return [
    ...members,
    ...branches.map(({ name, type: added }) => entry(`${type.tag.name}=${name}`, `adds ${added.name}`, '', colours)),
  ];
}

function memberLine(
  { name, type, optional, features }: Member,
  doc: DocBlock | undefined,
  holder: ObjectType,
  colours: Colours,
): string {
  const facts = [typeName(type), ...(optional ? ['optional'] : []), ...featureNames(features)];
  return entry(name, facts.join(', '), textOf(doc, name) || textOf(holder.doc, name), colours);
}

function entry(name: string, facts: string, text: string, colours: Colours): string {
  const line = `  ${colours.hint(name)}${facts && `  ${colours.faint(facts)}`}`;
  return text === '' ? line : `${line}\n${indented(text, '      ')}`;
}

function textOf(doc: DocBlock | undefined, name: string): string {
  return doc?.arguments.find((argument) => argument.name === name)?.text.trim() ?? '';
}

function indented(text: string, indent = '  '): string {
  const lines = text.trim().split('\n');
  return lines.map((line) => visible(indent + line).trimEnd()).join('\n');
}

function typeName(type: Type): string {
  return type.kind === 'array' ? `[${typeName(type.element)}]` : type.name;
}

function featureNames(features: readonly Feature[]): string[] {
  return features.map(({ name }) => name);
}
