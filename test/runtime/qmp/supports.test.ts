import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { JsonObject, JsonValue } from '../../../runtime/json/value.js';
import { QmpError } from '../../../runtime/qmp/error.js';
import type { AnySchema } from '../../../runtime/qmp/schema.js';
import { type Capability, supports } from '../../../runtime/qmp/supports.js';
import { corpusPath, describeWithCorpus } from '../../corpus.js';
import { connected } from './fake-server.js';

/** A small schema as a server describes it. */
const SCHEMA: JsonValue = [
  { name: 'add', 'meta-type': 'command', 'arg-type': '1', 'ret-type': '0', features: ['deprecated'] },
  { name: 'ADDED', 'meta-type': 'event', 'arg-type': '4' },
  { name: '0', 'meta-type': 'object', members: [] },
  {
    name: '1',
    'meta-type': 'object',
    members: [{ name: 'driver', type: '2' }],
    tag: 'driver',
    variants: [
      { case: 'raw', type: '3' },
      { case: 'null', type: '0' },
    ],
  },
  {
    name: '2',
    'meta-type': 'enum',
    values: ['raw', 'null'],
    members: [{ name: 'raw' }, { name: 'null', features: ['unstable'] }],
  },
  { name: '3', 'meta-type': 'object', members: [{ name: 'file', type: '5', features: ['deprecated'] }] },
  {
    name: '4',
    'meta-type': 'object',
    members: [
      { name: 'names', type: '[str]' },
      { name: 'why', type: '6' },
    ],
  },
  { name: '5', 'meta-type': 'alternate', members: [{ type: 'str' }, { type: '1' }] },
  { name: '6', 'meta-type': 'enum', values: ['so'] },
  { name: '[str]', 'meta-type': 'array', 'element-type': 'str' },
  { name: 'str', 'meta-type': 'builtin', 'json-type': 'string' },
];

describe('a server', () => {
  test.each<[Capability<AnySchema>, boolean]>([
    [{ command: 'add' }, true],
    [{ command: 'remove' }, false],
    [{ command: 'ADDED' }, false],
    [{ command: '1' }, false],
    [{ command: 'add', feature: 'deprecated' }, true],
    [{ command: 'add', feature: 'unstable' }, false],
    [{ command: 'add', argument: 'driver' }, true],
    [{ command: 'add', argument: 'driver', value: 'raw' }, true],
    [{ command: 'add', argument: 'driver', value: 'qcow2' }, false],
    [{ command: 'add', argument: 'driver', value: 'null', feature: 'unstable' }, true],
    [{ command: 'add', argument: 'driver', value: 'raw', feature: 'unstable' }, false],
    [{ command: 'add', argument: 'file' }, true],
    [{ command: 'add', argument: 'file', feature: 'deprecated' }, true],
    [{ command: 'add', argument: 'file.file.file.driver', value: 'raw' }, true],
    [{ command: 'add', argument: 'file.no' }, false],
    [{ command: 'add', returns: 'driver' }, false],
    [{ event: 'ADDED' }, true],
    [{ event: 'add' }, false],
    [{ event: 'ADDED', member: 'names' }, true],
    [{ event: 'ADDED', member: 'why', value: 'so' }, true],
    [{ event: 'ADDED', member: 'why', value: 'because' }, false],
  ])('the server supports %o: %s', async (capability, expected) => {
    const { client } = await connected({}, () => ({ return: SCHEMA }));
    expect(await supports(client, capability)).toBe(expected);
  });

  test('asks the server once per connection', async () => {
    const { client, server } = await connected({}, () => ({ return: SCHEMA }));
    await Promise.all([supports(client, { command: 'add' }), supports(client, { command: 'add' })]);
    await supports(client, { event: 'ADDED' });
    expect(server.received).toHaveLength(1);
  });

  test('asks again the next time after a query that failed', async () => {
    const { client, server } = await connected({}, () => ({ error: { class: 'CommandNotFound', desc: 'unknown' } }));
    await expect(supports(client, { command: 'add' })).rejects.toThrow(QmpError);
    server.answerWith(() => ({ return: SCHEMA }));
    expect(await supports(client, { command: 'add' })).toBe(true);
  });
});

describeWithCorpus('a storage daemon of 7.2', 'transcripts', () => {
  test.each<[Capability<AnySchema>, boolean]>([
    [{ command: 'blockdev-mirror', argument: 'copy-mode', value: 'write-blocking' }, true],
    [{ command: 'blockdev-add', argument: 'driver', value: 'qcow2' }, true],
    [{ command: 'blockdev-add', argument: 'file.backing.filename' }, true],
    [{ command: 'query-named-block-nodes', returns: 'image.backing-image.format-specific.data.compat' }, true],
    [{ command: 'query-named-block-nodes', returns: 'image.no-such-member' }, false],
    [{ event: 'BLOCK_JOB_ERROR', member: 'action', value: 'stop' }, true],
    [{ command: 'device_add' }, false],
  ])('the server supports %o: %s', async (capability, expected) => {
    const lines = readFileSync(corpusPath('transcripts/qsd-query-qmp-schema.jsonl'), 'utf8').split('\n');
    const reply = lines.find((line) => line.includes('SchemaInfo') || line.includes('meta-type')) as string;
    const { client } = await connected({}, () => ({
      return: (JSON.parse(JSON.parse(reply).raw) as JsonObject).return ?? [],
    }));
    expect(await supports(client, capability)).toBe(expected);
  });
});
