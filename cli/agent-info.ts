import type { JsonValue } from '../runtime/json/value.js';
import type { QmpClient } from '../runtime/qmp/client.js';
import { type AgentInfo, readAgentInfo } from '../testkit/conformance/agent-commands.js';
import { commandLineIn } from './command-line-in.js';
import { type AskedProgram, alreadyRunning, execAgent } from './exec-program.js';
import type { Host } from './host.js';
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
 * The commands that a guest agent has and its administrator allows.
 *
 * @param from its address, or `exec:` and the command line that starts it
 * @throws UserError when the connection fails, or what it answers cannot be read
 */
export async function commandsOf(from: string, host: Host): Promise<ReadonlySet<string>> {
  const { client, close } = await askedAgent(from, host);
  try {
    const { commands } = await agentInfoOf(client);
    return new Set(commands.filter(({ enabled }) => enabled).map(({ name }) => name));
  } finally {
    await close();
  }
}

/**
 * Connects to a guest agent, or starts one.
 *
 * @param from its address, or `exec:` and the command line that starts it
 * @throws UserError when that fails
 */
export function askedAgent(from: string, host: Host): Promise<AskedProgram> {
  const commandLine = commandLineIn(from);
  return commandLine === undefined ? alreadyRunning(connectToAgent(from)) : execAgent(commandLine, host);
}
