import type { BlockdevOnError } from '../../../generated/index.js';
import { backendPath } from './device-path.js';

/** What can stand in for a guest's device. */
export type DeviceKind = 'disk' | 'floppy' | 'cdrom';

/** How a device is, and what it does when something is asked of it. */
export interface DeviceOptions {
  readonly kind: DeviceKind;
  /** Its id, by which commands can call it. */
  readonly id: string;
  /** What it is called in the tree of objects: `virtio-blk-pci`, for instance. Default: what suits its kind. */
  readonly model?: string;
  /** Others may write to its medium, too. Default: `false`. */
  readonly shareWrites?: boolean;
  /** The guest has locked the medium in. Default: `false`. */
  readonly locked?: boolean;
  /** What is done about failed reads. Default: `auto`, which is what the backend says. */
  readonly rerror?: BlockdevOnError;
  /** What is done about other failures. Default: `auto`. */
  readonly werror?: BlockdevOnError;
  /** Asks the guest to let go of the medium, or informs it that it is taken by force. */
  readonly onEjectRequest?: (force: boolean) => void;
  /** A medium has come, or is gone. Devices with a tray learn this when the tray moves. */
  readonly onMediumChange?: (loaded: boolean) => void;
}

const usualModels: { readonly [kind in DeviceKind]: string } = { disk: 'scsi-hd', cdrom: 'scsi-cd', floppy: 'floppy' };

/**
 * What is attached to a backend in the place of a guest's device, so that trays, locks and error policies have a device that
 * they belong to. Nothing attached: the medium can be exchanged at will, and no failure stops anything.
 */
export class VirtualDevice {
  readonly kind: DeviceKind;
  readonly id: string;
  readonly model: string;
  readonly shareWrites: boolean;
  readonly rerror: BlockdevOnError;
  readonly werror: BlockdevOnError;
  /** The guest has locked the medium in. */
  locked: boolean;
  readonly #onEjectRequest: DeviceOptions['onEjectRequest'];
  readonly #onMediumChange: DeviceOptions['onMediumChange'];
  #trayOpen = false;

  constructor(options: DeviceOptions) {
    this.kind = options.kind;
    this.id = options.id;
    this.model = options.model ?? usualModels[options.kind];
    this.shareWrites = options.shareWrites ?? false;
    this.rerror = options.rerror ?? 'auto';
    this.werror = options.werror ?? 'auto';
    this.locked = options.locked ?? false;
    this.#onEjectRequest = options.onEjectRequest;
    this.#onMediumChange = options.onMediumChange;
  }

  /** What queries call it: its id, or, of a virtio device, the path of what its disk belongs to. */
  get qdev(): string {
    return backendPath(this.model, this.id) ?? this.id;
  }

  /** The medium can be exchanged. */
  get removable(): boolean {
    return this.kind !== 'disk';
  }

  get hasTray(): boolean {
    return this.kind === 'cdrom';
  }

  get trayOpen(): boolean {
    return this.#trayOpen;
  }

  /** It asks what to do about failed requests, and remembers that there was one. */
  get keepsIoStatus(): boolean {
    return this.kind !== 'floppy';
  }

  /** Asks the guest for the medium. By force, it lets go. */
  requestEject(force: boolean): void {
    if (force) this.locked = false;
    this.#onEjectRequest?.(force);
  }

  /** Starts anew, with a medium that no guest has locked. */
  reset(): void {
    this.locked = false;
  }

  /**
   * Loads a medium or gives it out: a tray closes or opens.
   *
   * @returns whether the tray has moved
   */
  changeMedium(load: boolean): boolean {
    const moved = this.hasTray && this.#trayOpen === load;
    if (this.hasTray) this.#trayOpen = !load;
    this.#onMediumChange?.(load);
    return moved;
  }
}
