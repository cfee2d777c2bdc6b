import type {
  BlockdevOptions,
  BlockExportOptions,
  MonitorOptions,
  NbdServerOptions,
  ObjectOptions,
} from '../../generated/index.js';
import { readSocketPlace } from '../../runtime/block/commands/address.js';
import { type NbdConfig, type NbdExportConfig, readNbd } from '../../runtime/block/commands/nbd-option.js';
import type { DriveConfig } from '../../runtime/block/drive/config.js';
import { type DeviceConfig, readDeviceOption } from '../../runtime/block/drive/device.js';
import type { DeviceModel } from '../../runtime/block/drive/device-model.js';
import { readDrive } from '../../runtime/block/drive/read-drive.js';
import type { DriverRegistry } from '../../runtime/block/graph/registry.js';
import type { DriverWhitelist } from '../../runtime/block/graph/whitelist.js';
import { isQmpFailure } from '../../runtime/qmp/error.js';
import type { CompatPolicy } from '../../runtime/qmp/server/policy.js';
import { formatSocketPlace, type SocketPlace } from '../../runtime/qmp/server/socket-place.js';
import { OptionError } from '../../runtime/visit/option-error.js';
import { type ChardevConfig, readChardev } from './chardev.js';
import { readCompat } from './compat.js';
import { PlannedThings } from './planned-things.js';
import { readBlockdev, readExport, readMonitor, readNbdServer, readObject } from './schema-options.js';
import { readTrace } from './trace.js';

type TcpPlace = Exclude<SocketPlace, { readonly path: string }>;

type OptionName =
  | 'object'
  | 'blockdev'
  | 'drive'
  | 'device'
  | 'nbd'
  | 'nbdServer'
  | 'export'
  | 'chardev'
  | 'monitor'
  | 'qmp'
  | 'compat'
  | 'trace';

/** The options of a server, as they were written, in their order. */
export type ServerTexts = { readonly [Name in OptionName]?: readonly string[] } & {
  /** Drives that do not say otherwise have `snapshot=on`. */
  readonly snapshot?: boolean;
};

/** What an option asks for, and the option. */
export interface Planned<T> {
  /** How to call the option in messages: `--drive file=a.qcow2`. */
  readonly option: string;
  readonly config: T;
}

/** An NBD server, with what it exports. */
export interface PlannedNbd extends Planned<SocketPlace> {
  readonly exports: readonly Planned<NbdExportConfig>[];
}

/** What a server is to do when it starts, in this order. */
export interface ServerPlan {
  readonly objects: readonly Planned<ObjectOptions>[];
  readonly blockdevs: readonly Planned<BlockdevOptions & { readonly 'node-name': string }>[];
  readonly drives: readonly Planned<DriveConfig>[];
  readonly devices: readonly Planned<DeviceConfig | DeviceModel>[];
  /** Where NBD is served, and what. */
  readonly nbd: readonly PlannedNbd[];
  /** The NBD server that commands and the exports below use. Absent: none. */
  readonly nbdServer: Planned<NbdServerOptions> | undefined;
  readonly exports: readonly Planned<BlockExportOptions>[];
  /** What may be used by a monitor, and is opened in any case. */
  readonly chardevs: readonly PlannedChardev[];
  readonly qmp: readonly Planned<SocketPlace | 'stdio'>[];
  /** Whether something is asked for that only a whole machine has: clients then learn of the end by an event. */
  readonly machine: boolean;
  /** What is done about deprecated and unstable interfaces. */
  readonly policy: CompatPolicy;
}

/** A character device, and the monitor that is connected by it, if there is one. */
export interface PlannedChardev extends Planned<ChardevConfig> {
  readonly monitor: MonitorOptions | undefined;
}

/** Something that is wrong with an option. */
export interface PlanProblem {
  readonly option: string;
  readonly message: string;
}

/** What the drivers are, and which of them may be used. */
export interface PlanRules {
  readonly drivers: DriverRegistry;
  readonly whitelist?: DriverWhitelist;
}

/**
 * Reads all options of a server and checks them, each by itself and one against the other, as far as that goes without opening
 * anything. With problems the plan is incomplete.
 */
