import { describe, expect, test } from 'vitest';
import { loadSchema } from '../../generator/schema/load.js';
import type { Schema, Type } from '../../generator/schema/model.js';
import { examine } from '../../runtime/visit/codec.js';
import { ModelVisits } from '../../testkit/schema-visits.js';
import { Values } from '../../testkit/values.js';
import { schemaOf } from '../cli/serve/serve.js';

const ours = (await loadSchema('qapi/qapi-schema.json')).schema as Schema;

/** What is wrong with values of all types that commands and events of our schema use. */
function problemsOf(values: Values): string[] {
  const visits = new ModelVisits();
  return ours.definitions.flatMap((definition) => {
    const types: (Type | undefined)[] =
      definition.kind === 'command'
        ? [definition.arguments, definition.returns]
        : definition.kind === 'event'
          ? [definition.arguments]
          : [];
    return types.flatMap((type) =>
      type ? examine(visits.of(type), values.of(type)).map(({ message }) => `${definition.name}: ${message}`) : [],
    );
  });
}

describe('values of a schema', () => {
  test('the plain values of all commands and events of our schema are valid', () => {
    expect(problemsOf(new Values())).toEqual([]);
  });

  test.each([1, 2, 3, 4])(
    'the random values of seed %i are valid for all commands and events of our schema',
    (seed) => {
      expect(problemsOf(new Values({ seed }))).toEqual([]);
    },
  );

  test('the same seed gives the same values, and another one others', () => {
    const type = ours.lookup('ImageInfo') as Type;
    const of = (seed: number) => new Values({ seed }).of(type);
    expect(of(7)).toEqual(of(7));
    expect(of(7)).not.toEqual(of(8));
  });

  test('a plain value says by its strings whose they are, and a type that holds itself ends', async () => {
    const schema = await schemaOf(
      "{ 'struct': 'Node', 'data': { 'node-name': 'str', 'children': ['Node'], '*next': 'Node' } }\n" +
        "{ 'command': 'query-node', 'returns': 'Node' }",
    );
    const node = schema.lookup('Node') as Type;
    const plain = new Values().of(node) as { children: unknown[] };
    expect(plain).toMatchObject({ 'node-name': 'node-name0', children: [{ 'node-name': 'node-name0' }] });
    expect(plain).not.toHaveProperty('next');
    for (let seed = 0; seed < 50; seed++) expect(new Values({ seed }).of(node)).toBeDefined();
  });
});
