import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changeKinds, compareSchemas, introspect, schemaFromIntrospection } from '../../../generator/index.js';
import { arbitraryDefinitions, arbitrarySchema, schemaText } from '../../arbitrary-schema.js';
import { schemaOf } from './compared.js';
import { type Expression, type Planted, picks, plant, reachedFrom } from './plant.js';

const textOf = (expressions: readonly Expression[]): string => expressions.map(schemaText).join('\n');

/** What a planted change looks like: kind and commands and events, each once for every type that shows it. */
function expected(before: readonly Expression[], { kind, now, of, isEnum }: Planted): string[] {
  const side = kind.endsWith('-added') ? now : before;
  const line = (found: string, entities: readonly string[]): string[] =>
    entities.length === 0 ? [] : [`${found} ${entities.join()}`];
  if (!isEnum) return line(kind, reachedFrom(side, of));
  // A value of a discriminator is a branch of each union that it selects.
  const unions = side.filter(({ union, base }) => union !== undefined && (base as { kind?: unknown }).kind === of);
  const branch = kind === 'enum-value-added' ? 'branch-added' : 'branch-removed';
  return [
    ...unions.flatMap(({ union }) => line(branch, reachedFrom(side, union as string))),
    ...line(kind, reachedFrom(side, of)),
  ].sort();
}

/** The kind of a planted change from the other side. */
function reversed({ kind, wasMandatory }: Planted): string {
  if (kind === 'member-removed' && wasMandatory === true) return 'mandatory-member-added';
  return changeKinds[kind].reverse;
}

const linesOf = (changes: readonly { kind: string; entities: readonly string[] }[]): string[] =>
  changes.map(({ kind, entities }) => `${kind} ${entities.join()}`).sort();

describe('random schemas', () => {
  test('a planted change is found where it shows, and nothing else is', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryDefinitions, picks, async (definitions, pick) => {
        const before = definitions as Expression[];
        const planted = plant(before, pick);
        const [old, now] = [await schemaOf(textOf(before)), await schemaOf(textOf(planted.now))];
        expect(linesOf(compareSchemas(old, now))).toEqual(expected(before, planted));
      }),
      { numRuns: 400 },
    );
  }, 120_000);

  test('the comparison from the other side finds the reverse of a planted change', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryDefinitions, picks, async (definitions, pick) => {
        const before = definitions as Expression[];
        const planted = plant(before, pick);
        const [old, now] = [await schemaOf(textOf(before)), await schemaOf(textOf(planted.now))];
        const there = linesOf(compareSchemas(old, now));
        const back = compareSchemas(now, old);
        const named = there.map((line) => {
          const [kind, entities] = line.split(' ') as [Planted['kind'], string];
          return `${kind === planted.kind ? reversed(planted) : changeKinds[kind].reverse} ${entities}`;
        });
        expect(linesOf(back)).toEqual(named.sort());
        const uses = (changes: typeof back) => changes.flatMap((change) => change.uses.map(({ path }) => path)).sort();
        expect(uses(back)).toEqual(uses(compareSchemas(old, now)));
      }),
      { numRuns: 200 },
    );
  }, 120_000);

  test('a schema does not differ from itself, nor from what its introspection tells', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrarySchema, async (text) => {
        const schema = await schemaOf(text);
        expect(compareSchemas(schema, await schemaOf(text), { source: true, documentation: true })).toEqual([]);
        const made = await schemaOf(schemaFromIntrospection(introspect(schema, { mask: true }), 'a test'));
        expect(compareSchemas(schema, made, { introspection: true })).toEqual([]);
        expect(compareSchemas(made, schema, { introspection: true })).toEqual([]);
      }),
      { numRuns: 200 },
    );
  }, 120_000);
});
