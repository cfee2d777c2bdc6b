import { blockEnd, marks } from './extent.js';
import { parseInline } from './inline.js';
import { dedent, singleLine, splitLines, trimBlank } from './lines.js';
import { parseTable } from './table.js';
import type { Block, DefinitionList, Example, ListItem } from './tree.js';

const codeDirectives = new Set(['code', 'code-block', 'parsed-literal', 'sourcecode', 'literalinclude']);
const titles: Readonly<Record<string, string>> = { seealso: 'See also' };

/**
 * What may be more than one paragraph of prose: empty lines, lines that do not start with a word, announced literal text, and
 * short lines that what follows is indented under.
 */
const structured =
  /(?:^|\n)(?:[ \t]*(?:\n|[^\w\s@'"`([{]|\d{1,2}[.)]|\(\d)|\S[^\n]{0,40}(?<![.,:;!?])\n[ \t])|::[ \t]*(?:\n|$)/;

const term = /^[\w`@*'"-].{0,40}(?<![.,:;!?])$/;

/** Lists in lists in notes: none are nested deeper, but in tests of this limit. */
const deepest = 10;

/** Reads the reStructuredText-like markup of documentation comments, of any release. Every text is one. */
export function parseDocumentation(text: string): Block[] {
  if (text === '') return [];
  if (!structured.test(text)) return [paragraph(text)];
  return parseBlocks(splitLines(text), 0);
}

/** A block of text that is shown as it is. */
export function codeBlock(lines: readonly string[], language = ''): Block {
  return { kind: 'code', lines: trimBlank(dedent(lines)), language };
}

function parseBlocks(source: readonly string[], depth: number): Block[] {
  if (depth === deepest) return [paragraph(source.join(' '))];
  const lines = dedent(source);
  const blocks: Block[] = [];
  let next = 0;
  while (next < lines.length) {
    const line = lines[next] as string;
    if (line === '') {
      next++;
      continue;
    }
    const end = blockEnd(lines, next);
    const block = lines.slice(next, end);
    const marker = marks.bullet.exec(line);
    if (marker) addItem(blocks, marker, block, { tight: next > 0 && lines[next - 1] !== '', depth });
    else blocks.push(...parseBlock(block, depth));
    next = end;
  }
  return blocks;
}

/** Items of the same kind that follow each other are one list. */
function addItem(
  blocks: Block[],
  marker: RegExpExecArray,
  lines: readonly string[],
  { tight, depth }: { readonly tight: boolean; readonly depth: number },
): void {
  const [number] = /\d+/.exec(marker[1] as string) ?? [];
  const ordered = number !== undefined || marker[1] === '#.';
  const first = (lines[0] as string).slice(marker[0].length);
  const item: ListItem = {
    ...(number !== undefined && { number }),
    tight,
    content: parseBlocks([first, ...dedent(lines.slice(1))], depth + 1),
  };
  const last = blocks.at(-1);
  if (last?.kind === 'list' && last.ordered === ordered) (last.items as ListItem[]).push(item);
  else blocks.push({ kind: 'list', ordered, items: [item] });
}

function parseBlock(lines: readonly string[], depth: number): Block[] {
  const first = lines[0] as string;
  const named = marks.directive.exec(first);
  if (named) return parseDirective((named[1] as string).toLowerCase(), named[2] as string, lines.slice(1), depth);
  if (marks.explicit.test(first)) return [];
  if (marks.simpleTable.test(first) || marks.gridTable.test(first)) return [parseTable(lines)];
  if (marks.exchange.test(first)) return [codeBlock(lines)];
  return parseParagraph(lines, depth);
}

function parseDirective(name: string, argument: string, body: readonly string[], depth: number): Block[] {
  const { options, rest } = directiveOptions(body);
  if (name === 'qmp-example') return [parseExample(options.get('title') ?? argument, rest, depth)];
  if (codeDirectives.has(name)) return [codeBlock(rest, name === 'parsed-literal' ? '' : argument)];
  if (name === 'table') return [...(argument ? [paragraph(argument)] : []), ...parseBlocks(rest, depth + 1)];
  const isGeneric = name === 'admonition';
  const title = isGeneric ? argument : (titles[name] ?? name.charAt(0).toUpperCase() + name.slice(1));
  const content = isGeneric || argument === '' ? rest : [argument, ...dedent(rest)];
  return [{ kind: 'admonition', title: parseInline(title), content: parseBlocks(content, depth + 1) }];
}

/** An exchange of messages, perhaps with text in between. */
function parseExample(title: string, body: readonly string[], depth: number): Example {
  const lines = trimBlank(dedent(body));
  const starts = lines.some((line) => marks.exchange.test(line.trimStart()));
  const prose = lines.some(
    (line, index) => /^[A-Z].*[a-z]{2} [a-z]/.test(line) && (index === 0 || lines[index - 1] === ''),
  );
  const content = starts && prose ? parseBlocks(lines, depth + 1) : [codeBlock(lines)];
  return { kind: 'example', title: parseInline(title), content };
}

function parseParagraph(lines: readonly string[], depth: number): Block[] {
  const [first = '', second] = lines;
  if (second !== undefined && marks.underline.test(second)) return [heading(first)];
  const title = marks.heading.exec(first);
  if (title) return [heading(title[1] as string)];
  const literal = lines.findIndex((line) => line.endsWith('::'));
  if (literal < 0) return [parseDefinitions(lines, depth) ?? paragraph(lines.join(' '))];
  const text = singleLine(lines.slice(0, literal + 1).join(' ')).replace(/\s*::$/, (colons) =>
    colons === '::' ? ':' : '',
  );
  const code = trimBlank(lines.slice(literal + 1));
  return [...(text === ':' ? [] : [paragraph(text)]), ...(code.length > 0 ? [codeBlock(code)] : [])];
}

/**
 * Terms, each with indented lines that say what it means. Terms are short and end without a mark, unlike lines of older releases'
 * prose, which is indented where it goes on.
 */
function parseDefinitions(lines: readonly string[], depth: number): DefinitionList | undefined {
  const items: { term: string; lines: string[] }[] = [];
  for (const line of lines) {
    const last = items.at(-1);
    if (line.startsWith(' ') && last) last.lines.push(line);
    else if (term.test(line) && last?.lines.length !== 0) items.push({ term: line, lines: [] });
    else return undefined;
  }
  if (items.at(-1)?.lines.length === 0) return undefined;
  return {
    kind: 'definitions',
    items: items.map((item) => ({ term: parseInline(item.term), content: parseBlocks(item.lines, depth + 1) })),
  };
}

function paragraph(text: string): Block {
  return { kind: 'paragraph', content: parseInline(singleLine(text)) };
}

function heading(text: string): Block {
  return { kind: 'heading', content: parseInline(text) };
}

function directiveOptions(body: readonly string[]): { options: Map<string, string>; rest: readonly string[] } {
  const options = new Map<string, string>();
  let next = 0;
  for (; next < body.length; next++) {
    const option = /^\s*:([\w-]+):\s*(.*)$/.exec(body[next] as string);
    if (!option) break;
    options.set(option[1] as string, option[2] as string);
  }
  return { options, rest: body.slice(next) };
}
