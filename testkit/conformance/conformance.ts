import type { SchemaInfo } from '../../generator/schema/introspect.js';
import type { Schema } from '../../generator/schema/model.js';
import type { JsonObject, JsonValue } from '../../runtime/json/value.js';
import type { QmpClient } from '../../runtime/qmp/client.js';
import { QmpError } from '../../runtime/qmp/error.js';
import type { UnknownEvent } from '../../runtime/qmp/methods.js';
import { complaintAboutIntrospection } from '../introspection-data.js';
import { readAgentInfo } from './agent-commands.js';
import type { Check } from './check.js';
import { Exchange } from './exchange.js';
import { guestAgent, qmpServer } from './program-kind.js';
import { checkAgent, checkServer } from './run.js';
import type { EventMessage, WireWatch } from './wire-watch.js';

/** How to check a program. */
export interface ConformanceOptions {
  /** Whether the program is a guest agent. Default: no. */
  readonly agent?: boolean;
  /** Whether to execute every command with valid arguments, whatever that does to the program. Default: no. */
  readonly executeValid?: boolean;
  /** How long an answer may take, in milliseconds. Default: 10000. */
  readonly timeout?: number;
  /** What sees the messages of the client: it was connected with `onWire: wire.onWire`. Without it, less is checked. */
  readonly wire?: WireWatch;
}

/** What was checked, and whether all of it is as the schema says. */
export interface Conformance {
  readonly ok: boolean;
  /** One for each command or event and each respect in which it was checked. */
  readonly checks: readonly Check[];
}

/** The program does not say of itself what the checks begin with. */
export class ConformanceError extends Error {
  override readonly name = 'ConformanceError';
}

/**
 * Checks whether a program speaks what a schema says, as `qapi-ts conformance` does: its introspection, the replies of its
 * queries, how it refuses wrong arguments, and the events that come meanwhile. Nothing is changed in a program that conforms.
 *
 * @param client a connection to the program, which stays open
 * @param schema the schema that it should speak
 * @throws {@link ConformanceError} when the program cannot describe itself
 * @example
 * const { checks } = await checkConformance(client, schema);
 * test.each(checks)('$group: $name', ({ problems }) => expect(problems).toEqual([]));
 */
export async function checkConformance(
  client: QmpClient,
  schema: Schema,
  { agent = false, executeValid = false, timeout = 10_000, wire }: ConformanceOptions = {},
): Promise<Conformance> {
  const exchange = new Exchange(client, agent ? guestAgent : qmpServer, timeout, wire);
  const checks = await (agent ? ofAgent() : ofServer());
  return { ok: checks.every(({ problems }) => problems.length === 0), checks };

  async function ofAgent(): Promise<Check[]> {
    const info = readAgentInfo(await described(client, 'guest-info'));
    if (!info) throw new ConformanceError('what guest-info returned is no list of commands');
    return checkAgent(exchange, schema, info.commands, { executeValid });
  }

  async function ofServer(): Promise<Check[]> {
    const infos = await described(client, 'query-qmp-schema');
    const complaint = complaintAboutIntrospection(infos);
    if (complaint !== undefined) {
      throw new ConformanceError(`what query-qmp-schema returned is no introspection data: ${complaint}`);
    }
    const events: EventMessage[] = wire?.events ?? [];
    const listener = (event: UnknownEvent): void => void events.push(messageOf(event));
    if (!wire) client.onUnknown('*', listener);
    try {
      return await checkServer(exchange, schema, infos as unknown as SchemaInfo[], events, { executeValid });
    } finally {
      client.off('*', listener);
    }
  }
}

async function described(client: QmpClient, command: string): Promise<JsonValue> {
  try {
    return await client.executeUnknown(command);
  } catch (cause) {
    if (!(cause instanceof QmpError)) throw cause;
    throw new ConformanceError(`the program cannot describe itself: ${cause.message}`, { cause });
  }
}

/** An event as it was before the client read it. */
function messageOf({ event, data, timestamp }: UnknownEvent): EventMessage {
  const carried = data === undefined ? {} : { data: data as JsonValue };
  return { event, ...carried, timestamp: { ...timestamp } } as JsonObject & { event: string };
}
