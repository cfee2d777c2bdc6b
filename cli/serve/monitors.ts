import type { BlockLayer } from '../../runtime/block/index.js';
import type { QmpServer } from '../../runtime/qmp/server/server.js';
import type { SocketPlace } from '../../runtime/qmp/server/socket-place.js';
import type { StreamPair } from '../../runtime/qmp/streams.js';
import type { Host } from '../host.js';
import type { ServerLog } from './log.js';
import { openMonitorFile, openMonitorPipe } from './monitor-file.js';
import { openMonitorSocket } from './monitor-socket.js';
import { naming } from './naming.js';
import type { OpenChardev } from './open-chardev.js';
import type { PlannedChardev, ServerPlan } from './plan.js';
import { standardStreams } from './streams.js';

/** What monitors are opened for. */
interface MonitorParts {
  readonly server: QmpServer;
  /** Has the objects with TLS credentials. */
  readonly layer: BlockLayer;
  /** Gets what has been opened, also when not all can be. */
  readonly chardevs: OpenChardev[];
}

/** What they are opened with. */
interface MonitorOptions {
  readonly plan: ServerPlan;
  readonly host: Host;
  readonly log: ServerLog;
  readonly signal: AbortSignal;
}

/** Takes clients. `deserted` resolves when the only client there can be has gone, and no other can come. */
export async function openMonitors(
  { server, layer, chardevs }: MonitorParts,
  { plan, host, signal, log }: MonitorOptions,
): Promise<{ readonly places: readonly string[]; readonly deserted: Promise<void> }> {
  const alone = plan.qmp.length + plan.chardevs.length === 1 && plan.nbd.length === 0 && plan.nbdServer === undefined;
  let desert = (): void => {};
  const deserted = new Promise<void>((resolve) => {
    desert = resolve;
  });
  const standard = (): StreamPair => standardStreams(host, () => alone && desert());
  const listen = (place: SocketPlace | 'stdio'): Promise<void> => server.listen(place === 'stdio' ? standard() : place);
  for (const { option, config } of plan.qmp) {
    signal.throwIfAborted();
    await naming(option, () => listen(config));
  }
  const places = [...server.addresses];
  for (const { option, config, monitor } of plan.chardevs) {
    signal.throwIfAborted();
    const layout = { pretty: monitor?.pretty ?? false };
    const serve = monitor === undefined ? ignore : (client: StreamPair): void => server.serve(client, layout);
    const warn = (message: string): void => log.warn({ option }, message);
    const open = (): Promise<OpenChardev | undefined> | OpenChardev | undefined =>
      openChardev(config, { serve, standard, warn, layer, signal });
    const opened = await naming(option, open);
    if (opened === undefined) continue;
    chardevs.push(opened);
    if (monitor !== undefined) places.push(opened.address);
  }
  return { places, deserted };
}

interface OpenOptions {
  readonly serve: (client: StreamPair) => void;
  readonly standard: () => StreamPair;
  readonly warn: (message: string) => void;
  readonly layer: BlockLayer;
  readonly signal: AbortSignal;
}

/** @returns nothing when there is nothing to close */
function openChardev(
  chardev: PlannedChardev['config'],
  { serve, standard, ...options }: OpenOptions,
): Promise<OpenChardev> | OpenChardev | undefined {
  switch (chardev.backend) {
    case 'null':
      return undefined;
    case 'stdio':
      serve(standard());
      return { address: 'stdio', close: async () => {} };
    case 'file':
      return openMonitorFile(chardev, serve);
    case 'pipe':
      return openMonitorPipe(chardev, serve);
    case 'socket':
      return openMonitorSocket({ chardev, serve, ...options });
  }
}

/** What comes by a device without a monitor is lost. */
function ignore({ readable, writable }: StreamPair): void {
  readable.on('error', () => {}).resume();
  readable.once('end', () => writable.end());
  writable.on('error', () => {});
}
