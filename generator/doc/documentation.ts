import type { DocArgument, DocBlock, DocSection } from '../syntax/doc-block.js';
import { splitLines } from './lines.js';
import { codeBlock, parseDocumentation } from './parse.js';
import type { Block } from './tree.js';

/** What a documentation block says of a definition as a whole. */
export interface Documentation {
  /** Prose, notes and examples, in order. */
  readonly content: readonly Block[];
  readonly tags: readonly DocTag[];
}

/** What is returned, what errors there are; since which release. */
export type DocTag =
  | { readonly name: 'returns' | 'throws'; readonly content: readonly Block[] }
  | { readonly name: 'since'; readonly text: string };

/** What is said of a member, value or branch. */
export interface MemberDocumentation {
  readonly content: readonly Block[];
  /** The release that has had it first. */
  readonly since?: string;
}

/** What a documentation block says, but about members and features. */
export function documentationOf(doc: DocBlock | undefined): Documentation {
  if (!doc) return { content: [], tags: [] };
  const content = parseDocumentation(doc.body);
  const tags: DocTag[] = [];
  for (const section of doc.sections) {
    const tag = tagOf(section);
    if (tag) tags.push(tag);
    else content.push(...blocksOf(section));
  }
  return { content, tags };
}

/** What a documentation block says of a member, value or branch; undefined when it does not mention it. */
export function memberDocumentation(doc: DocBlock | undefined, name: string): MemberDocumentation | undefined {
  const argument = description(doc, name);
  if (!argument) return undefined;
  const { text, since } = splitSince(argument.text);
  return { content: parseDocumentation(text), ...(since !== undefined && { since }) };
}

function tagOf({ tag, text }: DocSection): DocTag | undefined {
  switch (tag?.toLowerCase()) {
    case 'since':
      return { name: 'since', text: text.trim().replace(/\s+/g, ' ') };
    case 'returns':
      return { name: 'returns', content: parseDocumentation(text) };
    case 'errors':
      return { name: 'throws', content: parseDocumentation(text) };
    default:
      return undefined;
  }
}

function blocksOf({ tag, text }: DocSection): Block[] {
  switch (tag?.toLowerCase()) {
    case undefined:
      return parseDocumentation(text);
    case 'note':
    case 'notes':
      return [{ kind: 'admonition', title: [{ kind: 'text', text: 'Note' }], content: parseDocumentation(text) }];
    case 'example':
    case 'examples':
      return text.trim() === '' ? [] : [{ kind: 'example', title: [], content: [codeBlock(splitLines(text))] }];
    case 'todo':
      return [];
    default:
      return parseDocumentation(`${tag}: ${text}`);
  }
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

/** The text about a member, value or branch as the block has it. */
export function description(doc: DocBlock | undefined, name: string): DocArgument | undefined {
  if (!doc) return undefined;
  let described = describedBy.get(doc);
  if (described === undefined) {
    described = new Map(doc.arguments.map((argument) => [argument.name, argument]));
    describedBy.set(doc, described);
  }
  return described.get(name);
}

/** The text about a feature. */
export function featureText(doc: DocBlock | undefined, name: string): string {
  return doc?.features.find((feature) => feature.name === name)?.text ?? '';
}
