import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dialectNames } from '../../../generator/syntax/dialect.js';
import type { SyntaxValue } from '../../../generator/syntax/tree.js';
import { arbitrarySchema } from '../../arbitrary-schema.js';
import { read } from './read.js';

/** Pieces that mean something to the lexer, the parser or the readers of documentation. */
const pieces = [
  ...[
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    "'",
    '"',
    '\\',
    '#',
    '##',
    '###',
    '# ',
    '=',
    '@',
    '*',
    ' ',
    '\t',
    '\n',
    '\r',
    '\r\n',
  ],
  ...[
    "'a'",
    "'a': ",
    "'struct': ",
    "'include': 'schema.json'",
    "'pragma': {}",
    'true',
    'false',
    'null',
    '\\u0041',
    '12',
  ],
  ...[
    '\n##\n',
    '\n# @a:',
    '\n# @a: b',
    '\n# @b',
    '\n#',
    '\n# Since: 1',
    '\n# Returns:',
    '\n# Features:',
    '\n#   x',
    '\n# x',
  ],
  ...[
    "\n{ 'struct': 'S', 'data': ",
    "\n{ 'event': 'E' }\n",
    'é',
    '\u00a0',
    '\u2028',
    '\ufeff',
    '\ud800',
    '😀',
    '\0',
    '\x1c',
  ],
] as const;

const soup = fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((parts) => parts.join(''));
const anyText = fc.string({ unit: 'binary', maxLength: 80 });
/** A schema with a stretch cut out and another text in its place. */
const wounded = fc.tuple(arbitrarySchema, fc.nat(), fc.nat({ max: 40 }), soup).map(([text, at, length, other]) => {
  const start = at % (text.length + 1);
  return text.slice(0, start) + other + text.slice(start + length);
});

function expectInside(value: SyntaxValue, length: number): void {
  expect(value.span.start).toBeLessThan(value.span.end);
  expect(value.span.end).toBeLessThanOrEqual(length);
  if (value.kind === 'array') for (const element of value.elements) expectInside(element, length);
  if (value.kind === 'object') for (const pair of value.pairs.values()) expectInside(pair.value, length);
}

describe('any text', () => {
  it('reads any text, and names only places inside of it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(soup, anyText, wounded), fc.constantFrom(...dialectNames), async (text, release) => {
        const { tree, diagnostics } = await read(text, release);
        for (const { span, definition, related, message } of diagnostics) {
          expect(message).not.toMatch(/undefined|\[object/);
          for (const place of [span, definition?.span, ...related.map((other) => other.span)]) {
            if (!place) continue;
            const { file, start, end } = place;
            expect(start).toBeGreaterThanOrEqual(0);
            expect(end).toBeGreaterThanOrEqual(start);
            expect(end).toBeLessThanOrEqual(file.text.length);
            const { line, column } = file.positionAt(start);
            expect(line).toBeLessThanOrEqual(file.lineStarts.length);
            expect(column).toBeGreaterThanOrEqual(1);
          }
        }
        for (const { file, docs, expressions } of tree.modules) {
          for (const { value } of expressions) expectInside(value, file.text.length);
          for (const block of docs) {
            const texts = [
              block.body,
              ...[...block.arguments, ...block.features, ...block.sections].map((part) => part.text),
            ];
            for (const part of texts) expect(part).toBe(part.trim());
          }
        }
      }),
      { numRuns: 600 },
    );
  });

  it('reads a schema alike without comments, and with comments everywhere', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrarySchema, fc.constantFrom('2.8', '10.1', 'auto'), async (text, release) => {
        const commented = text.replaceAll(/(?<=[{}[\]:,])/g, ' # a comment\n');
        const plain = await read(text, release);
        const noisy = await read(commented, release);
        expect(noisy.diagnostics).toEqual([]);
        expect(noisy.tree.expressions.length).toBe(plain.tree.expressions.length);
      }),
      { numRuns: 50 },
    );
  });
});

