import { Backend } from '../backend/backend.js';
import { devicePath } from '../backend/device-path.js';
import { withDevice } from '../backend/lookup.js';
import { rootPermissions } from '../backend/root-permissions.js';
import { throttleConfigOf } from '../backend/throttle-config.js';
import type { ThrottleGroups } from '../backend/throttle-group.js';
import { VirtualDevice } from '../backend/virtual-device.js';
import type { BlockHost } from '../driver.js';
import { BlockError, deviceNotFound } from '../error.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import type { DriveConfig, DriveRegistry, DriveSlot } from './config.js';
import type { DeviceConfig } from './device.js';
import type { DeviceModel } from './device-model.js';
import { openDrive } from './open-drive.js';
import { checkNewDevice, checkNewDrive, checkNewModel, isSlotTaken, noSuchDrive, type PresentDrive } from './rules.js';

/** What drives need of the layer that they are in. */
export interface DriveEnvironment {
  readonly graph: BlockGraph;
  readonly host: BlockHost;
  readonly throttleGroups: ThrottleGroups;
  /** Temporary files of the layer's own, which need no permission. */
  readonly ownFiles: Set<string>;
  /** Takes the medium out of a backend, and away from its clients. */
  eject(backend: Backend): Promise<void>;
}

interface Drive {
  readonly backend: Backend;
  readonly slot: DriveSlot;
}

/** The drives of a layer: backends with a name, a slot, and perhaps a virtual device. */
export class Drives implements DriveRegistry {
  readonly #environment: DriveEnvironment;
  readonly #drives = new Map<string, Drive>();
  /** Backends of devices whose drive was deleted. */
  readonly #nameless = new Set<Backend>();
  /** What disks may be plugged into: the models by their ids. */
  readonly #controllers = new Map<string, string>();

  constructor(environment: DriveEnvironment) {
    this.#environment = environment;
  }

