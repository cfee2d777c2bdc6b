import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyPatch } from 'diff';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { unifiedDiff } from '../../../../generator/emit/output/patch.js';
import { describeWithPrograms } from '../../../system/programs.js';

test('shows what differs with three lines around it, and how many lines there are', () => {
  const before = ['1', '2', '3', '4', '5', '6', '7', '8', '9', ''].join('\n');
  const after = ['1', '2', '3', '4', 'five', '6', '7', '8', '9', '10', ''].join('\n');
  expect(unifiedDiff('a.ts', before, after)).toBe(
    [
      '--- a.ts',
      '+++ a.ts\t(generated)',
      '@@ -2,8 +2,9 @@',
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

/** Texts of few different lines, some of which repeat; the last one may have no end. */
const text = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 12 }), fc.constantFrom('', '\n'))
  .map(([lines, end]) => lines.join('\n') + end);

/** Two texts whose difference once was a wrong one. */
const repeating: [before: string, after: string] = ['a\na\nc\nb\na\nc\nc', 'c\na\na\nc\nb\na\nc\nc\na'];

test.each([{ seed: 1357852065 }, { seed: 1 }])(
  'turns the one text into the other, in the fewest lines, with %j',
  (run) => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(before !== after);
        const diff = unifiedDiff('x', before, after);
        expect(applyPatch(before, diff)).toBe(after);
        const removed = diff.split('\n').filter((line) => line.startsWith('-') && !line.startsWith('---')).length;
        expect(removed).toBe(linesOf(before).length - longestCommon(linesOf(before), linesOf(after)));
      }),
      { ...run, examples: [repeating] },
    );
  },
);

test('replaces every line where more differ than are compared', () => {
  const numbered = (word: string): string => Array.from({ length: 3000 }, (_, index) => `${word} ${index}\n`).join('');
  const diff = unifiedDiff('x', numbered('old'), numbered('new'));
  expect(diff).toContain('@@ -1,3000 +1,3000 @@\n');
  expect(applyPatch(numbered('old'), diff)).toBe(numbered('new'));
});

describeWithPrograms('the program `patch`', ['patch'], () => {
  test('takes the one text to the other', () => {
    const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-patch-'));
    try {
      for (const [before, after] of [repeating, ...fc.sample(fc.tuple(text, text), { seed: 2, numRuns: 50 })]) {
        if (before === after) continue;
        writeFileSync(join(folder, 'x'), before);
        const { status, stdout } = spawnSync('patch', ['-p0', '--fuzz=0'], {
          cwd: folder,
          input: unifiedDiff('x', before, after),
          encoding: 'utf8',
        });
        expect({ status, stdout }).toEqual({ status: 0, stdout: 'patching file x\n' });
        expect(readFileSync(join(folder, 'x'), 'utf8')).toBe(after);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** Lines with their ends: a last line without one is another line. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+/g) ?? [];
}

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
