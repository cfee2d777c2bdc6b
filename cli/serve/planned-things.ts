import {
  type BlockdevOptions,
  type BlockExportOptions,
  type MonitorOptions,
  type ObjectOptions,
  visitBlockdevOptions,
} from '../../generated/index.js';
import { notBuiltIn } from '../../runtime/block/commands/exports.js';
import type { NbdExportConfig } from '../../runtime/block/commands/nbd-option.js';
import type { DriveConfig, DriveRegistry, DriveSlot } from '../../runtime/block/drive/config.js';
import type { DeviceConfig } from '../../runtime/block/drive/device.js';
import type { DeviceModel } from '../../runtime/block/drive/device-model.js';
import {
  checkNewDevice,
  checkNewDrive,
  checkNewModel,
  isSlotTaken,
  noSuchDrive,
  type PresentDrive,
} from '../../runtime/block/drive/rules.js';
import { rootDefaults, takeDetectZeroes, takeFlags } from '../../runtime/block/graph/flags.js';
import { NameSpace } from '../../runtime/block/graph/names.js';
import type { DriverRegistry } from '../../runtime/block/graph/registry.js';
import { checkWhitelist, type DriverWhitelist } from '../../runtime/block/graph/whitelist.js';
import { isObjectIdTaken } from '../../runtime/block/objects/object-id.js';
import { BlockOptions } from '../../runtime/block/options.js';
import { OptionError } from '../../runtime/visit/option-error.js';
import type { JsonKind, Name } from '../../runtime/visit/visitor.js';
import { WalkVisitor } from '../../runtime/visit/walk-visitor.js';
import { checkId, isWellFormedId } from '../../runtime/visit/well-formed-id.js';
import type { ChardevConfig } from './chardev.js';

interface PlannedDrive extends PresentDrive {
  readonly empty: boolean;
}

/** What a server will have once its options have been carried out: the names that are taken, and what they are. */
export class PlannedThings implements DriveRegistry {
  readonly #drivers: DriverRegistry;
  readonly #whitelist: DriverWhitelist;
  readonly #names = new NameSpace();
  readonly #drives = new Map<string, PlannedDrive>();
  readonly #objects = new Set<string>();
  readonly #exports = new Set<string>();
  readonly #exportNames = new Set<string>();
  readonly #monitors = new Set<string>();
  readonly #chardevs = new Map<string, { used: boolean }>();
  /** What is plugged in without a drive. */
  readonly #devices: PresentDrive[] = [];
  #nbdServer = false;
  #stdio = false;

  constructor({ drivers, whitelist = {} }: { readonly drivers: DriverRegistry; readonly whitelist?: DriverWhitelist }) {
    this.#drivers = drivers;
    this.#whitelist = whitelist;
  }

  kind(name: string): 'node' | 'device' | undefined {
    return this.#names.kind(name);
  }

