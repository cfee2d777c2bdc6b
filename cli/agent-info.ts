import { isJsonObject, type JsonValue } from '../runtime/json/value.js';
import type { QmpClient } from '../runtime/qmp/client.js';
import type { AgentCommand } from '../testkit/conformance/agent-commands.js';
import { connectToAgent } from './program-client.js';
import { UserError } from './user-error.js';

/** What a guest agent says of itself. */
export interface AgentInfo {
  /** What it is, as to be named to the user: `QEMU guest agent 7.2.22`. */
  readonly version: string;
  readonly commands: readonly AgentCommand[];
}

/**
 * Asks a guest agent for its version and commands.
 *
 * @throws UserError when what it answers cannot be read
 */
export async function agentInfoOf(client: QmpClient): Promise<AgentInfo> {
  const info: JsonValue = await client.executeUnknown('guest-info');
  const { version, supported_commands: commands } = isJsonObject(info) ? info : {};
  if (!Array.isArray(commands)) throw new UserError('what guest-info returned is no list of commands');
  return {
    version: typeof version === 'string' ? `QEMU guest agent ${version}` : 'a guest agent of unknown version',
    commands: commands
      .filter(isJsonObject)
      .flatMap(({ name, enabled, 'success-response': answered }) =>
        typeof name === 'string' ? [{ name, enabled: enabled !== false, successResponse: answered !== false }] : [],
      ),
  };
}

/**
 * The commands that the guest agent at an address has and its administrator allows.
 *
 * @throws UserError when the connection fails, or what it answers cannot be read
 */
export async function commandsOf(address: string): Promise<ReadonlySet<string>> {
  const client = await connectToAgent(address);
  try {
    const { commands } = await agentInfoOf(client);
    return new Set(commands.filter(({ enabled }) => enabled).map(({ name }) => name));
  } finally {
    await client.close();
  }
}
