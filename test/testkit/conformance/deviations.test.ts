import { beforeAll, describe, expect, test } from 'vitest';
import type { SchemaInfo } from '../../../generator/schema/introspect.js';
import type { Schema } from '../../../generator/schema/model.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../runtime/json/value.js';
import { QmpError } from '../../../runtime/qmp/error.js';
import { folderWith, qapiTs, type Ran } from '../../cli/command-line.js';
import { schemaOf } from '../../cli/serve/serve.js';
import { changed, type Deviation, type Entry, overlooking, serveSchema } from './model-server.js';

const text = `
{ 'pragma': { 'command-returns-exceptions': [ 'query-qmp-schema' ] } }
{ 'command': 'qmp_capabilities', 'data': { '*enable': [ 'str' ] }, 'allow-oob': true }
{ 'struct': 'Version', 'data': { 'major': 'int', 'minor': 'int', 'micro': 'int' } }
{ 'struct': 'VersionInfo', 'data': { 'qemu': 'Version', 'package': 'str' } }
{ 'command': 'query-version', 'returns': 'VersionInfo' }
{ 'struct': 'CommandInfo', 'data': { 'name': 'str' } }
{ 'command': 'query-commands', 'returns': [ 'CommandInfo' ] }
{ 'command': 'query-qmp-schema', 'returns': [ 'any' ], 'gen': false }
{ 'command': 'quit' }
{ 'enum': 'Driver', 'data': [ 'file', 'raw', 'null' ] }
{ 'struct': 'File', 'data': { 'filename': 'str', '*locking': 'bool' } }
{ 'struct': 'Raw', 'data': { 'file': 'NodeRef', '*offset': 'uint16' } }
{ 'union': 'Node', 'base': { 'driver': 'Driver', '*label': 'str' }, 'discriminator': 'driver',
  'data': { 'file': 'File', 'raw': 'Raw' } }
{ 'alternate': 'NodeRef', 'data': { 'definition': 'Node', 'reference': 'str' } }
{ 'command': 'node-add', 'data': 'Node', 'boxed': true }
{ 'command': 'node-del', 'data': { 'label': 'str' }, 'features': [ 'deprecated' ] }
{ 'command': 'node-tune', 'data': { 'label': 'str', '*modes': [ 'Driver' ], '*depth': 'uint8' }, 'allow-oob': true }
{ 'struct': 'NodeInfo', 'data': { 'label': 'str', 'driver': 'Driver', 'depth': 'uint8', '*size': 'size' } }
{ 'command': 'query-nodes', 'returns': [ 'NodeInfo' ] }
{ 'command': 'query-node', 'returns': 'NodeInfo' }
{ 'event': 'NODE_GONE', 'data': { 'label': 'str' } }`;

const entry = (commands: Map<string, Entry>, name: string): Entry => commands.get(name) as Entry;

/** A server whose query returns this. */
const returning = (value: (info: JsonObject) => JsonValue): Deviation => ({
  commands: (commands) => {
    const query = entry(commands, 'query-node');
    const call = query.call;
    query.call = (...parameters) => value(call(...parameters) as JsonObject);
    query.returns = { ...query.returns, encode: (result: unknown) => result as JsonValue } as NonNullable<
      Entry['returns']
    >;
  },
});

/** A server that overlooks some fault in the arguments of a command. */
const lenient = (name: string, mend: (args: JsonObject) => JsonValue): Deviation => ({
  commands: (commands) => overlooking(entry(commands, name), mend),
});

/** A server that answers wrong arguments with this error. */
const failing = (error: QmpError): Deviation => ({
  commands: (commands) => {
    const del = entry(commands, 'node-del');
    del.arguments = {
      ...del.arguments,
      decode: () => {
        throw error;
      },
    };
  },
});

const wire = (change: (message: JsonObject) => JsonObject): Deviation => ({ wire: change });

/** A server whose `query-commands` returns other names. */
const listing = (change: (names: JsonValue[]) => JsonValue[]): Deviation =>
  wire((message) => {
    const { return: list } = message;
    if (!Array.isArray(list) || !list.every((item) => isJsonObject(item) && Object.keys(item).join() === 'name')) {
      return message;
    }
    const names = list.map((item) => (item as JsonObject).name as JsonValue);
    return { ...message, return: change(names).map((name) => ({ name })) };
  });

const object = (member: string, change: (info: Extract<SchemaInfo, { 'meta-type': 'object' }>) => void): Deviation => ({
  infos: (infos) => changed(infos, 'object', ({ members }) => members.some(({ name }) => name === member), change),
});

const command = (name: string, change: (info: Extract<SchemaInfo, { 'meta-type': 'command' }>) => void): Deviation => ({
  infos: (infos) => changed(infos, 'command', (info) => info.name === name, change),
});

