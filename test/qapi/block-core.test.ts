import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { introspect } from '../../generator/index.js';
import { compareIntrospection } from '../../generator/schema/compare.js';
import type { SchemaInfo } from '../../generator/schema/introspect.js';
import type { Definition, Schema } from '../../generator/schema/model.js';
import { corpusPath, describeWithCorpus } from '../corpus.js';
import { type DefinitionFacts, factsOf } from './definition-facts.js';
import { load, ownDefinitions, ownSchema } from './schemas.js';
import { commentedSince, documentedSince } from './since.js';

const release = 'releases/2.8-dev';

/** Neighbours of block core that have today's form, not that of October 2016. */
const modern = new Set([
  'object-add',
  'qmp_capabilities',
  'query-qmp-schema',
  'SchemaInfo',
  'SchemaInfoCommand',
  'SchemaInfoEnum',
  'SchemaInfoObjectMember',
]);

/** Values and branches that definitions of block core have from later releases. */
const later = new Set<unknown>(['nbd', 'nbd: BlockdevOptionsNbd']);
/** What these are on the wire. */
const laterOnTheWire = ['blockdev-add.arguments.options<nbd>', "blockdev-add.arguments.options.driver='nbd'"];

describeWithCorpus('block core, compared with that of October 2016', release, () => {
  let ours: Schema;
  let theirs: Schema;
  let wire: SchemaInfo[];
  let theirWire: SchemaInfo[];
  /** Their definitions in `block-core.json`. */
  let blockCore: Definition[];
  /** Our definitions elsewhere that they have too. */
  let neighbours: Definition[];

  beforeAll(async () => {
    ours = await load(ownSchema, '10.1');
    theirs = await load(corpusPath(release, 'qapi-schema.json'), '2.8');
    wire = introspect(ours);
    theirWire = JSON.parse(readFileSync(corpusPath(release, 'introspect.json'), 'utf8')) as SchemaInfo[];
    blockCore = ownDefinitions(theirs).filter(({ module }) => module.name === 'qapi/block-core.json');
    neighbours = ownDefinitions(ours).filter(
      ({ module, name }) => module.name !== 'block-core.json' && theirs.lookup(name) && !modern.has(name),
    );
  });

  it('the schema is the same on the wire as that of QEMU', () => {
    const entities = blockCore.filter(isEntity);
    expect(entities).toHaveLength(40);
    const differences = compareIntrospection(theirWire, wire, { names: entities.map(({ name }) => name) });
    expect(differences.map(({ message }) => message)).toEqual(laterOnTheWire.map(() => 'is unexpected'));
    expect(new Set(differences.map(({ path }) => path))).toEqual(new Set(laterOnTheWire));
  });

  it('the schema has the same definitions in the same modules', () => {
    expect(blockCore).toHaveLength(104);
    const own = blockCore.flatMap(({ name }) => ours.lookup(name) ?? []);
    expect(collect(own, factsOfThen)).toEqual(collect(blockCore, factsOf));
    expect(new Set(own.map(({ module }) => module.name))).toEqual(new Set(['block-core.json']));
  });

  it('definitions name the same releases, wherever these are known', () => {
    const own = blockCore.flatMap(({ name }) => ours.lookup(name) ?? []);
    expect(collect(own, documentedSince)).toMatchObject(collect(blockCore, commentedSince));
  });

  it('the neighbouring modules are the same, on the wire and as definitions', () => {
    const entities = neighbours.filter(isEntity);
    expect(entities).toHaveLength(22);
    expect(compareIntrospection(theirWire, wire, { names: entities.map(({ name }) => name) })).toEqual([]);
    // A struct called `String` would hide JavaScript's: ours is `FdSocketAddress`.
    const alike = neighbours.filter(({ name }) => name !== 'SocketAddress');
    const counterparts = alike.flatMap(({ name }) => theirs.lookup(name) ?? []);
    expect(collect(alike, factsOf)).toEqual(collect(counterparts, factsOf));
  });
});

/** The facts of a definition without what has come later. */
function factsOfThen(definition: Definition): DefinitionFacts {
  const facts = Object.entries(factsOf(definition));
  const without = (value: unknown) => (Array.isArray(value) ? value.filter((each) => !later.has(each)) : value);
  return Object.fromEntries(facts.map(([name, value]) => [name, without(value)]));
}

function isEntity({ kind }: Definition): boolean {
  return kind === 'command' || kind === 'event';
}

/** One fact of each definition, by the definition's name. */
function collect<F>(definitions: readonly Definition[], fact: (definition: Definition) => F): Record<string, F> {
  return Object.fromEntries(definitions.map((definition) => [definition.name, fact(definition)]));
}
