import type { Condition, Conditional, Feature } from '../../schema/model.js';
import type { DocArgument, DocBlock, DocSection } from '../../syntax/doc-block.js';
import { codeSpan, type LinkName } from './inline.js';
import { fenced, splitLines, toMarkdown } from './markup.js';

/** The parts of a TSDoc comment, in the order in which they are printed. */
export interface DocParts {
  /** Prose: paragraphs of Markdown, separated by empty lines. */
  readonly lines: string[];
  readonly examples: string[][];
  /** Block tags with their text, in order. */
  readonly tags: [tag: string, text: string[]][];
}

/** What a comment is made for. */
export interface DocContext {
  readonly link: LinkName;
  /** How many characters a line of text may have. */
  readonly width: number;
}

/** The things of a schema that have features, a condition and a name. */
interface Documented extends Conditional {
  readonly name: string;
  readonly features: readonly Feature[];
}

/** The comment of a definition: everything but what it says about single members. */
export function definitionDoc(definition: Documented, doc: DocBlock | undefined, context: DocContext): DocParts {
  const parts: DocParts = { lines: [], examples: [], tags: [] };
  if (doc) {
    addText(parts, doc.body, context);
    for (const section of doc.sections) addSection(parts, section, context);
  }
  addStatus(parts, definition, doc, context);
  return parts;
}

/** The comment of a member: what the owner's documentation says about it. */
export function memberDoc(member: Documented, doc: DocBlock | undefined, context: DocContext): DocParts {
  const parts: DocParts = { lines: [], examples: [], tags: [] };
  const argument = description(doc, member.name);
  if (argument) {
    const { text, since } = splitSince(argument.text);
    addText(parts, text, context);
    if (since !== undefined) parts.tags.push(['since', [since]]);
  }
  addStatus(parts, member, doc, context);
  return parts;
}

/** A list that tells what each of some names means, for names that have no place of their own in TypeScript. */
export function addNameList(
  parts: DocParts,
  names: readonly (Conditional & { readonly name: string; readonly features?: readonly Feature[] })[],
  doc: DocBlock | undefined,
  context: DocContext,
): void {
  const items: string[] = [];
  for (const entry of names) {
    const described = description(doc, entry.name);
    const said = described ? [described.text] : [];
    if (entry.condition) said.push(`(if ${conditionText(entry.condition.value)})`);
    for (const feature of entry.features ?? []) said.push(`**${feature.name}**: ${featureText(doc, feature)}`);
    if (said.length === 0) continue;
    const { lines } = toMarkdown(`\`\`${entry.name}\`\`: ${said.join(' ')}`, context.link, context.width - 2);
    items.push(...lines.map((line, index) => (index === 0 ? `- ${line}` : line && `  ${line}`)));
  }
  if (items.length === 0) return;
  separate(parts);
  parts.lines.push(...items);
}

/** The lines of the comment; none when there is nothing to say. */
export function commentLines({ lines, tags, examples }: DocParts): readonly string[] {
  const tagged: string[] = [];
  for (const [tag, text] of tags) tagged.push(text[0] ? `@${tag} ${text[0]}` : `@${tag}`, ...text.slice(1));
  // They are long: what is short comes before.
  for (const example of examples) tagged.push('@example', ...example);
  if (tagged.length === 0) return lines;
  return lines.length > 0 ? [...lines, '', ...tagged] : tagged;
}

/** A condition as people read it. */
function conditionText(condition: Condition): string {
  switch (condition.kind) {
    case 'symbol':
      return codeSpan(condition.name);
    case 'expression':
      return codeSpan(condition.text);
    case 'not':
      return `not ${operandText(condition.operand)}`;
    default:
      return condition.operands.map(operandText).join(condition.kind === 'all' ? ' and ' : ' or ');
  }
}

function operandText(condition: Condition): string {
  const text = conditionText(condition);
  return condition.kind === 'all' || condition.kind === 'any' ? `(${text})` : text;
}