/** Each deviation alone, and one line of what must be said about it. */
const deviations: readonly (readonly [name: string, deviation: Deviation, problem: string])[] = [
  // What it says of itself.
  [
    'a command is not described',
    { infos: (infos) => infos.filter(({ name }) => name !== 'node-del') },
    'node-del: is missing',
  ],
  [
    'a command is described that the schema does not have',
    { infos: (infos) => [...infos, { ...(infos.find(({ name }) => name === 'quit') as SchemaInfo), name: 'x-extra' }] },
    'x-extra: is unexpected',
  ],
  [
    'an event is not described',
    { infos: (infos) => infos.filter(({ name }) => name !== 'NODE_GONE') },
    'NODE_GONE: is missing',
  ],
  [
    'a command is described twice',
    { infos: (infos) => [...infos, infos.find(({ name }) => name === 'quit') as SchemaInfo] },
    'quit: is described twice',
  ],
  [
    'an argument is not described',
    object('modes', (info) => info.members.splice(1, 1)),
    'node-tune.arguments.modes: is missing',
  ],
  [
    'an argument is described as optional',
    object('modes', (info) => Object.assign(info.members[0] as object, { default: null })),
    'node-tune.arguments.label: optional, not required',
  ],
  [
    'an argument is described with another type',
    object('modes', (info) => Object.assign(info.members[2] as object, { type: 'str' })),
    'node-tune.arguments.depth: string, not int',
  ],
  [
    'a result has one more member',
    object('size', (info) => info.members.push({ name: 'extra', type: 'str' })),
    'query-nodes.returns[].extra: is unexpected',
  ],
  [
    'a value of an enum is not described',
    {
      infos: (infos) =>
        changed(
          infos,
          'enum',
          ({ values }) => values.includes('raw'),
          (info) => {
            info.values.pop();
            info.members?.pop();
          },
        ),
    },
    "node-add.arguments.driver='null': is missing",
  ],
  [
    'a branch is not described',
    object('driver', (info) => {
      info.variants = (info.variants ?? []).filter((variant) => variant.case !== 'file');
    }),
    'node-add.arguments<file>: is missing',
  ],
  [
    'the tag is another member',
    object('driver', (info) => {
      info.tag = 'label';
    }),
    "node-add.arguments: tag 'label', not tag 'driver'",
  ],
  [
    'out-of-band execution is not described',
    command('node-tune', (info) => {
      info['allow-oob'] = false;
    }),
    'node-tune: in band only, not out of band allowed',
  ],
  [
    'a feature is not described',
    command('node-del', (info) => delete info.features),
    "node-del: feature 'deprecated' is missing",
  ],
  // What its queries return.
  ['a reply lacks a member', returning(({ label: _, ...info }) => info), 'query-node.returns: label: missing'],
  ['a reply has a member of another type', returning((info) => ({ ...info, label: 1 })), 'query-node.returns: label'],
  ['a reply has an unknown value', returning((info) => ({ ...info, driver: 'new' })), 'query-node.returns: driver'],
  ['a reply has a number out of range', returning((info) => ({ ...info, depth: 256 })), 'query-node.returns: depth'],
  ['a reply has an unknown member', returning((info) => ({ ...info, more: 1 })), 'query-node.returns: more'],
  ['a reply is a list', returning((info) => [info]), 'query-node.returns: '],
  [
    'a command is described, but not there',
    { commands: (commands) => commands.delete('query-node') },
    'query-node: it is described, but not there',
  ],
  [
    'query-commands lists what is not described',
    listing((names) => [...names, 'x-secret']),
    'x-secret: query-commands lists it, query-qmp-schema does not describe it',
  ],
  [
    'query-commands does not list what is there',
    listing((names) => names.filter((name) => name !== 'node-del')),
    'node-del: it is there, but query-commands does not list it',
  ],
  // What it accepts.
  [
    'an unknown argument is overlooked',
    lenient('node-del', ({ label }) => ({ ...(label !== undefined && { label }) })),
    'node-del.arguments.qapi-ts-conformance: unknown: accepted',
  ],
  [
    'a missing argument is overlooked',
    lenient('node-del', (args) => ({ label: 'x', ...args })),
    'node-del.arguments.label: missing: accepted',
  ],
  [
    'an argument of another type is overlooked',
    lenient('node-del', (args) => ('label' in args ? { ...args, label: 'x' } : args)),
    'node-del.arguments.label: true: accepted',
  ],
  [
    'an unknown value within a list is overlooked',
    lenient(
      'node-tune',
      (args) => ('modes' in args ? { ...args, modes: Array.isArray(args.modes) ? [] : args.modes } : args) as JsonValue,
    ),
    'node-tune.arguments.modes[]: "qapi-ts-conformance": accepted',
  ],
  [
    'a number out of range is overlooked',
    lenient('node-tune', (args) => (args.depth === 256 ? { ...args, depth: 0 } : args)),
    'node-tune.arguments.depth: 256: accepted',
  ],
  [
    'a fraction is overlooked',
    lenient('node-tune', (args) => (args.depth === 1.5 ? { ...args, depth: 1 } : args)),
    'node-tune.arguments.depth: 1.5: accepted',
  ],
  [
    'a missing member of a branch is overlooked',
    lenient('node-add', (args) => (args.driver === 'raw' ? { file: 'x', ...args } : args)),
    'node-add.arguments<raw>.file: missing: accepted',
  ],
  [
    'an unknown member within a nested object is overlooked',
    lenient('node-add', (args) => {
      const { file } = args;
      return isJsonObject(file) ? { ...args, file: 'x' } : args;
    }),
    'node-add.arguments<raw>.file.qapi-ts-conformance: unknown: accepted',
  ],
  [
    'out-of-band execution is accepted where it should not be',
    { commands: (commands) => Object.assign(entry(commands, 'query-node'), { allowOob: true }) },
    'query-node: out-of-band execution: accepted',
  ],
  // How it refuses.
  [
    'wrong arguments are refused with another class',
    failing(new QmpError('no', { class: 'CommandNotFound' })),
    'node-del.arguments.label: missing: refused with CommandNotFound, not GenericError',
  ],
  [
    'an error has a class that does not exist',
    failing(new QmpError('no', { class: 'InvalidParameter' })),
    `node-del.arguments.label: missing: the error's class is "InvalidParameter"`,
  ],
  [
    'an error has no description',
    failing(new QmpError('')),
    'node-del.arguments.label: missing: the error has no description',
  ],
  [
    'an error has one more member',
    wire((message) => (isJsonObject(message.error) ? { ...message, error: { ...message.error, data: {} } } : message)),
    "node-del.arguments.label: missing: the error has a member 'data'",
  ],
  [
    'an error does not repeat the id',
    wire(({ id, ...message }) => ('error' in message ? message : { ...message, ...(id !== undefined && { id }) })),
    'node-del.arguments.label: missing: the reply does not repeat the id',
  ],
  [
    'an unknown command is refused with another class',
    wire((message) => {
      const { error } = message;
      const isUnknown = isJsonObject(error) && error.class === 'CommandNotFound';
      return isUnknown ? { ...message, error: { ...error, class: 'GenericError' } } : message;
    }),
    'qapi-ts-conformance: refused with GenericError, not CommandNotFound',
  ],
  // What it tells unasked.
  ['an event is unknown', { event: { name: 'NODE_NEW' } }, 'NODE_NEW: the schema does not have it'],
  ['an event carries something else', { event: { name: 'NODE_GONE', data: { label: 1 } } }, 'NODE_GONE.data: label'],
  [
    'an event has no timestamp',
    { event: { name: 'NODE_GONE', data: { label: 'x' } }, wire: ({ timestamp: _, ...message }) => message },
    'NODE_GONE: it has no timestamp',
  ],
];

