import type { JsonObject } from '../../json/value.js';
import { isWellFormedId } from '../../visit/well-formed-id.js';
import type { DeviceKind } from '../backend/virtual-device.js';
import { BlockError, invalid } from '../error.js';

/** The device models of QEMU that are disks, and those of `--device`, by what stands in for them. */
const models: { readonly [kind in DeviceKind]: readonly string[] } = {
  disk: [
    'disk',
    'virtio-blk',
    'virtio-blk-pci',
    'virtio-blk-ccw',
    'virtio-blk-device',
    'scsi-hd',
    'scsi-block',
    'ide-hd',
    'nvme',
    'nvme-ns',
    'usb-storage',
    'sd-card',
  ],
  cdrom: ['cdrom', 'scsi-cd', 'ide-cd'],
  floppy: ['floppy'],
};

/** A virtual device that `device_add` asks for. */
export interface DeviceModel {
  readonly kind: DeviceKind;
  readonly model: string;
  readonly id: string | undefined;
  /** A drive by its id, or a node by its node-name. Absent: the device is empty. */
  readonly drive: string | undefined;
  /** Others may write, too. */
  readonly shareWrites: boolean;
}

/**
 * Reads the arguments of `device_add`. What a guest would see (`serial`, `bus`, `scsi-id` and so on) has no further use here.
 *
 * @throws BlockError for what is no disk, or a malformed id
 */
export function readDeviceModel({ driver, id, drive, 'share-rw': shareWrites = false }: JsonObject): DeviceModel {
  if (typeof driver !== 'string') throw invalid("Parameter 'driver' is missing");
  const kind = (['disk', 'cdrom', 'floppy'] as const).find((each) => models[each].includes(driver));
  if (kind === undefined) {
    throw new BlockError(
      `'${driver}' is not a valid device model name: this server has disks only, such as virtio-blk`,
    );
  }
  if (id !== undefined && (typeof id !== 'string' || !isWellFormedId(id))) {
    throw invalid("Parameter 'id' expects an identifier");
  }
  if (drive !== undefined && typeof drive !== 'string') throw invalid("Parameter 'drive' expects a string");
  if (drive === undefined && kind === 'disk') throw invalid('drive property not set');
  return { kind, model: driver, id, drive, shareWrites: shareWrites === true || shareWrites === 'on' };
}
