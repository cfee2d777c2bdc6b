import { once } from 'node:events';
import type { ListenOptions, Server } from 'node:net';
import { needsSystemCalls } from '../abstract/name.js';

/** Has a server listen, also under names that Node.js does not get to. @throws the system's error when the address is not available */
export async function listenAt(server: Server, options: ListenOptions | { readonly fd: number }): Promise<void> {
  const path = 'path' in options ? options.path : undefined;
  if (path !== undefined && needsSystemCalls(path)) {
    const { listenBySystem } = await import('../abstract/system-calls.js');
    server.listen({ fd: listenBySystem(path) });
  } else server.listen(options);
  await once(server, 'listening');
}