/** Texts of any size on which something could take too long. */
const patterns: [title: string, text: (size: number) => string][] = [
  ['open arrays', (n) => '['.repeat(n)],
  ['open objects', (n) => "{ 'a': ".repeat(n)],
  ['closing brackets', (n) => '}]'.repeat(n)],
  ['commas', (n) => `[${','.repeat(n)}]`],
  ['numbers', (n) => `{ 'a': [ ${'1, '.repeat(n)} ] }`],
  ['missing commas', (n) => `{ 'a': [ ${"'a' ".repeat(n)} ] }`],
  ['repeated keys', (n) => `{ ${"'a': 'b', ".repeat(n)} }`],
  ['wrong brackets', (n) => `{ ${"'a': { ] ".repeat(n)} }`],
  ['unclosed definitions', (n) => "{ 'struct': 'A', 'data': { 'x': 'int' }\n".repeat(n)],
  ['broken definitions', (n) => "{ 'struct': : 'A' } }\n".repeat(n)],
  ['unclosed strings', (n) => "{ 'a': 'b\n".repeat(n)],
  ['backslashes', (n) => `'${'\\q'.repeat(n)}'`],
  ['brackets in a string without end', (n) => `'${'{'.repeat(n)}x`],
  ['missing includes', (n) => "{ 'include': 'missing.json' }".repeat(n)],
  ['empty lines', (n) => `${'\n'.repeat(n)}x`],
  ['blank lines behind a comment', (n) => `# a\n${'   \n'.repeat(n)}`],
  ['blanks in a comment', (n) => `##\n# @E:\n#${' '.repeat(n)}x\n##\n`],
  ['comments', (n) => '# a\n'.repeat(n)],
  ['marks', (n) => '##\n'.repeat(n)],
  ['free-form blocks', (n) => '##\n# = a\n# = b\n##\n'.repeat(n)],
  ['many descriptions', (n) => `##\n# @E:\n${Array.from({ length: n }, (_, i) => `# @a${i}: x\n`).join('')}##\n`],
  ['the same description', (n) => `##\n# @E:\n${'# @a:\n'.repeat(n)}##\n`],
  ['blank lines in a section', (n) => `##\n# @E:\n# Note:\n${'#\n'.repeat(n)}# b\n${'#\n# c\n'.repeat(n)}##\n`],
  ['empty lines in a block', (n) => `##\n# @E:\n${'\n'.repeat(n)}##\n`],
  ['comments inside an expression', (n) => `{ 'a':\n${' ## x\n'.repeat(n)}`],
];

async function cpuOf(text: string, release: string): Promise<number> {
  const before = process.cpuUsage();
  const { tree, diagnostics } = await read(text, release);
  for (const { span } of diagnostics) if (span) span.file.positionAt(span.start);
  for (const { docs } of tree.modules)
    for (const { body, sections } of docs) sections.map(({ text: part }) => body + part);
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

describe.each(['8.2', '10.1', 'auto'])('under %s', (release) => {
  it.each(patterns)('%s take time in proportion to their number', async (_title, text) => {
    await cpuOf(text(500), release);
    const few = await cpuOf(text(2000), release);
    const many = await cpuOf(text(16_000), release);
    // Eight times the size takes 64 times as long where something is quadratic; what is fast anyway is noise.
    expect(many / Math.max(few, 20_000)).toBeLessThan(30);
  });
});

describe('nesting', () => {
  const arrays = (depth: number) => `{ 'a': ${'['.repeat(depth)}${']'.repeat(depth)} }\n{ 'event': 'E' }`;

  it.each([10, 100, 299])('nesting %d deep is read', async (depth) => {
    const { tree, diagnostics } = await read(arrays(depth));
    expect(diagnostics).toEqual([]);
    expect(tree.expressions).toHaveLength(2);
  });

  it.each([300, 500, 100_000])('nesting %d deep is an error, and what follows is read', async (depth) => {
    const { tree, diagnostics } = await read(arrays(depth));
    expect(diagnostics.map(({ name, span }) => [name, span?.start])).toEqual([['nested-too-deeply', 306]]);
    expect(tree.expressions).toHaveLength(2);
    expect(tree.expressions.map(({ broken }) => broken)).toEqual([true, false]);
  });

  it('nesting that is never closed is an error, too', async () => {
    const { diagnostics } = await read('['.repeat(100_000));
    expect(diagnostics.map(({ name }) => name)).toContain('nested-too-deeply');
  });
});
