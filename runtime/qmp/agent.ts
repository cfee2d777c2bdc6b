import { agentProtocol } from './agent-link.js';
import { QmpClient } from './client.js';
import type { ConnectOptions } from './client-options.js';
import { endpointOf, type QmpAddress } from './endpoint.js';
import type { AnySchema, QmpSchema, typedBy } from './schema.js';
import { Session } from './session.js';

/** What a client of a guest agent is typed by: the `Commands` that the generator writes for the agent's schema. */
export interface AgentSchema {
  /** By name, the `arguments` and `returns` of every command. */
  readonly commands: object;
}

/** The schema of a client of an agent, which has no events. */
interface WithoutEvents<S extends AgentSchema> {
  readonly commands: S['commands'];
  readonly events: Record<never, never>;
}

/** A connection to a guest agent; {@link connectAgent} makes it. It is a client without greeting, events and out-of-band execution. */
export type AgentClient<S extends AgentSchema = AnySchema> = Pick<
  QmpClient<WithoutEvents<S>>,
  | 'commands'
  | 'execute'
  | 'executeUnknown'
  | 'closed'
  | 'connected'
  | 'close'
  | 'ref'
  | 'unref'
  | typeof Symbol.asyncDispose
  | typeof typedBy
>;

/**
 * Connects to a QEMU guest agent: at the socket of the character device behind its virtio-serial port, or at its own where it
 * listens itself. Replies to an earlier client in the channel are skipped, and an agent that is not there yet is waited for.
 *
 * The agent takes one command at a time, so each is sent when the one before it is answered. It does not say that `guest-shutdown`
 * and the `guest-suspend-…` commands have succeeded; they are taken for done when the agent goes on, is gone, or refuses nothing
 * for two seconds.
 *
 * @typeParam S the generated types of the agent's schema
 * @throws {@link QmpConnectionError} when nothing listens there, or what does is no guest agent
 * @throws {@link QmpTimeoutError} when no agent answers within `connectTimeout`
 * @example
 * await using agent = await connectAgent<{ commands: Commands }>('/run/qga.sock');
 * const { result } = await agent.execute('guest-get-osinfo');
 */
export async function connectAgent<S extends AgentSchema = AnySchema>(
  address: QmpAddress,
  options: ConnectOptions = {},
): Promise<AgentClient<S>> {
  return openAgent<WithoutEvents<S>>(address, options);
}

/**
 * The same as a whole client, whose greeting is `undefined` and whose events never come, for what works with both.
 *
 * @internal
 */
export async function openAgent<S extends QmpSchema>(
  address: QmpAddress,
  options: ConnectOptions,
): Promise<QmpClient<S>> {
  const session = new Session(endpointOf(address), agentProtocol, options);
  await session.start();
  return new QmpClient<S>(session, options.timeout);
}
