import { describe, expect, test } from 'vitest';
import type { Codec } from '../../../runtime/json/codec.js';
import type { JsonValue } from '../../../runtime/json/value.js';
import type { QmpOddity } from '../../../runtime/qmp/link.js';
import {
  checkedBy,
  QmpSchemaError,
  type SchemaDifference,
  type SchemaParts,
  type SchemaTables,
} from '../../../runtime/qmp/validation.js';
import { codec } from '../../../runtime/visit/codec.js';
import { visitEmpty } from '../../../runtime/visit/scalars.js';
import type { Members, Visit, Visitor } from '../../../runtime/visit/visitor.js';
import { connected } from './fake-server.js';

/** As the generator writes it, for a struct of a string and an integer. */
const visitNode: Visit<{ name: string; size?: number | bigint }> = (visitor, value, name) =>
  visitor.struct(value, name, 'Node', nodeMembers) as { name: string };

function nodeMembers(visitor: Visitor, members: Members): number {
  let count = 1;
  members.name = visitor.str(members.name, 'name');
  if (members.size !== undefined) {
    count++;
    members.size = visitor.uint64(members.size, 'size');
  }
  return count;
}

const visitNodes: Visit<unknown[]> = (visitor, value, name) => visitor.list(value, name, visitNode);

const command = (name: string, args: Codec<never>, returns?: Codec<unknown>) =>
  [name, { name, arguments: args, ...(returns && { returns }), call: () => undefined }] as const;

const schema: SchemaTables = {
  commands: new Map([
    command('query-nodes', codec(visitEmpty) as never, codec(visitNodes)),
    command('add-node', codec(visitNode) as never),
  ]),
  events: new Map([
    ['NODE_ADDED', { name: 'NODE_ADDED', data: codec(visitNode) }],
    ['STOP', { name: 'STOP' }],
  ]),
};

async function validating(
  validate: 'report' | 'strict',
  answer: JsonValue = {},
  by: SchemaTables | SchemaParts = schema,
) {
  const differences: SchemaDifference[] = [];
  const oddities: QmpOddity[] = [];
  const { client, server } = await connected(
    {
      validate,
      schema: checkedBy(by),
      onDifference: (difference) => differences.push(difference),
      onOddity: (oddity) => oddities.push(oddity),
    },
    () => ({ return: answer }),
  );
  return { client, server, differences, oddities };
}

const WRONG = [{ name: 'a', size: 'big' }, { nome: 'b' }, { name: 'c', size: 2n ** 64n - 1n }];

describe('report', () => {
  test('reports every difference of a reply and passes it on', async () => {
    const { client, differences } = await validating('report', WRONG);
    expect(await client.execute('query-nodes')).toEqual(WRONG);
    expect(differences).toMatchObject([
      { name: 'query-nodes', part: 'returns', kind: 'type', path: [0, 'size'] },
      { name: 'query-nodes', part: 'returns', kind: 'missing', path: [1, 'name'] },
      { name: 'query-nodes', part: 'returns', kind: 'unexpected', path: [1, 'nome'] },
    ]);
    expect(differences[0]?.message).toBe('[0].size: expected an integer, found "big"');
  });

  test('reports nothing about a valid reply', async () => {
    const { client, server, differences } = await validating('report', [{ name: 'a' }]);
    client.on('*', () => {});
    server.event('NODE_ADDED', { name: 'a' });
    server.event('STOP');
    expect(await client.execute('query-nodes')).toEqual([{ name: 'a' }]);
    expect(differences).toEqual([]);
  });

  test('reports every difference of events and their data', async () => {
    const { client, server, differences } = await validating('report');
    const events = client.events('*');
    server.event('NODE_ADDED', { name: 1 });
    server.event('NODE_ADDED');
    server.event('STOP', { why: 'so' });
    server.event('NEW', { a: 1 });
    const seen = [await events.next(), await events.next(), await events.next(), await events.next()];
    expect(seen.map(({ value }) => [value?.event, value?.data])).toEqual([
      ['NODE_ADDED', { name: 1 }],
      ['NODE_ADDED', undefined],
      ['STOP', { why: 'so' }],
      ['NEW', { a: 1 }],
    ]);
    expect(differences).toMatchObject([
      { name: 'NODE_ADDED', part: 'data', kind: 'type', path: ['name'] },
      { name: 'NODE_ADDED', part: 'data', kind: 'missing', path: [] },
      { name: 'STOP', part: 'data', kind: 'unexpected', path: [] },
      { name: 'NEW', part: 'data', kind: 'unexpected', path: [] },
    ]);
  });

  test('a command that returns something where the schema has nothing, and one that the schema lacks', async () => {
    const { client, differences } = await validating('report', { x: 1 });
    expect(await client.execute('add-node', { name: 'a' })).toEqual({ x: 1 });
    expect(await client.execute('x-new')).toEqual({ x: 1 });
    expect(differences).toMatchObject([
      { name: 'add-node', part: 'returns', kind: 'unexpected' },
      { name: 'x-new', part: 'returns', kind: 'unexpected', message: 'the schema has no command x-new' },
    ]);
  });
});