describe('qapi-ts conformance', () => {
  let schema: Schema;
  beforeAll(async () => {
    schema = await schemaOf(text);
  });

  async function check(deviation: Deviation, args: readonly string[] = []): Promise<Ran> {
    const cwd = folderWith({ 'schema.json': text });
    const socket = await serveSchema(schema, deviation);
    return qapiTs(['conformance', socket, '--schema', 'schema.json', ...args], { cwd });
  }

  test('finds nothing where there is nothing', async () => {
    const { code, stdout, stderr } = await check({ event: { name: 'NODE_GONE', data: { label: 'x' } } });
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/It conforms\.\n$/);
    expect(stdout).not.toContain('✗');
  });

  test.each(deviations)('reports that %s', async (_name, deviation, problem) => {
    const { code, stdout } = await check(deviation, ['--timeout', '0.5']);
    const problems = stdout.split('\n').filter((line) => line.startsWith('  ✗ '));
    expect(
      problems.some((line) => line.startsWith(`  ✗ ${problem}`)),
      stdout,
    ).toBe(true);
    expect(code).toBe(1);
  });

  test('reports them all when there are many', async () => {
    const chosen = [
      'a command is not described',
      'an event is unknown',
      'a reply lacks a member',
      'a number out of range is overlooked',
    ];
    const [infos, event, reply, range] = chosen.map(
      (name) => deviations.find(([other]) => other === name)?.[1] as Deviation,
    );
    const { stdout } = await check({
      ...infos,
      ...event,
      commands(commands) {
        reply?.commands?.(commands);
        range?.commands?.(commands);
      },
    });
    for (const name of chosen) expect(stdout).toContain(deviations.find(([other]) => other === name)?.[2]);
  });
});
