/** Uses all that the package offers: the generator as a library, and a client and a server on generated code. */
import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkSchema, defineConfig, generate, introspect, loadSchema, memoryHost } from 'qapi-ts';
import { BlockError } from 'qapi-ts/block';
import { connect, createQmpServer, decode, QmpError, VisitError } from 'qapi-ts/runtime';
import { checkConformance, ModelVisits, mockQmp } from 'qapi-ts/testkit';
import type { Commands, Disk, Events } from './generated/client.js';
import { commands, emitDiskAdded, events, introspection, visitDisk } from './generated/index.js';
import type { BlockdevOptions } from './generated-block/client.js';

const { schema } = await loadSchema('schema.json');
assert(schema);
assert.equal(generate(schema, { targets: ['types'] }).length, 2);
assert(introspect(schema).some((entity) => entity.name === 'query-disks'));
const host = memoryHost({ 'a.json': "{ 'command': 'x', 'data': 'Y' }" });
assert.equal((await checkSchema('a.json', { host })).length, 1);
assert.equal(defineConfig({ schema: 'schema.json' }).schema, 'schema.json');

// A class is the same class through every door.
assert(new BlockError('x') instanceof QmpError);

const options: BlockdevOptions = { driver: 'file', filename: 'disk.img' };
assert.equal(options.driver, 'file');

const disk: Disk = { id: 'd0', format: 'qcow2', 'l2-entries': 2n ** 60n };
assert.deepEqual(decode(visitDisk, { ...disk }), disk);
assert.throws(() => decode(visitDisk, { id: 'd0', format: 'qcow2' }), VisitError);

const disks: Disk[] = [];
const path = join(await mkdtemp(join(tmpdir(), 'qapi-ts-')), 'qmp.sock');
await using server = await createQmpServer({
  dispatch: commands,
  events,
  introspection,
  listen: { path },
  handlers: (sink) => ({
    'disk-add'(added) {
      disks.push(added);
      emitDiskAdded(sink, { id: added.id });
    },
    'query-disks': () => disks,
  }),
});
await using client = await connect<{ commands: Commands; events: Events }>({ path });
const added = client.waitFor('DISK_ADDED');
await client.execute('disk-add', disk);
assert.equal((await added).data.id, 'd0');
assert.deepEqual(await client.execute('query-disks'), [disk]);
const { checks } = await checkConformance(client, schema);
assert.deepEqual(checks.find(({ group, name }) => group === 'queries' && name === 'query-disks')?.problems, []);
const diskType = schema.lookup('Disk');
assert(diskType?.kind === 'union');
assert.throws(() => decode(new ModelVisits().of(diskType), { id: 'd0', format: 'qcow2' }), VisitError);

await using mock = await mockQmp({ commands, events, introspection });
mock.expect('query-disks').reply([disk]);
await using tester = await connect<{ commands: Commands; events: Events }>(mock.address);
assert.deepEqual(await tester.execute('query-disks'), [disk]);
mock.verify();
console.log(`${server.addresses[0]} served ${disks.length} disk`);
