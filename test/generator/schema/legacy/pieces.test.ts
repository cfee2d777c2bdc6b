import fc from 'fast-check';
import { expect, test } from 'vitest';
import { loadSchema, memoryHost } from '../../../../generator/index.js';
import { compareReleases, releases } from '../../../../generator/syntax/releases.js';
import { isError } from '../../../../generator/text/diagnostic.js';

const name = fc.constantFrom(
  ...['Aa', 'Bb', 'Cc', 'Dd', 'int', 'str', 'any', 'null', 'QType', 'intList', 'q_empty', '**', 'AaKind', 'BbList'],
  ...['a', 'b', '*a', '*b', 'u', 'has-a', 'max', 'A-b', 'A_b', 'a-b', 'a_b', '9p', 'x y', ''],
);

function quoted(text: string): string {
  return `'${text}'`;
}

function object(pairs: readonly (readonly [key: string, value: string])[]): string {
  return `{ ${pairs.map(([key, value]) => `${quoted(key)}: ${value}`).join(', ')} }`;
}

const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    { weight: 6, arbitrary: name.map(quoted) },
    fc.constantFrom('true', 'false', 'null', '{}', '[]'),
    fc.array(name.map(quoted), { maxLength: 3 }).map((names) => `[ ${names.join(', ')} ]`),
    {
      weight: 4,
      arbitrary: fc
        .uniqueArray(fc.tuple(fc.oneof(name, fc.constantFrom('type', 'name', 'if')), tie('value')), {
          maxLength: 4,
          selector: ([key]) => key,
        })
        .map(object),
    },
  ),
}));

const keys = ['data', 'data', 'data', 'base', 'discriminator', 'returns', 'boxed', 'gen', 'if', 'features', 'prefix'];

/** Expressions that look like definitions, made of pieces that mean something somewhere but mostly not where they are put. */
const expression = fc
  .tuple(
    fc.constantFrom('enum', 'struct', 'union', 'alternate', 'command', 'event'),
    fc.oneof({ weight: 9, arbitrary: fc.constantFrom('Aa', 'Bb', 'Cc', 'Dd', 'a', 'b').map(quoted) }, value),
    fc.uniqueArray(fc.tuple(fc.constantFrom(...keys), value), { maxLength: 4, selector: ([key]) => key }),
  )
  .map(([meta, defined, pairs]) => object([[meta, defined], ...pairs]));

test.each(releases.filter((release) => compareReleases(release, '4.2') < 0))(
  '%s finds a schema of odd pieces good, or something wrong with the pieces',
  async (release) => {
    await fc.assert(
      fc.asyncProperty(fc.array(expression, { minLength: 1, maxLength: 6 }), async (expressions) => {
        const text = `${expressions.join('\n')}\n`;
        const host = memoryHost({ 'schema.json': text });
        const { schema, diagnostics } = await loadSchema('schema.json', { host, dialect: release });
        expect(schema === undefined).toBe(diagnostics.some(isError));
        for (const { span, definition } of diagnostics) {
          expect(span?.file.path).toMatch(/schema\.json$/);
          expect(span?.start).toBeLessThan(span?.end ?? 0);
          expect(span?.end).toBeLessThanOrEqual(text.length);
          // The culprit is inside the definition that is named with it.
          expect(definition?.span.start).toBeLessThanOrEqual(span?.start ?? -1);
          expect(definition?.span.end).toBeGreaterThanOrEqual(span?.end ?? Number.POSITIVE_INFINITY);
        }
      }),
      { numRuns: 150 },
    );
  },
);