function addText(parts: DocParts, text: string, context: DocContext): void {
  const markdown = toMarkdown(text, context.link, context.width);
  if (markdown.lines.length > 0) {
    separate(parts);
    parts.lines.push(...markdown.lines);
  }
  parts.examples.push(...markdown.examples);
}

function addSection(parts: DocParts, section: DocSection, context: DocContext): void {
  switch (section.tag?.toLowerCase()) {
    case undefined:
      addText(parts, section.text, context);
      break;
    case 'since':
      parts.tags.push(['since', [section.text.trim().replace(/\s+/g, ' ')]]);
      break;
    case 'returns':
      addTag(parts, 'returns', section.text, context);
      break;
    case 'errors':
      addTag(parts, 'throws', section.text, context);
      break;
    case 'note':
    case 'notes':
      addText(parts, `.. note::\n\n${indented(section.text)}`, context);
      break;
    case 'example':
    case 'examples':
      if (section.text.trim() !== '') parts.examples.push(fenced(splitLines(section.text)));
      break;
    case 'todo':
      break;
    default:
      addText(parts, `${section.tag}: ${section.text}`, context);
  }
}

function addTag(parts: DocParts, tag: string, text: string, context: DocContext): void {
  const markdown = toMarkdown(text, context.link, context.width);
  if (markdown.lines.length === 0) return;
  const isList = /^(?:[-*] |\d+\. |```)/.test(markdown.lines[0] as string);
  parts.tags.push([tag, isList ? ['', ...markdown.lines] : markdown.lines]);
  parts.examples.push(...markdown.examples);
}

/** The condition, the features, and the tags that tell what one may rely on. */
function addStatus(parts: DocParts, thing: Documented, doc: DocBlock | undefined, context: DocContext): void {
  if (thing.condition) {
    separate(parts);
    parts.lines.push(`**Only if** ${conditionText(thing.condition.value)}.`);
  }
  let experimental = /^(?:__[^_]+_)?x-/i.test(thing.name);
  for (const feature of thing.features) {
    const text = featureText(doc, feature);
    if (feature.name === 'deprecated') {
      parts.tags.push(['deprecated', toMarkdown(text, context.link, context.width).lines]);
    } else {
      if (feature.name === 'unstable') experimental = true;
      addFeature(parts, feature, text, context);
    }
  }
  if (experimental) parts.tags.push(['experimental', []]);
}

function featureText(doc: DocBlock | undefined, feature: Feature): string {
  return doc?.features.find(({ name }) => name === feature.name)?.text ?? '';
}

function addFeature(parts: DocParts, feature: Feature, text: string, context: DocContext): void {
  const condition = feature.condition ? ` (if ${conditionText(feature.condition.value)})` : '';
  const { lines } = toMarkdown(text, context.link, context.width - 2);
  if (feature.name === 'unstable' && lines.length === 0) return;
  separate(parts);
  const head = `**Feature** ${codeSpan(feature.name)}${condition}`;
  parts.lines.push(lines.length > 0 ? `${head}: ${lines[0]}` : `${head}.`, ...lines.slice(1));
}

/** Members say since when they exist at the end of their text. */
function splitSince(text: string): { text: string; since?: string } {
  const start = text.lastIndexOf('(');
  const match = start < 0 ? null : /^\(\s*since:?\s+v?(\d+(?:\.\d+)*)\s*\)(\.?)\s*$/i.exec(text.slice(start));
  if (!match) return { text };
  return { text: text.slice(0, start).trimEnd() + match[2], since: match[1] as string };
}

/** What a documentation block says about each thing that it describes. */
const describedBy = new WeakMap<DocBlock, ReadonlyMap<string, DocArgument>>();

function description(doc: DocBlock | undefined, name: string): DocArgument | undefined {
  if (!doc) return undefined;
  let described = describedBy.get(doc);
  if (described === undefined) {
    described = new Map(doc.arguments.map((argument) => [argument.name, argument]));
    describedBy.set(doc, described);
  }
  return described.get(name);
}

function separate(parts: DocParts): void {
  if (parts.lines.length > 0) parts.lines.push('');
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '    ');
}
