import type { SchemaInfo } from '../../generator/schema/introspect.js';
import type { Schema } from '../../generator/schema/model.js';
import { isJsonObject } from '../../runtime/json/value.js';
import { QmpConnectionError } from '../../runtime/qmp/failure.js';
import { type AgentCommand, checkAgentCommands } from './agent-commands.js';
import type { Check, Subject } from './check.js';
import { checkEvents } from './events.js';
import type { Exchange } from './exchange.js';
import { checkIntrospection } from './introspection.js';
import { guestAgent, qmpServer } from './program-kind.js';
import { checkExecutions, checkQueries } from './queries.js';
import { checkProtocol, checkRefusals } from './refusals.js';
import type { EventMessage } from './wire-watch.js';

/** What to send a program. */
export interface ExecutionOptions {
  /** Whether to execute every command with valid arguments, whatever that does to the program. */
  readonly executeValid?: boolean;
}

/**
 * Checks in all respects whether a program speaks what a schema says.
 *
 * @param infos what the program's `query-qmp-schema` returns
 * @param events the events that came so far; more are added while it is checked
 */
export async function checkServer(
  exchange: Exchange,
  schema: Schema,
  infos: readonly SchemaInfo[],
  events: readonly EventMessage[],
  options: ExecutionOptions,
): Promise<Check[]> {
  const { checks, absent } = checkIntrospection(schema, infos);
  const described = new Set(infos.filter((info) => info['meta-type'] === 'command').map(({ name }) => name));
  const listed = await listedCommands(exchange);
  const subject: Subject = {
    exchange,
    events,
    kind: qmpServer,
    schema,
    described,
    listed,
    isPresent: (part) => !absent.has(part),
  };
  return [...checks, ...(await checkRequests(subject, options)), ...checkEvents(subject)];
}

/**
 * Checks in all respects whether a guest agent speaks what a schema says.
 *
 * @param commands what the agent's `guest-info` says of its commands
 */
export async function checkAgent(
  exchange: Exchange,
  schema: Schema,
  commands: readonly AgentCommand[],
  options: ExecutionOptions,
): Promise<Check[]> {
  const described = new Set(commands.map(({ name }) => name));
  const listed = new Set(commands.filter(({ enabled }) => enabled).map(({ name }) => name));
  // Which conditions hold inside of its types an agent does not tell.
  const subject: Subject = { exchange, events: [], kind: guestAgent, schema, described, listed, isPresent: () => true };
  return [...checkAgentCommands(schema, commands), ...(await checkRequests(subject, options))];
}

/** The checks for which requests are made. */
async function checkRequests(subject: Subject, { executeValid = false }: ExecutionOptions): Promise<Check[]> {
  const checks: Check[] = [];
  const parts = [checkProtocol, checkQueries, checkRefusals, ...(executeValid ? [checkExecutions] : [])];
  try {
    for (const part of parts) for await (const check of part(subject)) checks.push(check);
  } catch (error) {
    if (!(error instanceof QmpConnectionError)) throw error;
    // A program that quits closes the connection.
    if (!(executeValid && checks.at(-1)?.name === 'quit')) {
      checks.push({
        group: 'protocol',
        name: 'connection',
        problems: [`${error.message}; what follows was not checked`],
      });
    }
  }
  return checks;
}

async function listedCommands(exchange: Exchange): Promise<Set<string> | undefined> {
  const { value } = await exchange.ask('query-commands');
  if (!Array.isArray(value)) return undefined;
  return new Set(value.filter(isJsonObject).flatMap(({ name }) => (typeof name === 'string' ? [name] : [])));
}
