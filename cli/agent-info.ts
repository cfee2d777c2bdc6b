import type { JsonValue } from '../runtime/json/value.js';
import type { QmpClient } from '../runtime/qmp/client.js';
import { type AgentInfo, readAgentInfo } from '../testkit/conformance/agent-commands.js';
import { connectToAgent } from './program-client.js';
import { UserError } from './user-error.js';

/**
 * Asks a guest agent for its version and commands.
 *
 * @throws UserError when what it answers cannot be read
 */
export async function agentInfoOf(client: QmpClient): Promise<AgentInfo> {
  const info: JsonValue = await client.executeUnknown('guest-info');
  const read = readAgentInfo(info);
  if (!read) throw new UserError('what guest-info returned is no list of commands');
  return read;
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
