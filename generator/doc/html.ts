import type { Block, Example, Inline, List, Table, TableRow } from './tree.js';

/** How documentation is printed as HTML. */
export interface HtmlOptions {
  /** The HTML of the name of a definition, member or value. */
  readonly link: (name: string) => string;
  /** The level of its headings. */
  readonly level: 2 | 3 | 4 | 5 | 6;
  /** The HTML of an example; without it, it is printed as a figure. */
  readonly example?: (example: Example) => string;
}

/** Prints documentation as HTML. Whatever it says, the elements are these, and closed. */
export function htmlOf(blocks: readonly Block[], options: HtmlOptions): string {
  return blocks.map((block) => blockHtml(block, options)).join('');
}

/** Prints a part of a line as HTML. */
function inlineHtml(content: readonly Inline[], link: HtmlOptions['link']): string {
  return content.map((node) => nodeHtml(node, link)).join('');
}

/** Text as HTML, in elements and in attributes. */
export function escapeHtml(text: string): string {
  return /[&<>"']/.test(text) ? text.replace(/[&<>"']/g, (character) => entities[character] as string) : text;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function blockHtml(block: Block, options: HtmlOptions): string {
  const { link } = options;
  switch (block.kind) {
    case 'paragraph':
      return `<p>${inlineHtml(block.content, link)}</p>\n`;
    case 'heading':
      return `<h${options.level}>${inlineHtml(block.content, link)}</h${options.level}>\n`;
    case 'code':
      return codeHtml(block.lines);
    case 'table':
      return block.rows.length > 0 ? tableHtml(block, link) : codeHtml(block.source);
    case 'list':
      return listHtml(block, options);
    case 'definitions': {
      const items = block.items.map(
        ({ term, content }) => `<dt>${inlineHtml(term, link)}</dt>\n<dd>${compactHtml(content, options)}</dd>\n`,
      );
      return `<dl>\n${items.join('')}</dl>\n`;
    }
    case 'admonition':
      return `<div class="admonition" role="note">${leadingHtml(
        `<strong>${inlineHtml(block.title, link)}:</strong>`,
        block.content,
        options,
      )}</div>\n`;
    case 'example':
      return options.example?.(block) ?? exampleHtml(block, options);
  }
}

/** Lines that are shown as they are. */
export function codeHtml(lines: readonly string[]): string {
  return `<pre><code>${escapeHtml(lines.join('\n'))}</code></pre>\n`;
}

function exampleHtml({ title, content }: Example, options: HtmlOptions): string {
  const caption = title.length > 0 ? `<figcaption>${inlineHtml(title, options.link)}</figcaption>\n` : '';
  return `<figure>\n${caption}${htmlOf(content, options)}</figure>\n`;
}

function tableHtml({ head, rows }: Table, link: HtmlOptions['link']): string {
  const row = (cells: TableRow, tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${inlineHtml(cell, link)}</${tag}>`).join('')}</tr>\n`;
  const top = head.map((cells) => row(cells, 'th')).join('');
  const body = rows.map((cells) => row(cells, 'td')).join('');
  return `<table>\n${top && `<thead>\n${top}</thead>\n`}<tbody>\n${body}</tbody>\n</table>\n`;
}

function listHtml({ ordered, items }: List, options: HtmlOptions): string {
  const first = items[0]?.number ?? '1';
  const start = ordered && first !== '1' ? ` start="${first}"` : '';
  const tag = ordered ? 'ol' : 'ul';
  const content = items.map((item) => `<li>${compactHtml(item.content, options)}</li>\n`).join('');
  return `<${tag}${start}>\n${content}</${tag}>\n`;
}

/** The blocks of an item: a single paragraph needs no element of its own. */
function compactHtml(content: readonly Block[], options: HtmlOptions): string {
  const [only] = content;
  if (content.length === 1 && only?.kind === 'paragraph') return inlineHtml(only.content, options.link);
  return htmlOf(content, options);
}

/** Blocks behind a title, in the first paragraph where there is one. */
function leadingHtml(title: string, content: readonly Block[], options: HtmlOptions): string {
  const [first, ...others] = content;
  if (first?.kind !== 'paragraph') return `<p>${title}</p>\n${htmlOf(content, options)}`;
  return `<p>${title} ${inlineHtml(first.content, options.link)}</p>\n${htmlOf(others, options)}`;
}

function nodeHtml(node: Inline, link: HtmlOptions['link']): string {
  switch (node.kind) {
    case 'text':
      return escapeHtml(node.text);
    case 'literal':
      return `<code>${escapeHtml(node.text)}</code>`;
    case 'name':
      return link(node.name);
    case 'emphasis': {
      const tag = node.strong ? 'strong' : 'em';
      return `<${tag}>${inlineHtml(node.content, link)}</${tag}>`;
    }
    case 'hyperlink':
      // Other schemes may run scripts.
      return /^(?:https?:\/\/|mailto:)/i.test(node.url)
        ? `<a href="${escapeHtml(node.url)}">${escapeHtml(node.text)}</a>`
        : escapeHtml(node.text);
  }
}
