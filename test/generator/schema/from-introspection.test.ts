import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  introspect,
  loadSchema,
  memoryHost,
  type SchemaInfo,
  schemaFromIntrospection,
} from '../../../generator/index.js';
import { corpusPath, describeWithCorpus } from '../../corpus.js';

async function load(text: string) {
  const { schema, diagnostics } = await loadSchema('schema.json', { host: memoryHost({ 'schema.json': text }) });
  expect(diagnostics).toEqual([]);
  if (!schema) throw new Error('not valid');
  return schema;
}

const source = `
  { 'pragma': { 'command-returns-exceptions': [ 'disk-set' ] } }
  { 'enum': 'Mode', 'data': [ 'on', 'off', { 'name': 'auto', 'features': [ 'unstable' ] } ] }
  { 'struct': 'Cache', 'data': { 'size': 'size', '*mode': 'Mode' } }
  { 'union': 'Disk', 'base': { 'kind': 'Mode', '*label': 'str' }, 'discriminator': 'kind', 'data': { 'on': 'Cache' } }
  { 'alternate': 'DiskRef', 'data': { 'disk': 'Disk', 'name': 'str', 'none': 'null' } }
  { 'command': 'query-disk', 'returns': [ 'Disk' ], 'features': [ 'deprecated' ] }
  { 'command': 'disk-add', 'data': { 'ref': 'DiskRef', '*cache': 'Cache' }, 'allow-oob': true }
  { 'command': 'disk-set', 'data': 'Disk', 'boxed': true, 'returns': 'any' }
  { 'event': 'DISK_GONE', 'data': { 'name': 'str' } }`;

describe('schemaFromIntrospection', () => {
  it('names types after where they are used', async () => {
    const schema = await load(source);
    const text = schemaFromIntrospection(introspect(schema, { mask: true }), 'a test');
    const made = await load(text);
    const names = made.definitions.filter(({ implicit }) => !implicit).map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        'DiskInfo',
        'DiskInfoKind',
        'DiskInfoOn',
        'DiskAddArgumentsRef',
        'query-disk',
        'DISK_GONE',
      ]),
    );
    expect(made.lookup('disk-add')).toMatchObject({ kind: 'command', allowOob: true });
    expect(text).toContain('introspection data of a test');
    expect(text).toContain('# @DiskInfoKind:\n#\n# Type of the member kind of DiskInfo.\n');
  });

  it('makes a schema with the same introspection', async () => {
    const masked = introspect(await load(source), { mask: true });
    expect(introspect(await load(schemaFromIntrospection(masked, 'a test')), { mask: true })).toHaveLength(
      masked.length,
    );
  });

  it('never names a type like an array', async () => {
    const masked = introspect(
      await load(`
        { 'struct': 'Inner', 'data': { 'x': 'int' } }
        { 'command': 'run', 'data': { 'access-list': 'Inner' } }`),
      { mask: true },
    );
    expect((await load(schemaFromIntrospection(masked, 'a test'))).lookup('RunArgumentsAccessListType')).toBeDefined();
  });

  it('excepts names that the rules would reject, and keeps the lines of documentation short', async () => {
    const masked = introspect(
      await load(`
        { 'pragma': { 'command-name-exceptions': [ 'disk_add' ], 'member-name-exceptions': [ 'Old', 'OldMode' ] } }
        { 'enum': 'OldMode', 'data': [ 'Fast', 'very_slow' ] }
        { 'struct': 'Old', 'data': { 'the_mode': 'OldMode', '*a-member-with-quite-a-long-name-that-says-all': 'Old' } }
        { 'command': 'disk_add', 'data': 'Old', 'features': [ 'a-feature-with-quite-a-long-name-that-says-everything' ] }`),
      { mask: true },
    );
    const text = schemaFromIntrospection(masked, 'a program whose name is as long as its version and vendor');
    const made = await load(text);
    expect(introspect(made, { mask: true })).toEqual(masked);
    expect(text.split('\n').filter((line) => line.startsWith('#') && line.length > 70)).toEqual([]);
  });

  it('keeps names that are not masked', async () => {
    const plain = introspect(await load(source));
    expect(introspect(await load(schemaFromIntrospection(plain, 'a test')))).toEqual(plain);
  });
});

describeWithCorpus('schemas from the introspection of releases', 'releases', () => {
  it.each(['6.0', '7.2', '9.0-rc', '10.1', '11.1'])('%s: the schema made from it says the same', async (release) => {
    const infos = JSON.parse(readFileSync(corpusPath('releases', release, 'introspect.json'), 'utf8')) as SchemaInfo[];
    const made = introspect(await load(schemaFromIntrospection(infos, release)));
    const key = (info: SchemaInfo) => `${info['meta-type']} ${info.name}`;
    const found = new Map(made.map((info) => [key(info), info]));
    for (const info of infos) {
      if (info['meta-type'] === 'command' || info['meta-type'] === 'event') expect(found.has(key(info))).toBe(true);
    }
    expect(made).toHaveLength(infos.length);
  });
});