describe('strict', () => {
  test('refuses a reply that is not as it should be', async () => {
    const { client, differences } = await validating('strict', WRONG);
    const refused = client.execute('query-nodes');
    await expect(refused).rejects.toThrow(QmpSchemaError);
    await expect(refused).rejects.toThrow(
      /^what query-nodes returned is not as the schema has it: \[0\]\.size: .*, and 2 more$/,
    );
    expect(differences).toHaveLength(3);
  });

  test('refuses arguments before they are sent', async () => {
    const { client, server } = await validating('strict');
    await expect(client.execute('add-node', { name: 5 })).rejects.toThrow(/^name: expected a string, found 5/);
    await expect(client.execute('query-nodes', { name: 5 })).rejects.toThrow(/^name: unexpected/);
    expect(server.received).toEqual([]);
    expect(await client.execute('add-node', { name: 'a', size: 2n ** 64n - 1n })).toEqual({});
  });

  test('keeps back an event that is not as it should be', async () => {
    const { client, server, oddities } = await validating('strict');
    const events = client.events('*');
    server.event('NODE_ADDED', { name: 1 });
    server.event('NODE_ADDED', { name: 'b' });
    expect((await events.next()).value?.data).toEqual({ name: 'b' });
    expect(oddities).toMatchObject([{ kind: 'invalid-event', error: expect.any(QmpSchemaError) }]);
  });

  test('passes on the reply to a command that the schema does not know', async () => {
    const { client } = await validating('strict', { x: 1 });
    expect(await client.execute('x-new', { a: 1 })).toEqual({ x: 1 });
  });
});

describe('with some entries of a schema', () => {
  const parts: SchemaParts = { commands: [...schema.commands.values()].slice(0, 1), events: [{ name: 'STOP' }] };

  test('their messages are checked, and all others pass', async () => {
    const { client, server, differences } = await validating('strict', WRONG, parts);
    const events = client.events('*');
    await expect(client.execute('query-nodes')).rejects.toThrow(QmpSchemaError);
    expect(await client.execute('add-node', { nome: 1 })).toEqual(WRONG);
    server.event('STOP', { why: 'so' });
    server.event('NODE_ADDED', { name: 1 });
    expect((await events.next()).value).toMatchObject({ event: 'NODE_ADDED', data: { name: 1 } });
    expect(new Set(differences.map(({ name }) => name))).toEqual(new Set(['query-nodes', 'STOP']));
  });

  test('replies are checked without arguments where only they are asked for', async () => {
    const replies = [{ name: 'query-nodes', returns: codec(visitNodes) }, { name: 'add-node' }];
    const { client, server } = await validating('strict', WRONG, { replies });
    await expect(client.execute('query-nodes', { name: 5 })).rejects.toThrow(QmpSchemaError);
    await expect(client.execute('add-node', { name: 5 })).rejects.toThrow(
      /^what add-node returned .*: the schema has none$/,
    );
    expect(server.received).toMatchObject([{ arguments: { name: 5 } }, { arguments: { name: 5 } }]);
  });
});
