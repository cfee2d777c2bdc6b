import type { DocBlock } from '../../syntax/doc-block.js';
import type { Span } from '../../text/source-file.js';

/** A message of an example: what a client sends (`->`) or receives (`<-`). */
export interface ExampleMessage {
  readonly direction: 'sent' | 'received';
  /** The JSON text, or what there is of it. */
  readonly text: string;
  /** From the arrow to the end of the text. */
  readonly span: Span;
  /** Whether something is left out, which `...` stands for. */
  readonly shortened: boolean;
}

/** The `# ` that starts a line of a comment. */
const margin = /^[^\S\n]*#[^\S\n]?/gm;
/** An arrow that starts a line, and the JSON behind it; the arrows of prose and of pictures have something else there. */
const arrow = /^[^\S\n]*#[^\S\n]*(->|<-)[^\S\n]*(?=[{[])/gm;

/** The messages in a documentation block, in order. */
export function messagesOf({ span: { file, start, end } }: DocBlock): ExampleMessage[] {
  const block = file.text.slice(start, end);
  if (!block.includes('->') && !block.includes('<-')) return [];
  const starts = [...block.matchAll(arrow)];
  return starts.map((found, index) => {
    const from = found.index + found[0].length;
    const limit = starts[index + 1]?.index ?? block.length;
    const to = endOfJson(block, from, limit);
    const text = block.slice(from, to).replace(margin, '');
    const at = start + found.index + found[0].lastIndexOf(found[1] as string);
    return {
      direction: found[1] === '->' ? 'sent' : 'received',
      text,
      span: { file, start: at, end: start + to },
      shortened: isShortened(text),
    };
  });
}

/** Where the object or list ends that starts at an offset; where it is not closed, at the next empty line or the limit. */
function endOfJson(text: string, from: number, limit: number): number {
  let depth = 0;
  for (let offset = from; offset < limit; offset++) {
    const character = text[offset];
    if (character === '"') offset = endOfString(text, offset);
    else if (character === '{' || character === '[') depth++;
    else if ((character === '}' || character === ']') && --depth === 0) return offset + 1;
  }
  const rest = text.slice(from, limit);
  const blank = /\n[^\S\n]*#[^\S\n]*(?=\n)/.exec(rest);
  return from + (blank?.index ?? rest.replace(/\s*#*\s*$/, '').length);
}

/** The offset of the quote that closes a string, or the end of its line. */
function endOfString(text: string, from: number): number {
  const closing = /(?:[^"\\\n]|\\.)*"?/y;
  closing.lastIndex = from + 1;
  closing.test(text);
  return closing.lastIndex - 1;
}

function isShortened(text: string): boolean {
  return text.replace(/"(?:[^"\\\n]|\\.)*"/g, '""').includes('...');
}
