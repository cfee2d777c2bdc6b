import fc from 'fast-check';
import { expect, test } from 'vitest';
import { unifiedDiff } from '../../../../generator/emit/output/diff.js';

test('shows what differs with three lines around it', () => {
  const before = ['1', '2', '3', '4', '5', '6', '7', '8', '9', ''].join('\n');
  const after = ['1', '2', '3', '4', 'five', '6', '7', '8', '9', '10', ''].join('\n');
  expect(unifiedDiff('a.ts', before, after)).toBe(
    [
      '--- a.ts',
      '+++ a.ts (generated)',
      '@@ -2 +2 @@',
      ' 2',
      ' 3',
      ' 4',
      '-5',
      '+five',
      ' 6',
      ' 7',
      ' 8',
      ' 9',
      '+10',
      '',
    ].join('\n'),
  );
});

test('cuts what is too long to read', () => {
  const lines = Array.from({ length: 100 }, (_, index) => `line ${index}`).join('\n');
  expect(unifiedDiff('a.ts', '', lines, 10)).toMatch(/\n… 91 more lines\n$/);
});

/** Applies a difference that shows every line. */
function applied(diff: string, sign: '-' | '+'): string[] {
  return diff
    .split('\n')
    .slice(2, -1)
    .filter((line) => line.startsWith(' ') || line.startsWith(sign))
    .map((line) => line.slice(1));
}

test('is a difference between the two texts, and a shortest one for small changes', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(text, text, (before, after) => {
      fc.pre(before.join() !== after.join());
      // Identical lines around make sure that every line is shown.
      const diff = unifiedDiff('x', before.join('\n'), after.join('\n'), 1000);
      const shown = applied(diff, '-');
      expect(before.join('\n')).toContain(shown.join('\n'));
      expect(after.join('\n')).toContain(applied(diff, '+').join('\n'));
      const removed = diff.split('\n').filter((line) => line.startsWith('-') && !line.startsWith('---')).length;
      expect(removed).toBe(before.length - longestCommon(before, after));
    }),
  );
});

function longestCommon(a: readonly string[], b: readonly string[]): number {
  let row = new Array<number>(b.length + 1).fill(0);
  for (const item of a) {
    const next = [0];
    b.forEach((other, index) => {
      next.push(
        item === other ? (row[index] as number) + 1 : Math.max(row[index + 1] as number, next[index] as number),
      );
    });
    row = next;
  }
  return row.at(-1) as number;
}
