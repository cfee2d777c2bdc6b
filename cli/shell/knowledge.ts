import { schemaFromIntrospection } from '../../generator/schema/from-introspection.js';
import { loadSchema } from '../../generator/schema/load.js';
import type { Command, Schema } from '../../generator/schema/model.js';
import { memoryHost } from '../../generator/syntax/host.js';
import { isJsonObject, type JsonValue } from '../../runtime/json/value.js';
import type { QmpClient } from '../../runtime/qmp/client.js';
import { QmpError } from '../../runtime/qmp/error.js';
import { ModelVisits } from '../../testkit/schema-visits.js';
import { agentInfoOf } from '../agent-info.js';
import { introspectionOf, versionOf } from '../program-client.js';
import { UserError } from '../user-error.js';

/** What is known of the program at the other end. */
export interface Knowledge {
  /** What it is, and its version. */
  readonly program: string;
  /** The names of the commands that it has. */
  readonly commands: readonly string[];
  /** The schema; absent when the program cannot describe itself. */
  readonly schema?: Schema;
  readonly visits: ModelVisits;
  command(name: string): Command | undefined;
  /** The names of its open block nodes and devices, as they are now. */
  nodes(): Promise<string[]>;
  /** The names of its jobs, as they are now. */
  jobs(): Promise<string[]>;
}

/**
 * Learns what a program can do: by the schema that the user gives, or else as far as the program describes itself.
 */
export async function learn(client: QmpClient, given: Schema | undefined): Promise<Knowledge> {
  const schema = given ?? (await described(client));
  const listed = await names(client, 'query-commands', 'name');
  return {
    ...knowledgeOf(versionOf(client), listed, schema),
    nodes: async () => [
      ...new Set([
        ...(await names(client, 'query-named-block-nodes', 'node-name')),
        ...(await names(client, 'query-block', 'device')),
      ]),
    ],
    jobs: () => names(client, 'query-jobs', 'id'),
  };
}

/** Learns what a guest agent can do: it tells the names of its commands, and the schema that the user gives all else. */
export async function learnAgent(client: QmpClient, given: Schema | undefined): Promise<Knowledge> {
  const { version, commands } = await agentInfoOf(client);
  const enabled = commands.filter((command) => command.enabled).map(({ name }) => name);
  return { ...knowledgeOf(version, enabled, given), nodes: async () => [], jobs: async () => [] };
}

function knowledgeOf(
  program: string,
  listed: readonly string[],
  schema: Schema | undefined,
): Omit<Knowledge, 'nodes' | 'jobs'> {
  const known = schema?.definitions.filter(({ kind }) => kind === 'command').map(({ name }) => name) ?? [];
  return {
    program,
    commands: [...(listed.length > 0 ? listed : known)].sort(),
    ...(schema && { schema }),
    visits: new ModelVisits(),
    command(name) {
      const definition = schema?.lookup(name);
      return definition?.kind === 'command' ? definition : undefined;
    },
  };
}

async function described(client: QmpClient): Promise<Schema | undefined> {
  try {
    const text = schemaFromIntrospection(await introspectionOf(client), versionOf(client));
    return (await loadSchema('qmp.json', { host: memoryHost({ 'qmp.json': text }) })).schema;
  } catch (error) {
    // It still executes commands.
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** A member of every element that a query returns. */
async function names(client: QmpClient, query: string, member: string): Promise<string[]> {
  try {
    const list: JsonValue = await client.executeUnknown(query);
    const elements = Array.isArray(list) ? list.filter(isJsonObject) : [];
    return elements
      .map((element) => element[member])
      .filter((name): name is string => typeof name === 'string' && name !== '');
  } catch (error) {
    if (error instanceof QmpError) return [];
    throw error;
  }
}
