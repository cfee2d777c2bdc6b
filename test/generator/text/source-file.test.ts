import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SourceFile } from '../../../generator/text/source-file.js';

describe('positions', () => {
  it.each([
    ['character', 'ab\tc', [1, 2, 3, 4, 5]],
    ['reference', 'ab\tc', [1, 2, 3, 3, 4]],
    ['reference', '\t\tc', [1, 1, 1, 2]],
    [
      'reference',
      '12345678\tc',
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 10].map((column, index) => (index === 9 ? 1 : index === 10 ? 2 : column)),
    ],
    ['character', '😀c', [1, 2, 3, 4]],
    ['reference', '😀c', [1, 2, 2, 3]],
    ['reference-bytes', '😀c', [1, 3, 5, 6]],
    ['reference-bytes', 'é€c', [1, 3, 6, 7]],
  ] as const)('counts columns by %s in %j', (rule, text, columns) => {
    const file = new SourceFile('a', text, rule);
    expect(Array.from({ length: text.length + 1 }, (_, offset) => file.positionAt(offset).column)).toEqual(columns);
  });

  it('returns the same positions in whatever order they are asked for', () => {
    const texts = fc
      .array(fc.constantFrom('a', '\t', '\n', 'é', '😀'), { maxLength: 40 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(
        texts,
        fc.constantFrom('character', 'reference', 'reference-bytes'),
        fc.array(fc.nat({ max: 60 })),
        (text, rule, offsets) => {
          const file = new SourceFile('a', text, rule);
          for (const offset of offsets) {
            expect(file.positionAt(offset)).toEqual(new SourceFile('a', text, rule).positionAt(offset));
          }
        },
      ),
    );
  });

  it('places offsets beyond the text at its end', () => {
    const file = new SourceFile('a', 'a\nbc');
    expect(file.positionAt(100)).toEqual({ line: 2, column: 3 });
    expect(new SourceFile('a', '').positionAt(0)).toEqual({ line: 1, column: 1 });
  });
});

describe('lines', () => {
  it('returns a line by its number', () => {
    const file = new SourceFile('a', 'a\n\nbc');
    expect([0, 1, 2, 3, 4].map((line) => file.lineText(line))).toEqual(['', 'a', '', 'bc', '']);
    expect([0, 1, 2, 3, 4, 5].map((offset) => file.lineAt(offset))).toEqual([1, 1, 2, 3, 3, 3]);
  });
});