export function planServer(
  texts: ServerTexts,
  rules: PlanRules,
): { readonly plan: ServerPlan; readonly problems: readonly PlanProblem[] } {
  const problems: PlanProblem[] = [];
  const things = new PlannedThings(rules);

  /** Reads the texts of one option; what cannot be read, or collides, is a problem and not in the result. */
  function each<T>(
    name: OptionName,
    read: (text: string) => T,
    check: (config: T, option: string) => void,
  ): Planned<T>[] {
    return (texts[name] ?? []).flatMap((text, index) => {
      // An object may hold a secret.
      const option = name === 'object' ? `--object (no. ${index + 1})` : `--${flagOf(name)} ${text}`;
      try {
        const config = read(text);
        check(config, option);
        return [{ option, config }];
      } catch (error) {
        problems.push({ option, message: messageOf(error) });
        return [];
      }
    });
  }

  const objects = each('object', readObject, (object) => things.addObject(object));
  const blockdevs = each('blockdev', readBlockdev, (options) => things.addNode(options));
  const drives = each(
    'drive',
    (text) => readDrive(text, things, { snapshot: texts.snapshot ?? false }),
    (drive) => things.addDrive(drive),
  );
  const devices = each('device', readDeviceOption, (device) => things.addDevice(device));
  const nbd = new NbdServers();
  each('nbd', readNbd, (config, option) => nbd.add(option, config, things));
  const [nbdServer] = each('nbdServer', readNbdServer, () => things.addNbdServer());
  const exports = each('export', readExport, (options) => things.addExport(options));
  const devicesOfMonitors = each('chardev', readChardev, (chardev) => things.addChardev(chardev));
  const monitors = each('monitor', readMonitor, (monitor) => things.addMonitor(monitor));
  const chardevs: PlannedChardev[] = devicesOfMonitors.map((device) => ({
    ...device,
    monitor: monitors.find(({ config }) => config.chardev === device.config.id)?.config,
  }));
  const policies = each('compat', readCompat, () => {});
  const policy: CompatPolicy = Object.assign({}, ...policies.map(({ config }) => config));
  const places = new Map(nbd.servers.map(({ option, config }) => [formatSocketPlace(config), option]));
  const qmp: Planned<SocketPlace | 'stdio'>[] = [];
  for (const { option, config } of each('qmp', readMonitorPlace, (listener, option) => {
    const place = typeof listener === 'object' && 'telnet' in listener ? listener.telnet : listener;
    const key = place === 'stdio' ? place : formatSocketPlace(place);
    const other = places.get(key);
    if (place === 'stdio') things.takeStdio();
    if (other !== undefined && !isAnyPort(place)) throw new OptionError(`${other} listens there already`);
    places.set(key, option);
  })) {
    if (typeof config === 'string' || !('telnet' in config)) qmp.push({ option, config });
    else chardevs.push({ option, config: telnetChardev(option, config.telnet), monitor: { chardev: option } });
  }
  const machine = (['qmp', 'drive', 'device'] as const).some((name) => texts[name] !== undefined);
  each('trace', readTrace, () => {});
  const plan = {
    machine,
    objects,
    blockdevs,
    drives,
    devices,
    nbd: nbd.servers,
    nbdServer,
    exports,
    chardevs,
    qmp,
    policy,
  };
  return { plan, problems };
}

/** An option as it is written on the command line. */
function flagOf(name: OptionName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Puts exports to the servers that they are for. */
class NbdServers {
  readonly servers: {
    readonly option: string;
    readonly config: SocketPlace;
    readonly exports: Planned<NbdExportConfig>[];
  }[] = [];

  /** @throws OptionError when it does not say where to listen, and none has said so before */
  add(option: string, { listen, export: exported }: NbdConfig, things: PlannedThings): void {
    let server = this.servers.at(-1);
    if (listen !== undefined) {
      const key = formatSocketPlace(listen);
      server = this.servers.find(({ config }) => formatSocketPlace(config) === key);
      if (server === undefined) {
        server = { option, config: listen, exports: [] };
        this.servers.push(server);
      }
    }
    if (server === undefined) throw new OptionError("'listen' is missing: unix:PATH or tcp:HOST:PORT", 'listen');
    if (exported === undefined) return;
    things.checkExport(exported);
    if (server.exports.some(({ config }) => config.name === exported.name)) {
      throw new OptionError(`there is an export '${exported.name}' already`, 'export');
    }
    server.exports.push({ option, config: exported });
  }
}

/** A monitor for one client at a time that comes by telnet. */
function telnetChardev(id: string, { host, port }: TcpPlace): ChardevConfig {
  const client = { reconnect: undefined, tlsCreds: undefined, tlsAuthz: undefined };
  const place = { host, port, to: port, family: undefined };
  return { id, backend: 'socket', place, server: true, wait: false, telnet: true, ...client };
}

/** Port 0 is a different one each time. */
function isAnyPort(place: SocketPlace | 'stdio'): boolean {
  return typeof place === 'object' && 'port' in place && place.port === 0;
}

/** @throws OptionError when it is no address, or one with the parameters that QEMU takes */
function readMonitorPlace(text: string): SocketPlace | 'stdio' | { readonly telnet: TcpPlace } {
  const [, address = '', rest] = /^(.*?),((?:server|nowait|wait)\b.*)$/.exec(text) ?? [];
  if (rest !== undefined) {
    throw new OptionError(
      `write '${address}': the server listens and does not wait for a client, also without '${rest}'`,
    );
  }
  if (text === 'stdio') return text;
  const [, place] = /^telnet:(.*)$/.exec(text) ?? [];
  const telnet = place === undefined ? undefined : readSocketPlace(`tcp:${place}`);
  return telnet !== undefined && 'port' in telnet ? { telnet } : readSocketPlace(text);
}

function messageOf(error: unknown): string {
  if (isQmpFailure(error) || error instanceof OptionError) return error.message;
  throw error;
}
