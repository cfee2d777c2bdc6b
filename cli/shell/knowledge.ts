import { schemaFromIntrospection } from '../../generator/schema/from-introspection.js';
import { loadSchema } from '../../generator/schema/load.js';
import type { Command, Schema } from '../../generator/schema/model.js';
import { memoryHost } from '../../generator/syntax/host.js';
import type { QmpClient } from '../../runtime/qmp/client.js';
import { ModelVisits } from '../../testkit/schema-visits.js';
import { agentInfoOf } from '../agent-info.js';
import { introspectionOf, versionOf } from '../program-client.js';
import { UserError } from '../user-error.js';
import { listedCommands, type NameKind, namesOf, propertiesOf } from './names.js';

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
  /** The names of things that it has, as they are now. */
  names(kind: NameKind): Promise<string[]>;
  /** The properties of a device driver, and their types. */
  properties(driver: string): Promise<ReadonlyMap<string, string>>;
}

/**
 * Learns what a program can do: by the schema that the user gives, or else as far as the program describes itself.
 */
export async function learn(client: QmpClient, given: Schema | undefined): Promise<Knowledge> {
  const schema = given ?? (await described(client));
  return {
    ...knowledgeOf(versionOf(client), await listedCommands(client), schema),
    names: (kind) => namesOf(client, kind),
    properties: (driver) => propertiesOf(client, driver),
  };
}

/** Learns what a guest agent can do: it tells the names of its commands, and the schema that the user gives all else. */
export async function learnAgent(client: QmpClient, given: Schema | undefined): Promise<Knowledge> {
  const { version, commands } = await agentInfoOf(client);
  const enabled = commands.filter((command) => command.enabled).map(({ name }) => name);
  return { ...knowledgeOf(version, enabled, given), names: async () => [], properties: async () => new Map() };
}

function knowledgeOf(
  program: string,
  listed: readonly string[],
  schema: Schema | undefined,
): Omit<Knowledge, 'names' | 'properties'> {
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
