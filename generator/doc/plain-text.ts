import type { Block, Inline } from './tree.js';

/** The words of documentation, without markup: for a search, and for where there is place for a sentence only. */
export function plainText(blocks: readonly Block[]): string {
  return blocks.map(blockText).filter(Boolean).join(' ');
}

/** The first sentence of documentation; empty when it does not begin with prose. */
export function firstSentence(blocks: readonly Block[]): string {
  const [first] = blocks;
  if (first?.kind !== 'paragraph') return '';
  const text = inlineText(first.content);
  // Not after "e.g.", "i.e." and the like, nor between the digits of a version.
  const [sentence] = /^.*?(?<!\b(?:e\.g|i\.e|etc|vs|cf))[.!?](?=\s+["'(]?[A-Z]|$)/.exec(text) ?? [text];
  return sentence;
}

function blockText(block: Block): string {
  switch (block.kind) {
    case 'paragraph':
    case 'heading':
      return inlineText(block.content);
    case 'code':
      return block.lines.join(' ');
    case 'table':
      return [...block.head, ...block.rows].flat().map(inlineText).join(' ');
    case 'list':
      return block.items.map((item) => plainText(item.content)).join(' ');
    case 'definitions':
      return block.items.map(({ term, content }) => `${inlineText(term)} ${plainText(content)}`).join(' ');
    case 'admonition':
    case 'example':
      return `${inlineText(block.title)} ${plainText(block.content)}`.trim();
  }
}

/** The words of a part of a line, without markup. */
export function inlineText(content: readonly Inline[]): string {
  let text = '';
  for (const node of content) {
    if (node.kind === 'emphasis') text += inlineText(node.content);
    else text += node.kind === 'name' ? node.name : node.text;
  }
  return text;
}
