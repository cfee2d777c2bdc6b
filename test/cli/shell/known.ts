import type { Knowledge } from '../../../cli/shell/knowledge.js';
import { ModelVisits } from '../../../testkit/schema-visits.js';
import { schemaOf } from '../serve/serve.js';

/** A schema with what makes a difference to a shell. */
export const text = `
{ 'pragma': { 'command-returns-exceptions': [ 'query-qmp-schema' ] } }
{ 'struct': 'CommandInfo', 'data': { 'name': 'str' } }
{ 'command': 'query-commands', 'returns': [ 'CommandInfo' ] }
{ 'command': 'query-qmp-schema', 'returns': [ 'any' ], 'gen': false }
##
# @Driver:
#
# How a node gets its data.
#
# @file: from a file
##
{ 'enum': 'Driver', 'data': [ 'file', 'raw' ] }
{ 'struct': 'File', 'data': { 'filename': 'str', '*locking': 'bool' } }
{ 'struct': 'Raw', 'data': { 'file': 'NodeRef', '*offset': 'size' } }
{ 'union': 'Node', 'base': { 'driver': 'Driver', '*node-name': 'str' }, 'discriminator': 'driver',
  'data': { 'file': 'File', 'raw': 'Raw' } }
{ 'alternate': 'NodeRef', 'data': { 'definition': 'Node', 'reference': 'str' } }
{ 'command': 'node-add', 'data': 'Node', 'boxed': true }
##
# @node-del:
#
# Removes a node.
#
# @node-name: the node
#
# Since: 2.9
##
{ 'command': 'node-del', 'data': { 'node-name': 'str', '*modes': [ 'Driver' ], '*tag': 'any' }, 'features': [ 'unstable' ] }
{ 'struct': 'JobInfo', 'data': { 'id': 'str', 'progress': 'uint64' } }
{ 'command': 'query-jobs', 'returns': [ 'JobInfo' ] }
{ 'command': 'job-pause', 'data': { 'id': 'str' } }
{ 'event': 'NODE_GONE', 'data': { 'node-name': 'str' } }`;

/** What a shell knows of a program with that schema, two nodes and a job. */
export async function known(): Promise<Knowledge> {
  const schema = await schemaOf(text);
  return {
    program: 'QEMU 9.1.2',
    commands: ['job-pause', 'node-add', 'node-del', 'query-commands', 'query-jobs', 'query-qmp-schema', 'x-hidden'],
    schema,
    visits: new ModelVisits(),
    command: (name) => {
      const definition = schema.lookup(name);
      return definition?.kind === 'command' ? definition : undefined;
    },
    nodes: async () => ['disk0', 'disk1'],
    jobs: async () => ['job0'],
  };
}
