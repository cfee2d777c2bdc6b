import { describe, expect, it } from 'vitest';
import type { SchemaInfo } from '../../generator/schema/introspect.js';
import { byName, wireDifferences } from './wire-comparison.js';

const empty: SchemaInfo = { name: 'q_empty', 'meta-type': 'object', members: [] };
const int: SchemaInfo = { name: 'int', 'meta-type': 'builtin', 'json-type': 'int' };
const str: SchemaInfo = { name: 'str', 'meta-type': 'builtin', 'json-type': 'string' };
const list: SchemaInfo = { name: '[Node]', 'meta-type': 'array', 'element-type': 'Node' };
const command: SchemaInfo = { name: 'walk', 'meta-type': 'command', 'arg-type': 'Node', 'ret-type': 'q_empty' };
const kind: SchemaInfo = { name: 'Kind', 'meta-type': 'enum', values: ['leaf', 'fork'] };
const node: SchemaInfo = {
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
};
const fork: SchemaInfo = { name: 'Fork', 'meta-type': 'object', members: [{ name: 'nodes', type: '[Node]' }] };
const ref: SchemaInfo = { name: 'Ref', 'meta-type': 'alternate', members: [{ type: 'str' }, { type: 'Node' }] };

const server = [command, empty, int, str, list, kind, node, fork, ref];

/** The differences that a server shows where one entity is replaced. */
function differencesAfter(change: SchemaInfo): string[] {
  const changed = server.map((info) => (info.name === change.name ? change : info));
  return wireDifferences(byName(server), byName(changed), 'walk');
}

describe('wireDifferences', () => {
  it('finds none between a server and the same with other type names', () => {
    const renamed = JSON.parse(JSON.stringify(server).replace(/"(\[?)(Node|Fork|Kind|Ref)/g, '"$1Other$2'));
    expect(wireDifferences(byName(server), byName(renamed), 'walk')).toEqual([]);
  });

  it('names the path to a member of another type, through recursion', () => {
    const text = { name: 'nodes', type: 'str' };
    expect(differencesAfter({ ...fork, members: [text] })).toEqual(['walk.arguments<fork>.nodes: builtin, not array']);
  });

  it('finds a member that is optional, missing or new', () => {
    const text = { name: 'text', type: 'str' };
    const [first, second, third] = node.members as [typeof text, typeof text, typeof text];
    expect(differencesAfter({ ...node, members: [first, { name: 'size', type: 'int' }, third] })).toEqual([
      'walk.arguments.size: required, not optional',
    ]);
    expect(differencesAfter({ ...node, members: [first, second] })).toEqual([
      'walk.arguments: {kind,size}, not {kind,size,ref}',
    ]);
    expect(differencesAfter({ ...node, members: [first, second, third, text] })).toEqual([
      'walk.arguments: {kind,size,ref,text}, not {kind,size,ref}',
    ]);
  });

  it('finds another built-in type, set of values, set of branches, tag and choice', () => {
    expect(differencesAfter({ ...int, 'json-type': 'number' })).toEqual(['walk.arguments.size: number, not int']);
    expect(differencesAfter({ ...kind, values: ['leaf'] })).toEqual(['walk.arguments.kind: {leaf}, not {leaf,fork}']);
    expect(differencesAfter({ ...node, variants: [{ case: 'leaf', type: 'q_empty' }] })).toEqual([
      'walk.arguments: variants {leaf}, not variants {leaf,fork}',
    ]);
    expect(differencesAfter({ ...node, tag: 'ref' })).toEqual(['walk.arguments: tag ref, not tag kind']);
    expect(differencesAfter({ ...ref, members: [{ type: 'str' }] })).toEqual([
      'walk.arguments.ref: 1 choices, not 2 choices',
    ]);
    expect(differencesAfter({ ...ref, members: [{ type: 'int' }, { type: 'Node' }] })).toEqual([
      'walk.arguments.ref|0: int, not string',
    ]);
  });

  it('finds an event where there should be a command, and nothing where there should be one', () => {
    expect(differencesAfter({ name: 'walk', 'meta-type': 'event', 'arg-type': 'Node' })).toEqual([
      'walk: event, not command',
    ]);
    expect(wireDifferences(byName(server), byName([]), 'walk')).toEqual(['walk: missing, not command']);
  });
});
