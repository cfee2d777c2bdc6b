import { BlockError, invalid } from '../error.js';
import { chooseFrom } from './choose-from.js';
import {
  type DriveDevice,
  type DriveInterface,
  type DriveRegistry,
  type DriveSlot,
  driveInterfaces,
} from './config.js';

/** How many units a bus has; interfaces that are not here have one bus that never ends. Source: the boards' defaults. */
const unitsPerBus: { readonly [name in DriveInterface]?: number } = { ide: 2, scsi: 7 };

/** The largest number of a bus or unit. */
const largestNumber = 0x7fff_ffff;

/** The options that say where a drive is. */
export interface PlaceOptions {
  readonly if: string | undefined;
  readonly bus: number | undefined;
  readonly unit: number | undefined;
  readonly index: number | undefined;
}

/** The interface that `if=` names; none without it. @throws BlockError when there is no such interface */
export function interfaceOf(name: string | undefined): DriveInterface {
  return chooseFrom('if', name ?? 'none', driveInterfaces);
}

/**
 * Finds the slot of a drive: the one asked for, else the first that is free.
 *
 * @throws BlockError when the options contradict each other or the slot is taken
 */
export function slotOf(type: DriveInterface, options: PlaceOptions, registry: DriveRegistry): DriveSlot {
  for (const key of ['bus', 'unit', 'index'] as const) {
    const number = options[key];
    if (number !== undefined && (number < 0 || number > largestNumber)) {
      throw invalid(`'${key}' is ${number}, but must be between 0 and ${largestNumber}`);
    }
  }
  const units = unitsPerBus[type] ?? Number.POSITIVE_INFINITY;
  let { bus = 0, unit } = options;
  if (options.index !== undefined) {
    // Bus 0 is the default, and does no harm.
    if (bus !== 0 || unit !== undefined) {
      throw invalid("'index' excludes 'bus' and 'unit': it counts the units of all buses");
    }
    bus = Math.floor(options.index / units);
    unit = options.index - (bus === 0 ? 0 : bus * units);
  }
  if (unit !== undefined && unit >= units) {
    throw invalid(`'unit' is ${unit}, but a bus of if=${type} has the units 0 to ${units - 1}`);
  }
  if (unit === undefined) return firstFree(type, bus, units, registry);
  const slot = { interface: type, bus, unit };
  if (registry.slotTaken(slot)) {
    throw new BlockError(`There is a drive at if=${type}, bus ${bus}, unit ${unit} already`, { code: 'EEXIST' });
  }
  return slot;
}

function firstFree(type: DriveInterface, firstBus: number, units: number, registry: DriveRegistry): DriveSlot {
  for (let bus = firstBus; ; bus++) {
    for (let unit = 0; unit < units; unit++) {
      const slot = { interface: type, bus, unit };
      if (!registry.slotTaken(slot)) return slot;
    }
  }
}

/** The name of a drive that was given none: `ide0-hd1`, `scsi0-cd2`, `virtio0`. */
export function generatedId({ interface: type, bus, unit }: DriveSlot, media: 'disk' | 'cdrom'): string {
  if (unitsPerBus[type] === undefined) return `${type}${unit}`;
  return `${type}${bus}-${media === 'cdrom' ? 'cd' : 'hd'}${unit}`;
}

/** What device the drives of an interface have. */
export function deviceKind(type: DriveInterface, media: 'disk' | 'cdrom'): DriveDevice['kind'] {
  if (type === 'none' || type === 'floppy') return type;
  // Of the others only these have CD-ROM drives.
  return media === 'cdrom' && (type === 'ide' || type === 'scsi') ? 'cdrom' : 'disk';
}
