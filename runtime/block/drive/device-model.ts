import { BlockdevOnError } from '../../../generated/index.js';
import type { JsonObject, JsonValue } from '../../json/value.js';
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

/** Device models that disks are plugged into. They have names, and do nothing. */
const controllers: readonly string[] = [
  'virtio-scsi',
  'virtio-scsi-pci',
  'virtio-scsi-ccw',
  'virtio-scsi-device',
  'lsi53c895a',
  'megasas',
  'mptsas1068',
  'pvscsi',
  'am53c974',
  'ahci',
  'ich9-ahci',
  'pcie-root-port',
  'pci-bridge',
  'nec-usb-xhci',
  'qemu-xhci',
];

/** A virtual disk that `device_add` asks for. */
interface DiskModel {
  readonly kind: DeviceKind;
  readonly model: string;
  readonly id: string | undefined;
  /** A drive by its id, or a node by its node-name. Absent: the device is empty. */
  readonly drive: string | undefined;
  /** Others may write, too. */
  readonly shareWrites: boolean;
  /** What is done about failed reads, and about other failures. */
  readonly rerror: BlockdevOnError;
  readonly werror: BlockdevOnError;
  /** What is written may stay in caches until it is flushed. Absent: as the drive says. */
  readonly writeback: boolean | undefined;
}

/** A virtual device that `device_add` asks for. */
export type DeviceModel =
  | DiskModel
  | { readonly kind: 'controller'; readonly model: string; readonly id: string | undefined };

/**
 * Reads the arguments of `device_add`. What a guest would see (`serial`, `bus`, `scsi-id` and so on) has no further use here.
 *
 * @throws BlockError for what is neither a disk nor a controller of disks, or a malformed id
 */
export function readDeviceModel(properties: JsonObject): DeviceModel {
  const { driver, id, drive, 'share-rw': shareWrites = false } = properties;
  if (typeof driver !== 'string') throw invalid("Parameter 'driver' is missing");
  if (id !== undefined && (typeof id !== 'string' || !isWellFormedId(id))) {
    throw invalid("Parameter 'id' expects an identifier");
  }
  if (controllers.includes(driver)) return { kind: 'controller', model: driver, id };
  const kind = (['disk', 'cdrom', 'floppy'] as const).find((each) => models[each].includes(driver));
  if (kind === undefined) {
    throw new BlockError(
      `'${driver}' is not a valid device model name: this server has disks only, such as virtio-blk`,
    );
  }
  if (drive !== undefined && typeof drive !== 'string') throw invalid("Parameter 'drive' expects a string");
  if (drive === undefined && kind === 'disk') throw invalid('drive property not set');
  return {
    kind,
    model: driver,
    id,
    drive,
    shareWrites: shareWrites === true || shareWrites === 'on',
    rerror: policy('rerror', properties.rerror),
    werror: policy('werror', properties.werror),
    writeback: writeCache(properties['write-cache']),
  };
}

/** What is to be done about failures; `auto` when nothing is said. */
function policy(name: string, value: JsonValue = 'auto'): BlockdevOnError {
  const found = BlockdevOnError.find((each) => each === value);
  if (found === undefined) throw invalid(`Parameter '${name}' expects one of ${BlockdevOnError.join(', ')}`);
  return found;
}

function writeCache(value: JsonValue = 'auto'): boolean | undefined {
  if (value === 'auto') return undefined;
  if (value !== 'on' && value !== 'off') throw invalid("Parameter 'write-cache' expects one of auto, on, off");
  return value === 'on';
}
