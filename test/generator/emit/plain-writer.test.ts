import fc from 'fast-check';
import { CodeBlockWriter, type OptionalKind, type PropertySignatureStructure, Writers } from 'ts-morph';
import { expect, test } from 'vitest';
import { PlainWriter } from '../../../generator/emit/plain-writer.js';

const doc = fc
  .array(fc.stringMatching(/^([\w '"`@{}()-]{0,20}[\w)`])?$/), { minLength: 1, maxLength: 4 })
  .filter(([line]) => line !== '')
  .map((lines) => (lines.length === 1 ? (lines[0] as string) : `\n${lines.join('\n')}`));

const property: fc.Arbitrary<OptionalKind<PropertySignatureStructure>> = fc.record(
  {
    name: fc.constantFrom('a', "'b-c'", 'constructor'),
    type: fc.constantFrom('string', "'x'", 'Record<string, never>', '{ data: number }', 'A & B'),
    hasQuestionToken: fc.boolean(),
    docs: fc.array(doc, { minLength: 1, maxLength: 1 }),
  },
  { requiredKeys: ['name', 'type'] },
);

test("interfaces are printed as with ts-morph's own writer", () => {
  fc.assert(
    fc.property(fc.array(property, { maxLength: 6 }), (properties) => {
      const plain = new PlainWriter();
      const own = new CodeBlockWriter({ indentNumberOfSpaces: 2, useSingleQuote: true });
      for (const writer of [plain.asCodeBlockWriter(), own]) {
        writer.write('export interface A ');
        Writers.objectType({ properties })(writer);
        writer.newLine();
      }
      expect(plain.toString()).toBe(own.toString());
    }),
  );
});
