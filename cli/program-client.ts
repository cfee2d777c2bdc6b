import type { SchemaInfo } from '../generator/schema/introspect.js';
import { openAgent } from '../runtime/qmp/agent.js';
import { connect, type QmpClient } from '../runtime/qmp/client.js';
import type { ConnectOptions } from '../runtime/qmp/client-options.js';
import { QmpError } from '../runtime/qmp/error.js';
import { QmpConnectionError, QmpTimeoutError } from '../runtime/qmp/failure.js';
import type { QmpGreeting } from '../runtime/qmp/greeting.js';
import { complaintAboutIntrospection } from '../testkit/introspection-data.js';
import { UserError } from './user-error.js';

/**
 * Connects to a running program at an address as the command line gives it.
 *
 * @throws UserError when the connection fails
 */
export function connectTo(address: string, options: ConnectOptions = {}): Promise<QmpClient> {
  const hint = 'QMP monitors talk to one client at a time: close the other one, or give the program a second monitor';
  return explained(connect(address, options), { silence: hint, wrongAddress: ADDRESS });
}

/**
 * Connects to a guest agent at an address as the command line gives it.
 *
 * @throws UserError when the connection fails
 */
export function connectToAgent(address: string, options: ConnectOptions = {}): Promise<QmpClient> {
  const silence = 'a guest agent talks to one client at a time, and only while it runs in the guest';
  return explained(openAgent(address, options), { silence, wrongAddress: ADDRESS });
}

const ADDRESS = 'an address is the path of a unix socket, or host:port';

/**
 * What a connection becomes.
 *
 * @param hints what to do when the other side is silent, or there is none
 * @throws UserError instead of the errors of connections
 */
export async function explained<T>(
  connecting: Promise<T>,
  hints: { readonly silence?: string; readonly wrongAddress?: string } = {},
): Promise<T> {
  try {
    return await connecting;
  } catch (error) {
    if (error instanceof QmpTimeoutError) throw new UserError(error.message, { hint: hints.silence, cause: error });
    if (error instanceof QmpConnectionError) {
      throw new UserError(error.message, { hint: hints.wrongAddress, cause: error });
    }
    throw error;
  }
}

/** What a program is, by its greeting, which any program may send: `QEMU 7.2.22`. */
export function versionOf({ greeting }: QmpClient): string {
  const { major, minor, micro }: Partial<QmpGreeting['version']['qemu']> = greeting.version?.qemu ?? {};
  return major === undefined ? 'a program of unknown version' : `QEMU ${major}.${minor}.${micro}`;
}

/**
 * What a program says of itself in `query-qmp-schema`.
 *
 * @throws UserError when it cannot describe itself, or not so that it can be read
 */
export async function introspectionOf(client: QmpClient): Promise<SchemaInfo[]> {
  const infos = await client.execute('query-qmp-schema').catch((error: unknown) => {
    if (!(error instanceof QmpError)) throw error;
    const hint = 'query-qmp-schema came with QEMU 2.5; guest agents do not have it: --agent talks to one';
    throw new UserError(`the program cannot describe itself: ${error.message}`, { hint, cause: error });
  });
  const complaint = complaintAboutIntrospection(infos);
  if (complaint !== undefined) {
    throw new UserError(`what query-qmp-schema returned is no introspection data: ${complaint}`);
  }
  return infos as unknown as SchemaInfo[];
}
