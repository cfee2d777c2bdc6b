import { isJsonObject, type JsonObject, type JsonValue } from '../../runtime/json/value.js';
import type { QmpClient } from '../../runtime/qmp/client.js';
import { QmpError } from '../../runtime/qmp/error.js';

/** Kinds of things that are there as long as a program runs, and have names. */
export type NameKind = 'node' | 'job' | 'device' | 'bus' | 'driver' | 'object' | 'chardev' | 'hmp';

type Ask = (command: string, args?: JsonObject) => Promise<JsonValue | undefined>;

/** How the names of each kind are found out. */
const queries: Readonly<Record<NameKind, (ask: Ask) => Promise<string[]>>> = {
  node: async (ask) => [
    ...members(await ask('query-named-block-nodes'), 'node-name'),
    ...members(await ask('query-block'), 'device'),
  ],
  job: async (ask) => [...members(await ask('query-jobs'), 'id'), ...members(await ask('query-block-jobs'), 'device')],
  device: async (ask) => children(await ask('qom-list', { path: '/machine/peripheral' })),
  object: async (ask) => children(await ask('qom-list', { path: '/objects' })),
  // Only the monitor for people lists them.
  bus: async (ask) => {
    const tree = String(await ask('human-monitor-command', { 'command-line': 'info qtree' }));
    return [...tree.matchAll(/^\s*bus: (\S+)/gm)].map(([, name]) => name as string);
  },
  driver: async (ask) => members(await ask('qom-list-types', { implements: 'device', abstract: false }), 'name'),
  chardev: async (ask) => members(await ask('query-chardev'), 'label'),
  hmp: async (ask) => {
    const [commands, topics] = await Promise.all(
      ['help', 'help info'].map((line) => ask('human-monitor-command', { 'command-line': line })),
    );
    return [
      ...[...String(commands ?? '').matchAll(/^([a-z][\w|]*)(?= |$)/gm)].flatMap(([, name = '']) => name.split('|')),
      ...[...String(topics ?? '').matchAll(/^(info [\w-]+)/gm)].map(([name]) => name),
    ];
  },
};

/** The names of a kind, as they are now. */
export async function namesOf(client: QmpClient, kind: NameKind): Promise<string[]> {
  return [...new Set(await queries[kind](asking(client)))].sort();
}

/** The properties of a device driver and their types. */
export async function propertiesOf(client: QmpClient, driver: string): Promise<ReadonlyMap<string, string>> {
  const properties = await asking(client)('device-list-properties', { typename: driver });
  return new Map(
    elementsOf(properties).flatMap(({ name, type }) =>
      typeof name === 'string' && typeof type === 'string' && !type.startsWith('child<') ? [[name, type]] : [],
    ),
  );
}

/** The names of the commands that it lists. */
export async function listedCommands(client: QmpClient): Promise<string[]> {
  return members(await asking(client)('query-commands'), 'name');
}

/** Asks; what is refused is not there. */
function asking(client: QmpClient): Ask {
  return async (command, args) => {
    try {
      return await client.executeUnknown(command, args);
    } catch (error) {
      if (error instanceof QmpError) return undefined;
      throw error;
    }
  };
}

const elementsOf = (list: JsonValue | undefined): JsonObject[] =>
  Array.isArray(list) ? list.filter(isJsonObject) : [];

function members(list: JsonValue | undefined, member: string): string[] {
  return elementsOf(list)
    .map((element) => element[member])
    .filter((name): name is string => typeof name === 'string' && name !== '');
}

/** The names of the properties of an object that are objects of its own. */
function children(list: JsonValue | undefined): string[] {
  return members(
    elementsOf(list).filter(({ type }) => String(type).startsWith('child<')),
    'name',
  );
}
