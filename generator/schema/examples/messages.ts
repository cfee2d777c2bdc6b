import type { DocBlock } from '../../syntax/doc-block.js';
import type { Span } from '../../text/source-file.js';

/** A message of an example: what a client sends (`->`) or receives (`<-`). */
export interface ExampleMessage {
  readonly direction: 'sent' | 'received';
  /** The JSON text, or what there is of it. */
  readonly text: string;
  /** Whether something is left out, which `...` stands for. */
  readonly shortened: boolean;
  /** Where it is: from the arrow to the end of the text. */
  readonly start: number;
  readonly end: number;
}

/** The `# ` that starts a line of a comment. */
const margin = /^[^\S\n]*#[^\S\n]?/gm;
/** An arrow that starts a line, and the JSON behind it; the arrows of prose and of pictures have something else there. */
const arrow = /^[^\S\n]*(?:#[^\S\n]*)?(->|<-)[^\S\n]*(?=[{[])/gm;

/** The messages in a documentation block, in order, and where they are in its file. */
export function messagesOf({ span: { file, start, end } }: DocBlock): { message: ExampleMessage; span: Span }[] {
  return messagesIn(file.text.slice(start, end)).map((message) => ({
    message,
    span: { file, start: start + message.start, end: start + message.end },
  }));
}

/** The messages in a text, in order, whether it is a comment of a schema or without its marks. */
export function messagesIn(block: string): ExampleMessage[] {
  if (!block.includes('->') && !block.includes('<-')) return [];
  const starts = [...block.matchAll(arrow)];
  return starts.map((found, index) => {
    const from = found.index + found[0].length;
    const limit = starts[index + 1]?.index ?? block.length;
    const end = endOfJson(block, from, limit);
    const text = block.slice(from, end).replace(margin, '');
    return {
      direction: found[1] === '->' ? 'sent' : 'received',
      text,
      shortened: isShortened(text),
      start: found.index + found[0].lastIndexOf(found[1] as string),
      end,
    };
  });
}

/** Where the object or list ends that starts at an offset; where it is not closed, at the next empty line or the limit. */
function endOfJson(text: string, from: number, limit: number): number {
  let depth = 0;
  bracketOrString.lastIndex = from;
  for (;;) {
    const found = bracketOrString.exec(text)?.[0];
    const end = bracketOrString.lastIndex;
    if (found === undefined || end > limit) break;
    if (found === '{' || found === '[') depth++;
    else if ((found === '}' || found === ']') && --depth === 0) return end;
  }
  const rest = text.slice(from, limit);
  const blank = /\n[^\S\n]*#[^\S\n]*(?=\n)/.exec(rest);
  return from + (blank?.index ?? rest.replace(/\s*#*\s*$/, '').length);
}

/** A bracket, or a string up to the quote that closes it, or to the end of its line. */
const bracketOrString = /[{}[\]]|"(?:[^"\\\n]|\\.)*"?/g;

function isShortened(text: string): boolean {
  return text.replace(/"(?:[^"\\\n]|\\.)*"/g, '""').includes('...');
}
