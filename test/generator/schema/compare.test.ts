import { describe, expect, it } from 'vitest';
import { compareIntrospection } from '../../../generator/schema/compare.js';
import { introspect, type SchemaInfo } from '../../../generator/schema/introspect.js';
import { findMissing } from '../../../generator/schema/missing.js';
import { selectSchema } from '../../../generator/schema/select.js';
import { schemaOf } from '../../cli/serve/serve.js';

const empty: SchemaInfo = { name: 'q_empty', 'meta-type': 'object', members: [] };
const int: SchemaInfo = { name: 'int', 'meta-type': 'builtin', 'json-type': 'int' };
const str: SchemaInfo = { name: 'str', 'meta-type': 'builtin', 'json-type': 'string' };
const list: SchemaInfo = { name: '[Node]', 'meta-type': 'array', 'element-type': 'Node' };
const command: SchemaInfo = { name: 'walk', 'meta-type': 'command', 'arg-type': 'Node', 'ret-type': 'q_empty' };
const kind: SchemaInfo = { name: 'Kind', 'meta-type': 'enum', values: ['leaf', 'fork'] };
const node = {
  name: 'Node',
  'meta-type': 'object',
  members: [
    { name: 'kind', type: 'Kind' },
    { name: 'size', type: 'int', default: null },
    { name: 'ref', type: 'Ref' },
  ],
  tag: 'kind',
  variants: [
    { case: 'leaf', type: 'q_empty' },
    { case: 'fork', type: 'Fork' },
  ],
} satisfies SchemaInfo;
const fork: SchemaInfo = { name: 'Fork', 'meta-type': 'object', members: [{ name: 'nodes', type: '[Node]' }] };
const ref: SchemaInfo = { name: 'Ref', 'meta-type': 'alternate', members: [{ type: 'str' }, { type: 'Node' }] };

const server = [command, empty, int, str, list, kind, node, fork, ref];

function differences(expected: readonly SchemaInfo[], actual: readonly SchemaInfo[]): string[] {
  return compareIntrospection(expected, actual).map(({ path, message }) => `${path}: ${message}`);
}

/** The differences that a server shows where one entity is replaced. */
function differencesAfter(change: SchemaInfo): string[] {
  return differences(
    server,
    server.map((info) => (info.name === change.name ? change : info)),
  );
}