  slotTaken(slot: DriveSlot): boolean {
    return isSlotTaken(this.#drives.values(), slot);
  }

  /** @throws OptionError for a malformed or taken id */
  addObject({ id }: ObjectOptions): void {
    checkId(id);
    if (isObjectIdTaken(id, this.#objects)) {
      throw new OptionError(`attempt to add duplicate property '${id}' to object (type 'container')`, 'id');
    }
    this.#objects.add(id);
  }

  /** @throws OptionError or BlockError for a name that is taken, a reference that leads nowhere, a driver that may not be used */
  addNode(options: BlockdevOptions): void {
    const references = new References();
    visitBlockdevOptions(references, options);
    for (const name of references.found) {
      if (this.#names.kind(name) === undefined) {
        throw new OptionError(
          `Cannot find device='${name}' nor node-name='${name}': the --blockdev that makes it must come before`,
        );
      }
    }
    const flat = BlockOptions.flatten(options);
    const names = nodeNamesIn(flat);
    this.#check(flat);
    this.#takeNodes(names);
  }

  /** @throws BlockError for a name or a device's id that is taken, or a driver that may not be used */
  addDrive(drive: DriveConfig): void {
    const { id, nodeOptions, device, empty } = drive;
    this.#check(nodeOptions.clone());
    checkNewDrive(this.#drives.values(), drive);
    this.#names.takeDevice(id);
    try {
      this.#takeNodes(nodeNamesIn(nodeOptions));
    } catch (error) {
      this.#names.release(id);
      throw error;
    }
    this.#drives.set(id, { id, slot: device, deviceId: device.kind === 'none' ? undefined : id, empty });
  }

  /** @throws BlockError when there is no such drive or node, it has a device, or the device's id is taken */
  addDevice(config: DeviceConfig | DeviceModel): void {
    if ('model' in config) {
      this.#plugDevice(config);
      return;
    }
    checkNewDevice(this.#present, config);
    const { drive, id = drive } = config;
    const planned = this.#drives.get(drive);
    if (planned !== undefined) this.#drives.set(drive, { ...planned, deviceId: id });
  }

  get #present(): PresentDrive[] {
    return [...this.#drives.values(), ...this.#devices];
  }

  #plugDevice(model: DeviceModel): void {
    checkNewModel(this.#present, model);
    const drive = model.kind === 'controller' ? undefined : model.drive;
    const planned = this.#drives.get(drive ?? '');
    const deviceId = model.id ?? `anonymous ${this.#devices.length}`;
    if (planned !== undefined) {
      this.#drives.set(drive ?? '', { ...planned, deviceId });
      return;
    }
    if (drive !== undefined && this.#names.kind(drive) !== 'node') throw noSuchDrive(model.model, drive);
    this.#devices.push({ id: undefined, slot: undefined, deviceId });
  }

  /** @throws OptionError when there is nothing to export */
  checkExport({ of }: NbdExportConfig): void {
    if ('node' in of) {
      if (this.#names.kind(of.node) !== 'node') throw new OptionError(`there is no node '${of.node}'`, 'node');
    } else {
      const drive = this.#drives.get(of.device);
      if (drive === undefined) throw new OptionError(`there is no drive '${of.device}'`, 'device');
      if (drive.empty) throw new OptionError(`drive '${of.device}' is empty`, 'device');
    }
  }

  /** @throws OptionError when there is one already */
  addNbdServer(): void {
    if (this.#nbdServer) throw new OptionError('NBD server already running');
    this.#nbdServer = true;
  }

  /** @throws OptionError when the id or the name is taken, or there is nothing to export, or nothing to export it by */
  addExport(options: BlockExportOptions): void {
    const { id, type, 'node-name': node } = options;
    if (!isWellFormedId(id)) throw new OptionError('Invalid block export id', 'id');
    if (this.#exports.has(id)) throw new OptionError(`Block export id '${id}' is already in use`, 'id');
    if (type !== 'nbd') throw new OptionError(notBuiltIn(type), 'type');
    if (this.#names.kind(node) !== 'node') {
      throw new OptionError(`Cannot find device='' nor node-name='${node}'`, 'node-name');
    }
    if (!this.#nbdServer) throw new OptionError('NBD server not running: an --nbd-server is missing');
    const { name = node } = options;
    if (this.#exportNames.has(name)) throw new OptionError(`NBD server already has export named '${name}'`, 'name');
    this.#exports.add(id);
    this.#exportNames.add(name);
  }

  /** @throws OptionError for a taken id, or a second user of standard input and output */
  addChardev({ id, backend }: ChardevConfig): void {
    if (this.#chardevs.has(id))
      throw new OptionError(`attempt to add duplicate property '${id}' to object (type 'container')`, 'id');
    if (backend === 'stdio') this.takeStdio();
    this.#chardevs.set(id, { used: false });
  }

  /** @throws OptionError when another one has standard input and output */
  takeStdio(): void {
    if (this.#stdio) throw new OptionError('cannot use stdio by multiple character devices');
    this.#stdio = true;
  }

  /** @throws OptionError when there is no such character device, or another monitor has it, or the id */
  addMonitor({ chardev: device, id }: MonitorOptions): void {
    const chardev = this.#chardevs.get(device);
    if (chardev === undefined) throw new OptionError(`chardev "${device}" not found`, 'chardev');
    if (chardev.used) throw new OptionError(`chardev '${device}' is already in use`, 'chardev');
    if (id !== undefined && this.#monitors.has(id)) {
      throw new OptionError(`attempt to add duplicate property '${id}' to object (type 'container')`, 'id');
    }
    if (id !== undefined) this.#monitors.add(id);
    chardev.used = true;
  }

  /** Takes all of some names or none: what is refused must not refuse others. */
  #takeNodes(names: readonly string[]): void {
    const taken: string[] = [];
    try {
      for (const name of names) taken.push(this.#names.takeNode(name));
    } catch (error) {
      for (const name of taken) this.#names.release(name);
      throw error;
    }
  }

  /** Checks what every node has. */
  #check(options: BlockOptions): void {
    const driver = options.get('driver');
    const flags = takeFlags(options, rootDefaults);
    takeDetectZeroes(options, flags);
    if (typeof driver !== 'string') return;
    this.#drivers.named(driver);
    checkWhitelist(this.#whitelist, driver, flags.readOnly);
  }
}

/** The names that options give to a node and to those that are opened below it. */
function nodeNamesIn(options: BlockOptions): string[] {
  const names: string[] = [];
  for (const [key, value] of options.entries()) {
    if ((key === 'node-name' || key.endsWith('.node-name')) && typeof value === 'string') names.push(value);
  }
  return names;
}

/** Collects the nodes that options refer to by name. */
class References extends WalkVisitor {
  readonly found: string[] = [];

  override alternate(value: unknown, name: Name, type: string): JsonKind {
    // The empty string means that there is no backing file.
    if (type.startsWith('BlockdevRef') && typeof value === 'string' && value !== '') this.found.push(value);
    return super.alternate(value, name, type);
  }
}
