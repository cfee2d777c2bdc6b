import { isJsonObject, type JsonValue } from '../json/value.js';
import type { QmpClient } from './client.js';
import { type WaitOptions, watch } from './deadline.js';
import { QmpConnectionError } from './failure.js';
import type { Having, QmpEvent, QmpSchema } from './schema.js';

/** A guest did not let a device go. */
export class UnplugError extends Error {
  override readonly name: string = 'UnplugError';
  /** The device, as it was given. */
  readonly device: string;

  constructor(device: string, reason?: string) {
    super(`the guest did not release ${device}${reason === undefined ? '' : `: ${reason}`}`);
    this.device = device;
  }
}

/** Where devices with an id have their places. */
const PERIPHERAL = '/machine/peripheral';

/** Stands in the stream of events for a device that is not there when it is asked for. */
const GONE = 'the device has gone';

/**
 * Unplugs a device and waits until it has gone: most devices go when the guest lets them, and some guests never do. Once this has
 * returned, the device's backend can be removed, and its id be used again.
 *
 * @param device its id, or its path in the object tree
 * @throws {@link QmpError} when there is no such device, or it cannot be unplugged
 * @throws {@link UnplugError} when the guest refuses
 * @throws {@link QmpTimeoutError} when it has not gone within `timeout`; the guest may still let it go
 * @example
 * await unplug(client, 'net0', { timeout: 30_000 });
 * await client.execute('netdev_del', { id: 'hub0' });
 */
export async function unplug<S extends QmpSchema>(
  client: QmpClient<S> & Having<S, 'device_del', 'DEVICE_DELETED'>,
  device: string,
  options: WaitOptions = {},
): Promise<void> {
  const any = client as unknown as QmpClient;
  const stop = new AbortController();
  const unwatch = watch(
    options,
    () => `the guest did not release ${device}`,
    (error) => stop.abort(error),
  );
  const path = device.startsWith('/') ? device : `${PERIPHERAL}/${device}`;
  const events = any.events(['DEVICE_*', 'MEM_UNPLUG_ERROR'], {
    signal: stop.signal,
    buffer: Number.POSITIVE_INFINITY,
    // The event may have come when there was no connection.
    onReconnect: () =>
      void isThere(any, path).then(
        (there) => there || events.event({ event: GONE, data: { path } } as unknown as QmpEvent<string, never>),
        () => {},
      ),
  });
  try {
    await any.execute('device_del', { id: device }, { signal: stop.signal });
    for await (const { event, data } of events) {
      // Parts of a device, which go with it, have no id but paths of their own.
      if (!isJsonObject(data) || !(data.device === device || data.path === path)) continue;
      if (event === 'DEVICE_DELETED' || event === GONE) return;
      if (event === 'DEVICE_UNPLUG_GUEST_ERROR') throw new UnplugError(device);
      if (event === 'MEM_UNPLUG_ERROR') throw new UnplugError(device, String(data.msg));
    }
    throw new QmpConnectionError(`the client was closed before ${device} had gone`);
  } finally {
    unwatch();
    await events.return();
  }
}

async function isThere(client: QmpClient, path: string): Promise<boolean> {
  const at = path.lastIndexOf('/');
  const found: JsonValue = await client.execute('qom-list', { path: path.slice(0, at) });
  const name = path.slice(at + 1);
  return !Array.isArray(found) || found.some((property) => isJsonObject(property) && property.name === name);
}
