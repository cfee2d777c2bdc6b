import { expect, onTestFinished, test } from 'vitest';
import type { Schema } from '../../../generator/schema/model.js';
import { connect, type QmpClient } from '../../../runtime/qmp/client.js';
import { ConformanceError, checkConformance, WireWatch } from '../../../testkit/index.js';
import { schemaOf } from '../../cli/serve/serve.js';
import { type Deviation, serveSchema } from './model-server.js';

const text = `
{ 'pragma': { 'command-returns-exceptions': [ 'query-qmp-schema' ] } }
{ 'command': 'query-qmp-schema', 'returns': [ 'any' ], 'gen': false }
{ 'command': 'qmp_capabilities', 'data': { '*enable': [ 'str' ] }, 'allow-oob': true }
{ 'struct': 'Version', 'data': { 'major': 'int', 'minor': 'int', 'micro': 'int' } }
{ 'struct': 'VersionInfo', 'data': { 'qemu': 'Version', 'package': 'str' } }
{ 'command': 'query-version', 'returns': 'VersionInfo' }
{ 'struct': 'CommandInfo', 'data': { 'name': 'str' } }
{ 'command': 'query-commands', 'returns': [ 'CommandInfo' ] }
{ 'command': 'quit' }
{ 'struct': 'State', 'data': { 'heat': 'int' } }
{ 'command': 'query-state', 'returns': 'State' }
{ 'event': 'HOT', 'data': { 'heat': 'int' } }`;

const schema: Schema = await schemaOf(text);

async function connected(deviation?: Deviation, options: Parameters<typeof connect>[1] = {}): Promise<QmpClient> {
  const client = await connect(await serveSchema(schema, deviation), options);
  onTestFinished(() => client.close());
  return client;
}

const problemsIn = ({ checks }: Awaited<ReturnType<typeof checkConformance>>): readonly string[] =>
  checks.flatMap(({ problems }) => problems);

test('checkConformance finds nothing wrong with a program that speaks the schema, and leaves its client open', async () => {
  const client = await connected();
  const conformance = await checkConformance(client, schema);
  expect(problemsIn(conformance)).toEqual([]);
  expect(conformance.ok).toBe(true);
  expect(conformance.checks.map(({ group, name }) => `${group} ${name}`)).toContain('queries query-state');
  expect(client.connected).toBe(true);
});

test('checkConformance names the event whose data is not as in the schema, for any client', async () => {
  const client = await connected({ event: { name: 'HOT', data: { heat: 'very' }, after: 'query-state' } });
  const conformance = await checkConformance(client, schema);
  expect(conformance.ok).toBe(false);
  expect(problemsIn(conformance)).toEqual([expect.stringMatching(/^HOT\.data: heat: /)]);
});

test('checkConformance finds members beside the reply only where the wire is watched', async () => {
  const deviation: Deviation = { wire: (message) => ({ ...message, ...('return' in message && { extra: 1 }) }) };
  expect((await checkConformance(await connected(deviation), schema)).ok).toBe(true);
  const wire = new WireWatch();
  const watched = await checkConformance(await connected(deviation, { onWire: wire.onWire }), schema, { wire });
  expect(problemsIn(watched)).toContain("query-state: the reply has a member 'extra' beside 'return'");
});

test('checkConformance refuses a program that does not describe itself', async () => {
  const client = await connected({ infos: () => [{ name: 1 } as never] });
  await expect(checkConformance(client, schema)).rejects.toThrow(ConformanceError);
});
