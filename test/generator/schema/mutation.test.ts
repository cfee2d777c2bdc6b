import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { introspect, loadSchema, memoryHost } from '../../../generator/index.js';
import { modelAsJson } from '../../../generator/schema/ir.js';
import { dialectNames } from '../../../generator/syntax/dialect.js';
import { isError } from '../../../generator/text/diagnostic.js';
import type { Span } from '../../../generator/text/source-file.js';
import { arbitrarySchema } from '../../arbitrary-schema.js';

/** What may come in the place of a token: keys, names and values that mean something somewhere, and some that never do. */
const replacements = [
  ...['{', '}', '[', ']', ':', ',', 'true', 'false', 'null', '#', '##', '\n##\n# @x:\n##\n', "'", '"', '\\', '7', 'é'],
  ...['struct', 'union', 'enum', 'alternate', 'command', 'event', 'include', 'pragma'].map((key) => `'${key}'`),
  ...['data', 'base', 'discriminator', 'type', 'name', 'if', 'features', 'boxed', 'gen'].map((key) => `'${key}'`),
  ...['Struct0x', 'Union0x', 'Enum0x', 'Alt0x', 'intList', 'q_empty', 'str', 'any', '**', ''].map(
    (name) => `'${name}'`,
  ),
  ...['deprecated', 'all', 'not', 'A', 'defined(A) && B', '*', '*a', '__x_', 'schema.json'].map((name) => `'${name}'`),
] as const;

type Mutation = readonly ['remove' | 'double' | 'swap' | string, number];
const mutation: fc.Arbitrary<Mutation> = fc.tuple(
  fc.oneof(fc.constantFrom('remove', 'double', 'swap'), fc.constantFrom(...replacements)),
  fc.nat(),
);

function mutate(text: string, mutations: readonly Mutation[]): string {
  const tokens = text.match(/'[^']*'|\w+|\s+|./gu) ?? [];
  for (const [what, place] of mutations) {
    const index = place % Math.max(tokens.length, 1);
    const token = tokens[index] ?? '';
    const other = tokens[(place * 7 + 3) % Math.max(tokens.length, 1)] ?? '';
    if (what === 'remove') tokens.splice(index, 1);
    else if (what === 'double') tokens.splice(index, 0, token);
    else tokens[index] = what === 'swap' ? other : what;
  }
  return tokens.join('');
}

function expectInside({ file, start, end }: Span): void {
  expect(start).toBeGreaterThanOrEqual(0);
  expect(end).toBeGreaterThanOrEqual(start);
  expect(end).toBeLessThanOrEqual(file.text.length);
}

describe('a mutated schema', () => {
  it('a mutated schema either loads or has errors, all of them inside the file', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitrarySchema,
        fc.array(mutation, { maxLength: 6 }),
        fc.constantFrom(...dialectNames),
        async (text, mutations, dialect) => {
          const host = memoryHost({ 'schema.json': mutate(text, mutations) });
          const { schema, diagnostics } = await loadSchema('schema.json', { dialect, host });
          expect(diagnostics.some(isError)).toBe(schema === undefined);
          for (const { span, definition, related, message } of diagnostics) {
            expect(message).not.toMatch(/undefined|\[object/);
            for (const place of [span, definition?.span, ...related.map((other) => other.span)]) {
              if (place) expectInside(place);
            }
          }
          if (!schema) return;
          expect(modelAsJson(schema).modules).toHaveLength(2);
          expect(introspect(schema)).toBeInstanceOf(Array);
        },
      ),
      { numRuns: 400 },
    );
  });
});
