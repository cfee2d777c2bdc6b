import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { commands, introspection } from '../../../../generated/index.js';
import { olderForms } from '../../../../runtime/block/commands/older-forms.js';
import { connect } from '../../../../runtime/index.js';
import type { CompatPolicy } from '../../../../runtime/qmp/server/policy.js';
import { createQmpServer } from '../../../../runtime/qmp/server/server.js';

/** A client of a server that has two commands of the schema, and what those were called with. */
async function served(policy: CompatPolicy = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'qapi-ts-older-'));
  const seen: unknown[] = [];
  const note = (args: unknown) => void seen.push(args);
  const server = await createQmpServer({
    ...{ dispatch: commands, introspection, olderForms, policy },
    partial: true,
    handlers: { 'blockdev-add': note, 'object-add': note },
    listen: `unix:${join(folder, 'qmp')}`,
  });
  const client = await connect(join(folder, 'qmp'));
  onTestFinished(async () => {
    await client.close();
    await server.close();
    await rm(folder, { recursive: true });
  });
  return { client, seen };
}

const node = { driver: 'null-co', 'node-name': 'n' };

it.each([
  ['blockdev-add', { options: node }, node],
  ['blockdev-add', node, node],
  ['object-add', { 'qom-type': 'secret', id: 's', props: { data: 'x' } }, { 'qom-type': 'secret', id: 's', data: 'x' }],
])('%s of %j is read in today’s form', async (command, args, read) => {
  const { client, seen } = await served();
  await client.executeUnknown(command, args);
  expect(seen).toEqual([read]);
});

it.each([
  ['blockdev-add', { options: node, driver: 'null-co' }],
  ['blockdev-add', { options: 'n' }],
])('%s of %j is neither today’s form nor the older one', async (command, args) => {
  const { client, seen } = await served();
  await expect(client.executeUnknown(command, args)).rejects.toThrow();
  expect(seen).toEqual([]);
});

it('an older form is refused where deprecated input is', async () => {
  const { client } = await served({ deprecatedInput: 'reject' });
  await expect(client.executeUnknown('blockdev-add', { options: node })).rejects.toThrow('driver');
});

it('a server without handlers of some commands has neither them nor their types in its introspection', async () => {
  const { client } = await served();
  const schema = (await client.executeUnknown('query-qmp-schema')) as { name: string; 'meta-type': string }[];
  const names = schema.filter((entity) => entity['meta-type'] === 'command').map(({ name }) => name);
  expect(names.sort()).toEqual([
    'blockdev-add',
    'object-add',
    'qmp_capabilities',
    'query-commands',
    'query-qmp-schema',
    'query-version',
    'quit',
  ]);
  const text = JSON.stringify(schema);
  expect(text).toContain('key-secret');
  expect(text).not.toContain('bitmap-mode');
});
