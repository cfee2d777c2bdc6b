import { BlockError } from '../../error.js';

/** What carries requests for `fetch`. */
export type Agent = NonNullable<RequestInit['dispatcher']>;

/** Where `fetch` has what carries its requests: the same for all versions that speak the same interface. */
const globalAgent = Symbol.for('undici.globalDispatcher.1');

/**
 * An agent that does not look at the certificates of servers. Node.js does not export the class, but an instance.
 *
 * @throws BlockError when there is none, for instance because the program uses a proxy
 */
export async function unverifyingAgent(): Promise<Agent> {
  // The instance is made with the first request of the program.
  await fetch('data:,');
  const agent: unknown = Reflect.get(globalThis, globalAgent);
  const make: unknown = agent?.constructor;
  if (typeof make === 'function' && make.name === 'Agent') {
    return Reflect.construct(make, [{ connect: { rejectUnauthorized: false } }]);
  }
  throw new BlockError("'sslverify' cannot be switched off: this program sends its requests in a way of its own", {
    code: 'ENOTSUP',
  });
}
