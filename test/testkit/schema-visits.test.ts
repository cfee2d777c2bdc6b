import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadSchema } from '../../generator/schema/load.js';
import { examine } from '../../runtime/visit/codec.js';
import { ModelVisits } from '../../testkit/schema-visits.js';
import { arbitrary } from '../arbitrary.js';
import { schemaOf } from '../cli/serve/serve.js';
import { loadGenerated } from '../generated-code.js';
import { Places, replaced } from '../places.js';
import { ownSchema } from '../qapi/schemas.js';

describe('ModelVisits', () => {
  test('the visits find what the generated functions find, in every type of our schema', {
    timeout: 120_000,
  }, async () => {
    const { schema } = await loadSchema(ownSchema);
    if (!schema) throw new Error('our schema is not valid');
    const code = await loadGenerated(schema);
    const visits = new ModelVisits();
    let wrong = 0;
    for (const type of code.types) {
      const generated = code.visit(type);
      const property = fc.property(arbitrary(type), fc.jsonValue(), fc.nat(), (value, other, seed) => {
        const { values } = placesIn(generated, value);
        const damaged = replaced(value, values[seed % values.length] ?? [], other);
        for (const candidate of [value, damaged, { ...Object(damaged), more: 1 }]) {
          const expected = examine(generated, candidate);
          expect(examine(visits.of(type), candidate)).toEqual(expected);
          wrong += expected.length;
        }
      });
      fc.assert(property, { numRuns: 5 });
    }
    expect(wrong).toBeGreaterThan(code.types.length);
  });

  test('the visits do not know what the program at hand lacks', async () => {
    const schema = await schemaOf(`
      { 'struct': 'Inner', 'data': { '*more': 'Inner', 'gone': { 'type': 'int', 'if': 'A' } } }
      { 'command': 'run', 'data': { 'inner': 'Inner' } }`);
    const type = schema.lookup('Inner');
    if (type?.kind !== 'struct') throw new Error('no struct');
    const reduced = new ModelVisits((part) => part.condition === undefined).of(type);
    expect(examine(reduced, { more: {} })).toEqual([]);
    expect(examine(reduced, { more: { gone: 1 } })).toMatchObject([{ kind: 'unexpected', path: ['more', 'gone'] }]);
    expect(examine(new ModelVisits().of(type), {})).toMatchObject([{ kind: 'missing', path: ['gone'] }]);
  });
});

function placesIn(visit: (visitor: Places, value: unknown) => unknown, value: unknown): Places {
  const places = new Places();
  visit(places, value);
  return places;
}
