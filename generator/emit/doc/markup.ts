import { inlineMarkdown, type LinkName, longestRun } from './inline.js';
import { wrap } from './wrap.js';

/** Documentation text as Markdown, line by line. Examples stand apart, for tags of their own. */
export interface Markdown {
  readonly lines: string[];
  readonly examples: string[][];
}

const directive = /^\.\.\s+([A-Za-z][\w-]*)::\s*(.*)$/;
const bullet = /^([-*+]|\d{1,2}[.)]|#\.|\(\d{1,2}\))\s+(?=\S)/;
const simpleTable = /^=+(?:\s+=+)+\s*$/;
const gridTable = /^\+[-=+]+\+\s*$/;
const underline = /^([=\-~^"#*+])\1{2,}\s*$/;
const heading = /^=+ (.+?)(?: =+)?$/;
const exchange = /^(?:->|<-)(?:\s|$)/;
const codeDirectives = new Set(['code', 'code-block', 'parsed-literal', 'sourcecode', 'literalinclude']);
const titles: Readonly<Record<string, string>> = { seealso: 'See also' };

/** What may be more than one paragraph of prose: empty lines, lines that do not start with a word, and announced literal text. */
const structured = /(?:^|\n)[ \t]*(?:\n|[^\w\s@'"`([{]|\d{1,2}[.)]|\(\d)|::[ \t]*(?:\n|$)/;

/** Turns the reStructuredText-like markup of documentation comments into Markdown. */
export function toMarkdown(text: string, link: LinkName, width: number): Markdown {
  if (text === '') return { lines: [], examples: [] };
  if (!structured.test(text)) return { lines: wrap(inlineMarkdown(singleLine(text), link), width), examples: [] };
  const converter = new Converter(link);
  const lines = converter.blocks(splitLines(text), width);
  return { lines, examples: converter.examples };
}

/** A block of preformatted text, without the indentation that its lines share. */
export function fenced(lines: readonly string[], language = ''): string[] {
  const code = trimBlank(dedent(lines));
  const fence = '`'.repeat(Math.max(3, ...code.map((line) => longestRun(line) + 1)));
  return [fence + language, ...code, fence];
}

/** The lines of a text, without what does not show. */
export function splitLines(text: string): string[] {
  return text.split('\n').map((line) => line.trimEnd().replace(/\t/g, '    '));
}

/** Lists in lists in notes: none are nested deeper, but in tests of this limit. */
const deepest = 10;

/** Walks the block structure of a text. */
class Converter {
  readonly examples: string[][] = [];
  readonly #link: LinkName;
  #depth = 0;

  constructor(link: LinkName) {
    this.#link = link;
  }

  blocks(source: readonly string[], width: number): string[] {
    if (this.#depth === deepest) return wrap(this.#inline(singleLine(source.join(' '))), width);
    this.#depth++;
    const out = this.#blocks(dedent(source), width);
    this.#depth--;
    return out;
  }

  #blocks(lines: readonly string[], width: number): string[] {
    const out: string[] = [];
    let next = 0;
    while (next < lines.length) {
      const line = lines[next] as string;
      if (line === '') {
        next++;
        continue;
      }
      const end = blockEnd(lines, next);
      const block = this.#block(lines.slice(next, end), width);
      const tight = bullet.test(line) && next > 0 && lines[next - 1] !== '';
      if (out.length > 0 && block.length > 0 && !tight) out.push('');
      out.push(...block);
      next = end;
    }
    return out;
  }

  #block(lines: readonly string[], width: number): string[] {
    const first = lines[0] as string;
    const named = directive.exec(first);
    if (named) return this.#directive((named[1] as string).toLowerCase(), named[2] as string, lines.slice(1), width);
    if (/^\.\.(?:\s|$)/.test(first)) return [];
    const item = bullet.exec(first);
    if (item) return this.#item(item, lines, width);
    if (simpleTable.test(first) || gridTable.test(first) || exchange.test(first)) return fenced(lines);
    return this.#paragraph(lines, width);
  }

  #directive(name: string, argument: string, body: readonly string[], width: number): string[] {
    const { options, rest } = directiveOptions(body);
    if (name === 'qmp-example') {
      this.examples.push(this.#example(options.get('title') ?? argument, rest, width));
      return [];
    }
    if (codeDirectives.has(name)) return fenced(rest, name === 'parsed-literal' ? '' : argument);
    if (name === 'table')
      return [...(argument ? wrap(this.#inline(argument), width) : []), '', ...this.blocks(rest, width)];
    const isGeneric = name === 'admonition';
    const title = isGeneric ? argument : (titles[name] ?? name.charAt(0).toUpperCase() + name.slice(1));
    const content = isGeneric || argument === '' ? rest : [argument, ...dedent(rest)];
    return titled(`**${this.#inline(title)}:**`, this.blocks(content, width), width);
  }

  /** An exchange of messages, perhaps with text in between. */
  #example(title: string, body: readonly string[], width: number): string[] {
    const lines = trimBlank(dedent(body));
    const out = title ? [...wrap(this.#inline(title), width), ''] : [];
    const starts = lines.findIndex((line) => exchange.test(line.trimStart()));
    const prose = lines.some(
      (line, index) => /^[A-Z].*[a-z]{2} [a-z]/.test(line) && (index === 0 || lines[index - 1] === ''),
    );
    if (starts < 0 || !prose) return [...out, ...fenced(lines)];
    return [...out, ...this.blocks(lines, width)];
  }

  #item(marker: RegExpExecArray, lines: readonly string[], width: number): string[] {
    const number = /\d+/.exec(marker[1] as string);
    const prefix = number ? `${number[0]}. ` : marker[1] === '#.' ? '1. ' : '- ';
    const first = (lines[0] as string).slice(marker[0].length);
    const content = this.blocks([first, ...dedent(lines.slice(1))], width - prefix.length);
    const indent = ' '.repeat(prefix.length);
    return content.map((line, index) => (index === 0 ? prefix + line : line && indent + line));
  }

  #paragraph(lines: readonly string[], width: number): string[] {
    const second = lines[1];
    if (second !== undefined && underline.test(second)) return [`**${this.#inline(lines[0] as string)}**`];
    const title = heading.exec(lines[0] as string);
    if (title) return [`**${this.#inline(title[1] as string)}**`];
    const literal = lines.findIndex((line) => line.endsWith('::'));
    if (literal < 0) return wrap(this.#inline(singleLine(lines.join(' '))), width);
    const code = trimBlank(lines.slice(literal + 1));
    const text = singleLine(lines.slice(0, literal + 1).join(' ')).replace(/\s*::$/, (colons) =>
      colons === '::' ? ':' : '',
    );
    const shown = text === ':' ? [] : [...wrap(this.#inline(text), width), ''];
    return code.length > 0 ? [...shown, ...fenced(code)] : shown.slice(0, -1);
  }

  #inline(text: string): string {
    return inlineMarkdown(text, this.#link);
  }
}

/** Where the block that starts at a line ends: the index of the first line that is not part of it. */
function blockEnd(lines: readonly string[], start: number): number {
  const first = lines[start] as string;
  if (/^\.\.(?:\s|$)/.test(first) || bullet.test(first)) return indentedEnd(lines, start + 1);
  if (simpleTable.test(first)) return tableEnd(lines, start);
  if (exchange.test(first)) return exchangeEnd(lines, start);
  if (heading.test(first)) return start + 1;
  let end = start;
  while (end < lines.length && lines[end] !== '') {
    const line = lines[end] as string;
    if (end > start && (bullet.test(line) || directive.test(line) || exchange.test(line))) return end;
    end++;
    if (line.endsWith('::')) return indentedEnd(lines, end);
    if (end === start + 2 && underline.test(line)) return end;
  }
  return end;
}

/** The end of a block that goes on as long as lines are indented. */
function indentedEnd(lines: readonly string[], start: number): number {
  let end = start;
  let last = start;
  while (end < lines.length && (lines[end] === '' || lines[end]?.startsWith(' '))) {
    end++;
    if (lines[end - 1] !== '') last = end;
  }
  return last;
}

function tableEnd(lines: readonly string[], start: number): number {
  for (let end = start + 1; end < lines.length; end++) {
    if (lines[end] === '' && simpleTable.test(lines[end - 1] as string)) return end;
  }
  return lines.length;
}

/** Messages go on over blank lines as long as another message or an indented line follows. */
function exchangeEnd(lines: readonly string[], start: number): number {
  let end = start;
  while (end < lines.length) {
    while (end < lines.length && lines[end] !== '') end++;
    let next = end;
    while (next < lines.length && lines[next] === '') next++;
    if (next >= lines.length || !(exchange.test(lines[next] as string) || lines[next]?.startsWith(' '))) break;
    end = next;
  }
  return end;
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

/** Puts a title before the first paragraph of some text. */
function titled(title: string, lines: readonly string[], width: number): string[] {
  const end = lines.indexOf('');
  const paragraph = end < 0 ? lines : lines.slice(0, end);
  const isProse = paragraph.length > 0 && !/^(?:```|[-*] |\d+\. )/.test(paragraph[0] as string);
  if (!isProse) return [title, '', ...lines];
  return [...wrap(`${title} ${paragraph.join(' ')}`, width), ...lines.slice(paragraph.length)];
}

function singleLine(text: string): string {
  return text.replace(/\s{2,}|[^\S ]/g, ' ').trim();
}

/** Removes the indentation that all lines share. */
function dedent(lines: readonly string[]): string[] {
  let shared = Number.POSITIVE_INFINITY;
  for (const line of lines) if (line !== '') shared = Math.min(shared, line.search(/\S/));
  return shared === 0 || shared === Number.POSITIVE_INFINITY ? [...lines] : lines.map((line) => line.slice(shared));
}

function trimBlank(lines: readonly string[]): string[] {
  let start = 0;
  let end = lines.length;
  while (start < end && lines[start] === '') start++;
  while (end > start && lines[end - 1] === '') end--;
  return lines.slice(start, end);
}
