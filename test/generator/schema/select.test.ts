import { describe, expect, it } from 'vitest';
import { loadSchema, memoryHost } from '../../../generator/index.js';
import { type IrEntity, modelAsJson } from '../../../generator/schema/ir.js';
import type { Schema } from '../../../generator/schema/model.js';
import { type Selection, selectSchema } from '../../../generator/schema/select.js';

async function load(text: string): Promise<Schema> {
  const { schema, diagnostics } = await loadSchema('schema.json', { host: memoryHost({ 'schema.json': text }) });
  if (!schema) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return schema;
}

/** The entities of the schema's own module in a configuration, by name. */
async function select(text: string, defines: Record<string, boolean>, onlyDefined = false) {
  const selection: Selection = { defines: new Map(Object.entries(defines)), onlyDefined };
  const selected = selectSchema(await load(text), selection);
  const entities = modelAsJson(selected).modules.flatMap((module) => module.entities);
  return { schema: selected, entities: new Map(entities.map((entity): [string, IrEntity] => [entity.name, entity])) };
}

describe('selection', () => {
  const text = `
{ 'enum': 'Color', 'data': [ 'red', { 'name': 'blue', 'if': 'BLUE' }, { 'name': 'green', 'if': 'GREEN', 'features': [ 'new' ] } ] }
{ 'struct': 'Blue', 'data': { 'depth': 'int' }, 'if': 'BLUE' }
{ 'struct': 'Green', 'data': {} }
{ 'union': 'Paint', 'base': { 'color': 'Color', '*gloss': { 'type': 'bool', 'if': { 'not': 'BLUE' } } }, 'discriminator': 'color',
  'data': { 'blue': { 'type': 'Blue', 'if': 'BLUE' }, 'green': 'Green' } }
{ 'alternate': 'Ref', 'data': { 'name': 'str', 'blue': { 'type': 'Blue', 'if': 'BLUE' } } }
{ 'command': 'paint', 'data': 'Paint', 'boxed': true, 'returns': [ 'Blue' ], 'if': { 'all': [ 'BLUE', 'GREEN' ] },
  'features': [ { 'name': 'quick', 'if': 'GREEN' } ] }
{ 'event': 'DRIED', 'data': { 'ref': 'Ref' }, 'if': { 'any': [ 'BLUE', 'GREEN' ] } }
`;

  it('keeps everything, conditions included, when nothing is known', async () => {
    const all = await load(text);
    expect(modelAsJson(selectSchema(all, { defines: new Map() }))).toEqual(modelAsJson(all));
  });

  it('leaves out what cannot exist, and with it the branches of values that cannot', async () => {
    const { entities } = await select(text, { BLUE: false });
    expect([...entities.keys()]).toEqual([
      'q_empty',
      'QType',
      'Color',
      'Green',
      'q_obj_Paint-base',
      'Paint',
      'Ref',
      'q_obj_DRIED-arg',
      'DRIED',
    ]);
    expect(entities.get('Color')).toEqual({
      kind: 'enum',
      name: 'Color',
      members: [{ name: 'red' }, { name: 'green', if: 'GREEN', features: [{ name: 'new' }] }],
    });
    expect(entities.get('q_obj_Paint-base')?.members).toEqual([
      { name: 'color', type: 'Color', optional: false },
      { name: 'gloss', type: 'bool', optional: true },
    ]);
    expect(entities.get('Paint')?.branches).toEqual([
      { name: 'green', type: 'Green' },
      { name: 'red', type: 'q_empty' },
    ]);
    expect(entities.get('Ref')?.branches).toEqual([{ name: 'name', type: 'str' }]);
    expect(entities.get('DRIED')).toHaveProperty('if');
  });

  it('drops conditions that hold', async () => {
    const { entities } = await select(text, { BLUE: true, GREEN: true });
    expect(JSON.stringify([...entities.values()])).not.toContain('"if"');
    expect(entities.get('paint')).toMatchObject({ features: [{ name: 'quick' }], returns: 'BlueList' });
    expect(entities.get('q_obj_Paint-base')?.members).toHaveLength(1);
  });

  it('treats all other symbols as undefined when asked to', async () => {
    const { entities } = await select(text, { GREEN: true }, true);
    expect(entities.has('Blue')).toBe(false);
    expect(entities.has('BlueList')).toBe(false);
    expect(entities.has('paint')).toBe(false);
    expect(entities.get('DRIED')).not.toHaveProperty('if');
  });

  it('keeps a type that something uses, and what that uses', async () => {
    const { entities } = await select(
      "{ 'struct': 'Inner', 'data': {}, 'if': 'NO' } { 'struct': 'Outer', 'data': { 'i': [ 'Inner' ] }, 'if': 'NO' } { 'command': 'c', 'data': 'Outer' }",
      { NO: false },
    );
    expect([...entities.keys()]).toEqual(['q_empty', 'QType', 'Inner', 'InnerList', 'Outer', 'c']);
  });

  it('gives a model in which all references stay inside', async () => {
    const { schema } = await select(text, { BLUE: true });
    const inside = new Set<unknown>(schema.definitions);
    for (const definition of schema.definitions) {
      expect(schema.lookup(definition.name)).toBe(definition);
      expect(definition.module.definitions).toContain(definition);
      if (definition.kind === 'array') expect(inside).toContain(definition.element);
      if (definition.kind === 'union') {
        expect(definition.base?.members).toContain(definition.tag);
        for (const { type } of definition.branches) expect(inside).toContain(type);
      }
      if (definition.kind === 'union' || definition.kind === 'struct') {
        for (const { type } of definition.members) expect(inside).toContain(type);
      }
    }
  });
});
