import type { Knowledge } from '../../../cli/shell/knowledge.js';
import type { NameKind } from '../../../cli/shell/names.js';
import { ModelVisits } from '../../../testkit/schema-visits.js';
import { schemaOf } from '../serve/serve.js';

/** A schema with what makes a difference to a shell. */
export const text = `
{ 'pragma': { 'command-name-exceptions': [ 'device_add', 'device_del' ], 'command-returns-exceptions': [ 'human-monitor-command', 'query-qmp-schema' ] } }
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
{ 'command': 'device_add', 'data': { 'driver': 'str', '*bus': 'str', '*id': 'str' }, 'gen': false }
{ 'command': 'device_del', 'data': { 'id': 'str' } }
{ 'command': 'human-monitor-command', 'data': { 'command-line': 'str', '*cpu-index': 'int' }, 'returns': 'str' }
{ 'struct': 'NodeDelWrapper', 'data': { 'data': 'NodeDelArguments' } }
{ 'struct': 'NodeDelArguments', 'data': { 'node-name': 'str' } }
{ 'struct': 'AbortWrapper', 'data': { 'data': 'Abort' } }
{ 'struct': 'Abort', 'data': {} }
{ 'enum': 'ActionKind', 'data': [ 'node-del', 'abort' ] }
{ 'union': 'Action', 'base': { 'type': 'ActionKind' }, 'discriminator': 'type',
  'data': { 'node-del': 'NodeDelWrapper', 'abort': 'AbortWrapper' } }
{ 'command': 'transaction', 'data': { 'actions': [ 'Action' ] } }
{ 'event': 'NODE_GONE', 'data': { 'node-name': 'str' } }`;

const names: Partial<Record<NameKind, string[]>> = {
  node: ['disk0', 'disk1'],
  job: ['job0'],
  device: ['nic0'],
  driver: ['nic', 'usb-tablet'],
  bus: ['pci.0', 'usb.0'],
  object: ['rng0'],
  chardev: ['serial0'],
  hmp: ['info', 'info block', 'info status', 'quit'],
};

const properties = [
  ['mac', 'str'],
  ['addr', 'int32'],
  ['speed', 'int32'],
  ['host_mtu', 'uint16'],
  ['rombar', 'uint64'],
  ['msix', 'bool'],
  ['iommu', 'OnOffAuto'],
  ['drive', 'str'],
] as const;

/** What a shell knows of a program with that schema, two nodes, a job, and some more. */
export async function known(): Promise<Knowledge> {
  const schema = await schemaOf(text);
  return {
    program: 'QEMU 9.1.2',
    commands: [
      ...schema.definitions.filter(({ kind }) => kind === 'command').map(({ name }) => name),
      'x-hidden',
    ].sort(),
    schema,
    visits: new ModelVisits(),
    command: (name) => {
      const definition = schema.lookup(name);
      return definition?.kind === 'command' ? definition : undefined;
    },
    names: async (kind) => names[kind] ?? [],
    properties: async (driver) => new Map(driver === 'nic' ? properties : []),
  };
}
