import type { BlockdevDetectZeroesOptions, BlockdevDiscardOptions } from '../../../generated/index.js';
import type { ThrottleConfig } from '../backend/throttle-config.js';
import type { BlockOptions } from '../options.js';

/** The interfaces that a drive can be for. */
export const driveInterfaces = ['none', 'ide', 'scsi', 'floppy', 'pflash', 'mtd', 'sd', 'virtio', 'xen'] as const;

/** One of {@link driveInterfaces}. */
export type DriveInterface = (typeof driveInterfaces)[number];

/** How a device presents its cylinders to what boots from it. */
export const translations = ['none', 'lba', 'large', 'rechs', 'auto'] as const;

/** The geometry of a disk as it is reported to a guest. */
export interface DriveGeometry {
  readonly cylinders: number;
  readonly heads: number;
  readonly sectors: number;
  readonly translation: (typeof translations)[number];
}

/** Where on which interface a drive is. No two are in one place. */
export interface DriveSlot {
  readonly interface: DriveInterface;
  readonly bus: number;
  readonly unit: number;
}

/** The device that a drive is for. */
export interface DriveDevice extends DriveSlot {
  /** What is attached to the backend: nothing for `if=none`, which leaves that to others. */
  readonly kind: 'none' | 'disk' | 'cdrom' | 'floppy';
  readonly serial?: string;
  /** PCI address. */
  readonly address?: string;
  readonly geometry?: DriveGeometry;
}

/** What is done about a failed write or read of a guest. */
export const writeErrorActions = ['ignore', 'stop', 'report', 'enospc'] as const;
export const readErrorActions = ['ignore', 'stop', 'report'] as const;

/** What the text of a `--drive` asks for. Nothing has been opened or taken. */
export interface DriveConfig {
  /** The name of the backend: as given, or made from the interface and the slot. */
  readonly id: string;
  /** There is no medium. The other members say how a later one is opened. */
  readonly empty: boolean;
  /** What to open. Absent: the options say it. */
  readonly filename: string | undefined;
  /**
   * The options of the root node, `read-only`, `cache.direct` and `cache.no-flush` always among them, the driver if one was
   * named, and all that drivers may know. Empty for an empty drive. Options are only ever taken out of a clone of it.
   */
  readonly nodeOptions: BlockOptions;
  /** Writes may be cached until they are flushed. */
  readonly writeback: boolean;
  readonly readOnly: boolean;
  readonly copyOnRead: boolean;
  /** Writes go to a temporary overlay. */
  readonly snapshot: boolean;
  /** Applied to the node once it is open, whatever `discard` is. */
  readonly detectZeroes: BlockdevDetectZeroesOptions;
  readonly discard: BlockdevDiscardOptions;
  /** Makes no difference here: it has been checked that it is available. */
  readonly aio: 'threads' | 'native';
  /** The limits and the group that they are for. Absent: nothing is limited. */
  readonly throttling: { readonly group: string; readonly config: ThrottleConfig } | undefined;
  readonly writeError: (typeof writeErrorActions)[number];
  readonly readError: (typeof readErrorActions)[number];
  readonly statsAccountInvalid: boolean;
  readonly statsAccountFailed: boolean;
  /** Lengths of the intervals of timed statistics, in seconds. */
  readonly statsIntervals: readonly number[];
  readonly device: DriveDevice;
  /** What the operator should know: options that are deprecated, or without effect here. */
  readonly warnings: readonly string[];
}

/** What names and slots are taken. */
export interface DriveRegistry {
  /** What a name of the one namespace of devices and nodes is taken by. */
  kind(name: string): 'node' | 'device' | undefined;
  /** Whether a drive is there. Those of `none` are counted, too. */
  slotTaken(slot: DriveSlot): boolean;
}
