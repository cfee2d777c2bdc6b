import type { ManualPage } from '../generator/schema/manual/page.js';
import { type ManualCommand, schemaFromManual } from '../generator/schema/manual/schema.js';
import { memoryHost } from '../generator/syntax/host.js';
import type { QmpClient } from '../runtime/qmp/client.js';
import type { AgentCommand } from '../testkit/conformance/agent-commands.js';
import { agentInfoOf, askedAgent } from './agent-info.js';
import { findConfig } from './config.js';
import type { Host } from './host.js';
import type { Input } from './input.js';
import { manualPageFor } from './manual-page.js';
import { UserError } from './user-error.js';

/** What the schema's one module is called. */
const moduleFile = 'agent.json';

/** What the agent is asked that does nothing but tell. */
const tells = /^guest-(\w+-)?get-|^guest-fsfreeze-status$/;

/** How long one of these answers may take, in milliseconds. */
const patience = 5000;

/**
 * The schema of a guest agent as its manual page has it, of the commands that it has and its administrator allows. What they return the page
 * mostly does not say: those that only tell something are asked.
 *
 * @param from the agent's address, or `exec:` and the command line that starts it
 * @throws UserError when there is no page of the agent's release
 */
export async function agentInput(from: string, host: Host): Promise<Input> {
  const { client, close } = await askedAgent(from, host);
  try {
    const { version, commands } = await agentInfoOf(client);
    const page = await pageOf(version, host);
    const seen: ManualCommand[] = [];
    for (const command of commands.filter(({ enabled }) => enabled)) {
      seen.push({ ...command, seen: tells.test(command.name) ? await resultOf(client, command) : undefined });
    }
    const config = await findConfig(host);
    return {
      schema: moduleFile,
      files: memoryHost({ [moduleFile]: schemaFromManual(page, seen, version) }),
      ...(config ? { config: config.config, configFile: config.file } : { config: {} }),
    };
  } finally {
    await close();
  }
}

async function pageOf(version: string, host: Host): Promise<ManualPage> {
  const page = await manualPageFor('qemu-ga', host);
  const [, release] = / (\d+\.\d+)(\.|$)/.exec(version) ?? [];
  if (page && (page.version === '' || page.version.startsWith(`${release}.`))) return page;
  const lack = page
    ? `the manual page qemu-ga-ref(7) is that of QEMU ${page.version}`
    : 'its manual page qemu-ga-ref(7) is not installed';
  throw new UserError(`${version} tells the names of its commands and nothing else, and ${lack}`, {
    hint: `name the schema of its release: qga/qapi-schema.json of QEMU's source`,
  });
}

/** What a command returns that wants no arguments; undefined when it wants some, or fails. */
async function resultOf(client: QmpClient, { name }: AgentCommand): Promise<ManualCommand['seen']> {
  try {
    return { value: await client.executeUnknown(name, undefined, { timeout: patience }) };
  } catch {
    return undefined;
  }
}
