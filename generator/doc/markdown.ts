import type { Admonition, Block, Inline, List } from './tree.js';
import { wrap } from './wrap.js';

/** What the name of something in the schema turns into when the documentation mentions it. */
type LinkName = (name: string) => string;

/** How documentation is printed as Markdown. */
export interface MarkdownOptions {
  readonly link: LinkName;
  /** How many characters a line of prose may have. */
  readonly width: number;
  /** Takes the examples, which are then not printed where they stand. */
  readonly examples?: string[][];
  /** What the code of an example is in TypeScript; undefined to leave it as it is. */
  readonly typed?: (code: readonly string[]) => readonly string[] | undefined;
}

/** Prints documentation as lines of Markdown that are TSDoc as well. */
export function markdownLines(blocks: readonly Block[], options: MarkdownOptions): string[] {
  // Most texts are one paragraph.
  const [only, another] = [blocks[0], blocks[1]];
  if (!another) return only ? blockLines(only, options) : [];
  const out: string[] = [];
  for (const block of blocks) {
    const lines = blockLines(block, options);
    if (lines.length === 0) continue;
    if (out.length > 0 && !(block.kind === 'list' && block.items[0]?.tight)) out.push('');
    for (const line of lines) out.push(line);
  }
  return out;
}

/** Prints a part of a line. */
function inlineMarkdown(content: readonly Inline[], link: LinkName): string {
  let text = '';
  for (let index = 0; index < content.length; index++) {
    const node = content[index] as Inline;
    text += node.kind === 'text' ? escaped(node.text, content[index + 1]) : inlineText(node, link);
  }
  return text;
}

/** A code span, fenced by more backticks than the text has in a row. */
export function codeSpan(text: string): string {
  if (!text.includes('`')) return `\`${text}\``;
  const fence = '`'.repeat(longestRun(text) + 1);
  return `${fence} ${text} ${fence}`;
}

/** Lines that are shown as they are. */
function fenced(code: readonly string[], language = ''): string[] {
  const fence = '`'.repeat(Math.max(3, ...code.map((line) => longestRun(line) + 1)));
  return [fence + language, ...code, fence];
}

function blockLines(block: Block, options: MarkdownOptions): string[] {
  switch (block.kind) {
    case 'paragraph':
      return wrap(inlineMarkdown(block.content, options.link), options.width);
    case 'heading':
      return [`**${inlineMarkdown(block.content, options.link)}**`];
    case 'code':
      return fenced(block.lines, block.language);
    case 'table':
      return fenced(block.source);
    case 'list':
      return listLines(block, options);
    case 'definitions':
      return block.items.flatMap(({ term, content }) => {
        const lines = titled(`**${inlineMarkdown(term, options.link)}**:`, content, narrower(options, 2));
        return hanging('- ', lines);
      });
    case 'admonition':
      return admonitionLines(block, options);
    case 'example': {
      const title = block.title.length > 0 ? wrap(inlineMarkdown(block.title, options.link), options.width) : [];
      const content = markdownLines(
        block.content.map((part) => typedBlock(part, options)),
        options,
      );
      const lines = title.length > 0 && content.length > 0 ? [...title, '', ...content] : [...title, ...content];
      if (!options.examples) return lines;
      options.examples.push(lines);
      return [];
    }
  }
}

function typedBlock(block: Block, { typed }: MarkdownOptions): Block {
  const lines = block.kind === 'code' ? typed?.(block.lines) : undefined;
  return lines ? { kind: 'code', lines, language: 'ts' } : block;
}

function listLines({ ordered, items }: List, options: MarkdownOptions): string[] {
  const out: string[] = [];
  for (const { number, tight, content } of items) {
    const prefix = ordered ? `${number ?? 1}. ` : '- ';
    const lines = markdownLines(content, narrower(options, prefix.length));
    if (lines.length === 0) continue;
    if (out.length > 0 && !tight) out.push('');
    for (const line of hanging(prefix, lines)) out.push(line);
  }
  return out;
}

function admonitionLines({ title, content }: Admonition, options: MarkdownOptions): string[] {
  return titled(`**${inlineMarkdown(title, options.link)}:**`, content, options);
}

/** Puts a title before the first paragraph of some text. */
function titled(title: string, content: readonly Block[], options: MarkdownOptions): string[] {
  const [first, ...others] = content;
  const isProse = first?.kind === 'paragraph';
  const start = isProse ? wrap(`${title} ${inlineMarkdown(first.content, options.link)}`, options.width) : [title];
  const following = isProse ? others : content;
  const rest = markdownLines(following, options);
  const tight = following[0]?.kind === 'list' && following[0].items[0]?.tight;
  return rest.length > 0 ? [...start, ...(tight ? [] : ['']), ...rest] : start;
}

/** Lines with a mark before the first, and as much space before the others. */
function hanging(prefix: string, lines: readonly string[]): string[] {
  const indent = ' '.repeat(prefix.length);
  return lines.map((line, index) => (index === 0 ? prefix + line : line && indent + line));
}

function narrower(options: MarkdownOptions, by: number): MarkdownOptions {
  return { ...options, width: options.width - by };
}

function inlineText(node: Exclude<Inline, { kind: 'text' }>, link: LinkName): string {
  switch (node.kind) {
    case 'literal':
      return codeSpan(node.text);
    case 'name':
      return link(node.name);
    case 'emphasis': {
      const mark = node.strong ? '**' : '*';
      return `${mark}${inlineMarkdown(node.content, link)}${mark}`;
    }
    case 'hyperlink':
      return node.text === node.url ? node.url : `[${escaped(node.text)}](${node.url})`;
  }
}

/** Text without what Markdown or TSDoc would take for markup of their own; a bare address that follows goes on like a word. */
function escaped(text: string, next?: Inline): string {
  if (!/[@<]/.test(text)) return text;
  const isOpen = text.endsWith('<') && next?.kind === 'hyperlink' && next.text === next.url;
  const head = isOpen ? text.slice(0, -1) : text;
  return head.replace(markupLike, '$1$1\\$2') + (isOpen ? '\\<' : '');
}

/** What starts an element of HTML or a tag of TSDoc, with the backslashes that would take away from ours. */
const markupLike = /(?<!\\)(\\*)(<(?=[A-Za-z/!?])|(?<![\w.])@)/g;

/** The longest row of backticks in a text. */
function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
}
