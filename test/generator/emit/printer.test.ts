import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DeclarationPrinter } from '../../../generator/emit/declarations.js';
import { declarationsIn } from '../../declarations.js';

/** A line of a comment, which may try to end it. */
const line = fc.stringMatching(/^\w([\w '"`(){}*/-]{0,20}\w)?$/);
const members = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('a', 'node-name', 'constructor', '4k', '__proto__'),
    optional: fc.boolean(),
    type: fc.constantFrom('string', "'x'", 'Record<string, never>', '{ data: number }', 'A & B'),
    lines: fc.array(line, { maxLength: 3 }),
  }),
  { selector: ({ name }) => name },
);

test('an interface that is read again has the members, types and comments that were printed', () => {
  fc.assert(
    fc.property(members, fc.array(line, { maxLength: 2 }), (properties, lines) => {
      const printer = new DeclarationPrinter();
      printer.interface(
        'Printed',
        ['Base'],
        properties.map(({ name, lines, ...rest }) => ({ ...rest, name: `'${name}'`, comment: () => lines })),
        () => lines,
      );
      const read = declarationsIn(printer.toString()).interfaces.get('Printed');
      expect(read?.bases).toEqual(['Base']);
      expect(read?.comment?.text).toBe(commentText(lines));
      expect([...(read?.members.values() ?? [])]).toEqual(
        properties.map(({ lines, ...rest }) => ({
          ...rest,
          comment: lines.length === 0 ? undefined : { text: commentText(lines), tags: [] },
        })),
      );
    }),
    { seed: 8 },
  );
});

/** What ends a comment is written otherwise. */
function commentText(lines: readonly string[]): string | undefined {
  return lines.length === 0 ? undefined : lines.join('\n').replaceAll('*/', '*\\/');
}

test('comments are made last: they may refer to what is declared later', () => {
  const printer = new DeclarationPrinter();
  const declared: string[] = [];
  for (const name of ['First', 'Second']) {
    printer.union(name, ['string'], () => [`beside ${declared.join(' and ')}`]);
    declared.push(name);
  }
  printer.code('export const code = 1;\n');
  expect(printer.toString()).toBe(
    '/** beside First and Second */\nexport type First = string;\n\n' +
      '/** beside First and Second */\nexport type Second = string;\n\n' +
      'export const code = 1;\n',
  );
});

test('long declarations are broken, one element to a line or as many as fit', () => {
  const printer = new DeclarationPrinter();
  const values = Array.from({ length: 12 }, (_, index) => `value-number-${index}`);
  printer.enum('Long', values);
  printer.interface('Short', [], []);
  const text = printer.toString();
  expect(Math.max(...text.split('\n').map((row) => row.length))).toBeLessThanOrEqual(120);
  expect(text).toContain("export type Long =\n  | 'value-number-0'\n  | 'value-number-1'\n");
  expect(text).toContain('export interface Short {}\n');
  expect(declarationsIn(text).aliases.get('Long')?.type).toBe(values.map((value) => `'${value}'`).join(' | '));
});