  /** The backends with names, in the order in which they were made. */
  get named(): Iterable<Backend> {
    return Array.from(this.#drives.values(), ({ backend }) => backend);
  }

  /** The named backends, and after them those that have lost their names. */
  get backends(): Iterable<Backend> {
    return [...this.named, ...this.#nameless];
  }

  /** What `query-block` shows: the named ones, and those that a device has. */
  get queried(): Iterable<Backend> {
    return [...this.backends].filter(({ name, device }) => name !== '' || device !== undefined);
  }

  /** What is no disk but takes disks: the models by their ids. */
  get controllers(): ReadonlyMap<string, string> {
    return this.#controllers;
  }

  /** The backend of a name, if there is one. */
  backend(name: string): Backend | undefined {
    return this.#drives.get(name)?.backend;
  }

  kind(name: string): 'node' | 'device' | undefined {
    return this.#environment.graph.names.kind(name);
  }

  slotTaken(slot: DriveSlot): boolean {
    return isSlotTaken(this.#present(), slot);
  }

  /** Adds a backend with its medium. @throws BlockError when it cannot be made; nothing is left of it then */
  async add(config: DriveConfig): Promise<void> {
    const { graph, host, throttleGroups, ownFiles } = this.#environment;
    const { id, device, throttling } = config;
    checkNewDrive(this.#present(), config);
    const backend = new Backend(id, host, {
      writeback: config.writeback,
      policies: { read: config.readError, write: config.writeError },
      accounting: {
        accountFailed: config.statsAccountFailed,
        accountInvalid: config.statsAccountInvalid,
        intervals: config.statsIntervals,
      },
    });
    graph.addDevice(backend);
    if (device.kind !== 'none') backend.device = new VirtualDevice({ kind: device.kind, id });
    try {
      await openDrive(graph, backend, config, ownFiles);
    } catch (error) {
      graph.removeDevice(backend);
      throw error;
    }
    if (throttling) backend.limit(throttleGroups, throttling.config, throttling.group);
    this.#drives.set(id, { backend, slot: device });
  }

  /** Attaches a virtual device to a drive. @throws BlockError when there is no such drive, or it has a device, or the id is taken */
  async attach(config: DeviceConfig): Promise<void> {
    checkNewDevice(this.#present(), config);
    const { kind, drive, id = drive, locked } = config;
    const backend = this.backend(drive);
    if (backend !== undefined) await this.#attach(backend, new VirtualDevice({ kind, id, locked }));
  }

  /** Gives a backend a device. From then on others may do less with its medium. @throws BlockError when they do more */
  async #attach(backend: Backend, device: VirtualDevice): Promise<void> {
    const { graph } = this.#environment;
    backend.device = device;
    const attached = graph.attachedTo(backend);
    const root = attached && [...attached.parents].find((edge) => edge === backend.root);
    if (root === undefined || attached === undefined) return;
    const before = root.permissions;
    root.permissions = rootPermissions(backend, attached.belowJobs.flags);
    try {
      await graph.usage.update([attached]);
    } catch (error) {
      backend.device = undefined;
      root.permissions = before;
      throw error;
    }
  }

  /**
   * Attaches a virtual device to a drive, or to a node by a backend without a name.
   *
   * @throws BlockError when there is neither, or it is used otherwise, or the id is taken
   */
  async plug(asked: DeviceModel): Promise<void> {
    const { graph, host } = this.#environment;
    checkNewModel(this.#present(), asked);
    const name = asked.id ?? this.#freeId();
    if (asked.kind === 'controller') {
      this.#controllers.set(name, asked.model);
      return;
    }
    const { model, drive } = asked;
    const device = new VirtualDevice({ ...asked, id: name });
    const named = drive === undefined ? undefined : this.backend(drive);
    if (named !== undefined) {
      await this.#attach(named, device);
      named.writeback = asked.writeback ?? named.writeback;
      return;
    }
    const backend = new Backend('', host, asked.writeback === undefined ? {} : { writeback: asked.writeback });
    backend.device = device;
    if (drive !== undefined) {
      const node = graph.node(drive);
      if (node === undefined) throw noSuchDrive(model, drive);
      backend.root = await graph.attachRoot(node, backend, rootPermissions(backend, node.flags));
    }
    this.#nameless.add(backend);
  }

  /**
   * Takes a virtual device away, and what only it used: its drive, too, if it has one.
   *
   * @param endJobs ends what goes on with a medium that is about to be closed
   * @returns what it was
   * @throws BlockError when there is none of that id or path
   */
  async unplug(
    name: string,
    endJobs: (medium: BlockNode) => Promise<void>,
  ): Promise<{ readonly id: string; readonly model: string }> {
    const controller = name.startsWith(devicePath) ? name.slice(devicePath.length) : name;
    const found = this.#controllers.get(controller);
    if (found !== undefined) {
      this.#controllers.delete(controller);
      return { id: controller, model: found };
    }
    const backend = withDevice(this, name);
    if (backend?.device === undefined) throw deviceNotFound(name);
    const { id, model } = backend.device;
    if (this.#nameless.has(backend)) {
      await this.#environment.eject(backend);
      this.#nameless.delete(backend);
    } else {
      const medium = this.#environment.graph.mediumOf(backend);
      if (medium !== undefined) await endJobs(medium);
      await this.#discard(backend);
    }
    backend.device = undefined;
    return { id, model };
  }

  /** Puts another node, or the medium of none, under a device. Exports of it follow. @throws BlockError when that must not be */
  async changeNode(id: string, name: string): Promise<void> {
    const { graph } = this.#environment;
    const backend = withDevice(this, id);
    if (backend?.device === undefined) throw deviceNotFound(id);
    const node = graph.node(name);
    if (node === undefined) throw noSuchDrive(backend.device.model, name);
    const before = graph.attachedTo(backend);
    if (before === node || graph.mediumOf(backend) === node) return;
    const { root } = backend;
    const attach = async (medium: BlockNode): Promise<void> => {
      backend.root = await graph.attachRoot(medium, backend, rootPermissions(backend, medium.flags));
    };
    if (before === undefined || root === undefined) {
      await attach(node);
      return;
    }
    // One may be below the other: what the device does to both at a time could be too much.
    await graph.holding(before, () =>
      graph.drainedAll(async () => {
        await graph.detachRoot(root);
        backend.root = undefined;
        try {
          await attach(node);
        } catch (error) {
          await attach(before);
          throw error;
        }
      }),
    );
  }

  /** An id for a device that was given none. */
  #freeId(): string {
    const used = new Set(Array.from(this.#present(), ({ deviceId }) => deviceId));
    for (let number = 0; ; number++) if (!used.has(`device${number}`)) return `device${number}`;
  }

  /**
   * Deletes a drive. A device that uses it keeps a backend without a name and a medium.
   *
   * @throws BlockError when there is none of that name, or it must stay
   */
  async delete(name: string): Promise<void> {
    const { graph } = this.#environment;
    const backend = this.backend(name);
    if (backend === undefined) throw deviceNotFound(name);
    const medium = graph.mediumOf(backend);
    if (medium?.monitorOwned) {
      throw new BlockError(`Deleting device '${name}' is not supported: its medium was added with blockdev-add`);
    }
    graph.attachedTo(backend)?.checkAllowed('drive-del');
    await this.#discard(backend);
    if (backend.device === undefined) return;
    backend.name = '';
    backend.policies = { read: 'report', write: 'report' };
    this.#nameless.add(backend);
  }

  async #discard(backend: Backend): Promise<void> {
    const { graph, throttleGroups, eject } = this.#environment;
    const { name } = backend;
    await eject(backend);
    graph.removeDevice(backend);
    this.#drives.delete(name);
    backend.limit(throttleGroups, throttleConfigOf({}), name);
  }

  /** The drives, and the devices whose drive was deleted. */
  *#present(): Iterable<PresentDrive> {
    for (const [id, { backend, slot }] of this.#drives) yield { id, slot, deviceId: backend.device?.id };
    for (const { device } of this.#nameless) yield { id: undefined, slot: undefined, deviceId: device?.id };
    for (const id of this.#controllers.keys()) yield { id: undefined, slot: undefined, deviceId: id };
  }
}
