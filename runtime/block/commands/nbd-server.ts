import { BlockError } from '../error.js';
import { type ExportSource, NbdDoor, nbdAddresses } from '../exports.js';
import type { NbdServerOptions } from '../nbd/server.js';
import type { BlockHandlers } from './handlers.js';

/** Keeps the one door that commands open, beside others that the command line may have opened. */
export interface CommandDoor {
  door: NbdDoor | undefined;
}

/** Commands of the NBD server. */
export function nbdServerCommands(place: CommandDoor, source: ExportSource, options: NbdServerOptions) {
  return {
    async 'nbd-server-start'({ addr, 'tls-creds': credentials }) {
      if (place.door !== undefined) throw new BlockError('NBD server already running');
      if (credentials !== undefined && addr.type !== 'inet') {
        throw new BlockError('TLS is only supported with IPv4/IPv6');
      }
      if (credentials !== undefined) throw new BlockError(`No TLS credentials with id '${credentials}'`);
      let failure: unknown;
      for (const address of nbdAddresses(addr)) {
        try {
          place.door = await NbdDoor.open(source, address, options);
          return;
        } catch (error) {
          failure = error;
        }
      }
      throw failure;
    },

    'nbd-server-add'({ device, writable = false }) {
      if (place.door === undefined) throw new BlockError('NBD server not running');
      place.door.add({ name: device, of: { deviceOrNode: device }, writable });
    },

    async 'nbd-server-stop'() {
      const { door } = place;
      place.door = undefined;
      await door?.close();
    },
  } satisfies Partial<BlockHandlers>;
}
