import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { SyntaxTree } from '../../../generator/syntax/tree.js';
import type { Diagnostic } from '../../../generator/text/diagnostic.js';
import type { Span } from '../../../generator/text/source-file.js';
import { read } from './read.js';

/** Five tokens in each line: after 819 lines, the tokens that are kept at a time are complete. */
const line = "{ 'command': 'c' }\n";

const piece = fc.constantFrom(
  ...[
    "{ 'command': 'd' }",
    "{ 'enum': 'E', 'data': [ 'a', 'b' ] }",
    "{ 'command': 'd'",
    "'data': { 'a': 'int' }",
    '{',
    '}',
    '[',
    ']',
  ],
  ...[
    ',',
    ':',
    "'text'",
    "'open",
    'true',
    'stray',
    '# comment',
    '##',
    '# @d:',
    '##\n# @d:\n#\n# Text.\n##',
    '##x',
    '\n',
    '\n',
    '\n',
    ' ',
  ],
);

/** What was read behind so many lines, with places counted from there. */
function behind(lines: number, tree: SyntaxTree, diagnostics: readonly Diagnostic[]) {
  const offset = lines * line.length;
  const place = (span: Span | undefined) => span && [span.start - offset, span.end - offset];
  return {
    expressions: tree.expressions
      .slice(lines)
      .map(({ value, doc, broken }) => [place(value.span), value.pairs.keys(), place(doc?.span), broken]),
    diagnostics: diagnostics.map(({ message, span, related }) => [
      message,
      place(span),
      related.map((one) => place(one.span)),
    ]),
  };
}

it.each(['2.8', '5.2', '10.1', 'auto'])(
  'reading by the rules of %s finds the same wherever the end of a stretch of tokens is',
  async (release) => {
    const readBehind = async (lines: number, text: string) => {
      const { tree, diagnostics } = await read(line.repeat(lines) + text, release);
      return behind(lines, tree, diagnostics);
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { minLength: 1, maxLength: 12 }).map((pieces) => pieces.join(' ')),
        fc.integer({ min: 815, max: 820 }),
        async (text, lines) => {
          expect(await readBehind(lines, text)).toEqual(await readBehind(1, text));
        },
      ),
      { numRuns: 150 },
    );
  },
);
