import type { Condition, Conditional, Feature } from '../schema/model.js';
import type { DocBlock } from '../syntax/doc-block.js';
import { type DocTag, description, documentationOf, featureText, memberDocumentation } from './documentation.js';
import { codeSpan, type MarkdownOptions, markdownLines } from './markdown.js';
import { parseDocumentation } from './parse.js';
import type { Block } from './tree.js';

/** The parts of a TSDoc comment, in the order in which they are printed. */
export interface DocParts {
  /** Prose: paragraphs of Markdown, separated by empty lines. */
  readonly lines: string[];
  readonly examples: string[][];
  /** Block tags with their text, in order. */
  readonly tags: [tag: string, text: string[]][];
}

/** What a comment is made for. */
export type DocContext = Omit<MarkdownOptions, 'examples'>;

/** The things of a schema that have features, a condition and a name. */
interface Documented extends Conditional {
  readonly name: string;
  readonly features: readonly Feature[];
}

/** The comment of a definition: everything but what it says about single members. */
export function definitionDoc(definition: Documented, doc: DocBlock | undefined, context: DocContext): DocParts {
  const parts: DocParts = { lines: [], examples: [], tags: [] };
  const { content, tags } = documentationOf(doc);
  addBlocks(parts, content, context);
  for (const tag of tags) addTag(parts, tag, context);
  addStatus(parts, definition, doc, context);
  return parts;
}

/** The comment of a member: what the owner's documentation says about it. */
export function memberDoc(member: Documented, doc: DocBlock | undefined, context: DocContext): DocParts {
  const parts: DocParts = { lines: [], examples: [], tags: [] };
  const { content = [], since } = memberDocumentation(doc, member.name) ?? {};
  addBlocks(parts, content, context);
  if (since !== undefined) parts.tags.push(['since', [since]]);
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
    for (const feature of entry.features ?? []) said.push(`**${feature.name}**: ${featureText(doc, feature.name)}`);
    if (said.length === 0) continue;
    const lines = textLines(`\`\`${entry.name}\`\`: ${said.join(' ')}`, context, 2);
    items.push(...lines.map((line, index) => (index === 0 ? `- ${line}` : line && `  ${line}`)));
  }
  if (items.length === 0) return;
  separate(parts);
  parts.lines.push(...items);
}

/** The lines of the comment; none when there is nothing to say. */
export function commentLines({ lines, tags, examples }: DocParts): readonly string[] {
  if (tags.length === 0 && examples.length === 0) return lines;
  const tagged: string[] = [];
  for (const [tag, text] of tags) tagged.push(text[0] ? `@${tag} ${text[0]}` : `@${tag}`, ...text.slice(1));
  // They are long: what is short comes before.
  for (const example of examples) tagged.push('@example', ...example);
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

function addBlocks(parts: DocParts, content: readonly Block[], context: DocContext): void {
  if (content.length === 0) return;
  const lines = markdownLines(content, { ...context, examples: parts.examples });
  if (lines.length === 0) return;
  separate(parts);
  for (const line of lines) parts.lines.push(line);
}

function addTag(parts: DocParts, tag: DocTag, context: DocContext): void {
  if (tag.name === 'since') {
    parts.tags.push(['since', [tag.text]]);
    return;
  }
  const lines = markdownLines(tag.content, { ...context, examples: parts.examples });
  if (lines.length === 0) return;
  const isList = /^(?:[-*] |\d+\. |```)/.test(lines[0] as string);
  parts.tags.push([tag.name, isList ? ['', ...lines] : lines]);
}

/** Text of the documentation as lines, some characters narrower; without examples. */
function textLines(text: string, { link, width }: DocContext, narrower = 0): string[] {
  return markdownLines(parseDocumentation(text), { link, width: width - narrower, examples: [] });
}

/** The condition, the features, and the tags that tell what one may rely on. */
function addStatus(parts: DocParts, thing: Documented, doc: DocBlock | undefined, context: DocContext): void {
  if (thing.condition) {
    separate(parts);
    parts.lines.push(`**Only if** ${conditionText(thing.condition.value)}.`);
  }
  for (const feature of thing.features) {
    const text = featureText(doc, feature.name);
    if (feature.name === 'deprecated') {
      parts.tags.push(['deprecated', textLines(text, context)]);
    } else {
      addFeature(parts, feature, text, context);
    }
  }
  if (isUnstable(thing)) parts.tags.push(['experimental', []]);
}

/** Whether something may change or go at any time, by a feature or by its name. */
export function isUnstable({
  name,
  features,
}: Pick<Documented, 'name'> & Partial<Pick<Documented, 'features'>>): boolean {
  return /^(?:__[^_]+_)?x-/i.test(name) || (features?.some((feature) => feature.name === 'unstable') ?? false);
}

function addFeature(parts: DocParts, feature: Feature, text: string, context: DocContext): void {
  const condition = feature.condition ? ` (if ${conditionText(feature.condition.value)})` : '';
  const lines = textLines(text, context, 2);
  if (feature.name === 'unstable' && lines.length === 0) return;
  separate(parts);
  const head = `**Feature** ${codeSpan(feature.name)}${condition}`;
  parts.lines.push(lines.length > 0 ? `${head}: ${lines[0]}` : `${head}.`, ...lines.slice(1));
}

function separate(parts: DocParts): void {
  if (parts.lines.length > 0) parts.lines.push('');
}
