import type { SourceFile } from '../text/source-file.js';
import { endOfSimpleText } from './text-token.js';
import { SyntaxArray, SyntaxBoolean, SyntaxObject, SyntaxPairs, SyntaxString, type SyntaxValue } from './tree.js';
import { isWhiteSpace, lineEnd } from './white-space.js';
import { sharedWord } from './word.js';

const [quote, comma, colon, hash, lineFeed, blank] = [0x27, 0x2c, 0x3a, 0x23, 0x0a, 0x20];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];

/** What is nested more deeply is left to the lexer, which limits it. */
const depthLimit = 100;

/**
 * Makes a reader of expressions in which nothing is wrong, and nothing that only some releases have: no escapes, no `null`, no
 * documentation. It returns undefined for others. Most files have none of these; to read them without tokens and without what
 * recovers from faults takes a third of the time.
 */
export function soundExpressions(file: SourceFile, decoded: boolean): (start: number) => SyntaxObject | undefined {
  const { text } = file;
  let position = 0;

  /** The next character that is neither white space nor in a comment, as its code. NaN stands for the end of the file. */
  function next(): number {
    for (;;) {
      const code = text.charCodeAt(position);
      if (code === blank || code === lineFeed) position++;
      else if (code === hash && text.charCodeAt(position + 1) !== hash) position = lineEnd(text, position);
      else if (isWhiteSpace(code, decoded)) position++;
      else return code;
    }
  }

  function string(): SyntaxString | undefined {
    const start = position;
    const end = endOfSimpleText(text, start);
    if (end === undefined) return undefined;
    position = end;
    return new SyntaxString(sharedWord(text.slice(start + 1, end - 1)), file, start, end);
  }

  function word(word: 'true' | 'false'): SyntaxBoolean | undefined {
    const start = position;
    if (!text.startsWith(word, start)) return undefined;
    position += word.length;
    return new SyntaxBoolean(word === 'true', file, start, position);
  }

  function value(depth: number): SyntaxValue | undefined {
    switch (next()) {
      case quote:
        return string();
      case openBrace:
        // At the start of a line it may belong to the next expression, and what is before it not be closed.
        return text.charCodeAt(position - 1) === lineFeed ? undefined : object(depth + 1);
      case openBracket:
        return array(depth + 1);
      default:
        return word('true') ?? word('false');
    }
  }

  /** Whether another item follows, with its comma unless it is the first, or the end; undefined for anything else. */
  function more(isFirst: boolean, close: number): boolean | undefined {
    const code = next();
    if (code === close) return false;
    if (isFirst) return true;
    if (code !== comma) return undefined;
    position++;
    return true;
  }

  function object(depth: number): SyntaxObject | undefined {
    const start = position++;
    const pairs = new SyntaxPairs();
    if (depth > depthLimit) return undefined;
    for (;;) {
      const another = more(pairs.size === 0, closeBrace);
      if (!another) return another === false ? new SyntaxObject(pairs.complete(), file, start, ++position) : undefined;
      const key = next() === quote ? string() : undefined;
      if (!key || pairs.has(key.value) || next() !== colon) return undefined;
      position++;
      const item = value(depth);
      if (!item) return undefined;
      pairs.add({ key, value: item });
    }
  }

  function array(depth: number): SyntaxArray | undefined {
    const start = position++;
    const elements: SyntaxValue[] = [];
    if (depth > depthLimit) return undefined;
    for (;;) {
      const another = more(elements.length === 0, closeBracket);
      if (!another) return another === false ? new SyntaxArray(elements.slice(), file, start, ++position) : undefined;
      const item = value(depth);
      if (!item) return undefined;
      elements.push(item);
    }
  }

  return (start) => {
    position = start;
    return text.charCodeAt(start) === openBrace ? object(1) : undefined;
  };
}