describe('compareIntrospection', () => {
  it('finds none between a server and the same with other type names, in another order', () => {
    const renamed = JSON.parse(JSON.stringify(server).replace(/"(\[?)(Node|Fork|Kind|Ref)/g, '"$1Other$2'));
    expect(differences(server, renamed.reverse())).toEqual([]);
    expect(differencesAfter({ ...node, members: node.members.toReversed() })).toEqual([]);
  });

  it('names the path to a member of another type, through recursion', () => {
    const text = { name: 'nodes', type: 'str' };
    expect(differencesAfter({ ...fork, members: [text] })).toEqual(['walk.arguments<fork>.nodes: string, not array']);
  });

  it('finds a member that is optional, missing or new', () => {
    const text = { name: 'text', type: 'str' };
    const [first, second, third] = node.members as [typeof text, typeof text, typeof text];
    expect(differencesAfter({ ...node, members: [first, { name: 'size', type: 'int' }, third] })).toEqual([
      'walk.arguments.size: required, not optional',
    ]);
    expect(differencesAfter({ ...node, members: [first, second] })).toEqual(['walk.arguments.ref: is missing']);
    expect(differencesAfter({ ...node, members: [first, second, third, text] })).toEqual([
      'walk.arguments.text: is unexpected',
    ]);
  });

  it('finds another built-in type, value, branch, tag and choice', () => {
    expect(differencesAfter({ ...int, 'json-type': 'number' })).toEqual(['walk.arguments.size: number, not int']);
    expect(differencesAfter({ ...kind, values: ['leaf', 'twig'] })).toEqual([
      "walk.arguments.kind='fork': is missing",
      "walk.arguments.kind='twig': is unexpected",
    ]);
    expect(differencesAfter({ ...node, variants: [] })).toEqual(['walk.arguments<fork>: is missing']);
    expect(differencesAfter({ ...node, tag: 'ref' })).toEqual(["walk.arguments: tag 'ref', not tag 'kind'"]);
    expect(differencesAfter({ ...ref, members: [{ type: 'int' }, { type: 'Node' }] })).toEqual([
      'walk.arguments.ref|string: is missing',
      'walk.arguments.ref|int: is unexpected',
    ]);
  });

  it('does not care whether a branch that adds nothing is listed', () => {
    expect(differencesAfter({ ...node, variants: [{ case: 'fork', type: 'Fork' }] })).toEqual([]);
  });

  it('finds an event where there should be a command, nothing where there should be one, and out-of-band execution', () => {
    expect(differencesAfter({ name: 'walk', 'meta-type': 'event', 'arg-type': 'Node' })).toEqual([
      'walk: event, not command',
    ]);
    expect(differences(server, [])).toEqual(['walk: is missing']);
    expect(differences([], server)).toEqual(['walk: is unexpected']);
    expect(differencesAfter({ ...command, 'allow-oob': true })).toEqual([
      'walk: out of band allowed, not in band only',
    ]);
  });

  it('says so when a type is not described', () => {
    expect(differencesAfter({ ...ref, members: [{ type: 'str' }, { type: '17' }] })).toContain(
      'walk.arguments.ref|unknown: is unexpected',
    );
    expect(differencesAfter({ ...fork, members: [{ name: 'nodes', type: '17' }] })).toEqual([
      "walk.arguments<fork>.nodes: its type '17' is not described",
    ]);
  });

  it('compares features when the option asks for it', () => {
    const changed = server.map((info) => (info === command ? { ...info, features: ['unstable'] } : info));
    expect(compareIntrospection(server, changed)).toEqual([]);
    expect(compareIntrospection(server, changed, { features: true })).toEqual([
      { entity: 'walk', path: 'walk', message: "feature 'unstable' is unexpected" },
    ]);
    expect(compareIntrospection(changed, server, { features: true })[0]?.missing).toEqual({
      of: 'walk',
      feature: 'unstable',
    });
  });
});

describe('findMissing', () => {
  it('finds the conditions of whatever a configuration leaves out', async () => {
    const full = await schemaOf(`
      { 'enum': 'E', 'data': [ 'a', { 'name': 'b', 'if': 'VALUE' } ] }
      { 'struct': 'S', 'data': { 'x': 'int' } }
      { 'union': 'U', 'base': { 't': 'E', '*m': { 'type': 'int', 'if': 'MEMBER' } }, 'discriminator': 't',
        'data': { 'a': 'S', 'b': { 'type': 'S', 'if': 'VALUE' } } }
      { 'alternate': 'A', 'data': { 's': 'str', 'n': { 'type': 'int', 'if': 'CHOICE' } } }
      { 'command': 'run', 'data': { 'one': 'U', 'a': 'A' }, 'features': [ { 'name': 'f', 'if': 'FEATURE' } ] }
      { 'event': 'GONE', 'if': 'EVENT' }`);
    const expected = introspect(full);
    const actual = introspect(selectSchema(full, { defines: new Map(), onlyDefined: true }), { mask: true });
    const found = compareIntrospection(expected, actual, { features: true });
    const conditions = found.map(({ path, missing }) => [
      path,
      missing && findMissing(full, missing)?.condition?.source,
    ]);
    expect(new Map(conditions as [string, string][])).toEqual(
      new Map([
        ['run', 'FEATURE'],
        ['run.arguments.one.m', 'MEMBER'],
        ["run.arguments.one.t='b'", 'VALUE'],
        ['run.arguments.one<b>', 'VALUE'],
        ['run.arguments.a|int', 'CHOICE'],
        ['GONE', 'EVENT'],
      ]),
    );
  });
});
