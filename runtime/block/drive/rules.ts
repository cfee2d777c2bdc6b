import { BlockError, invalid } from '../error.js';
import type { DriveConfig, DriveSlot } from './config.js';
import type { DeviceConfig } from './device.js';
import type { DeviceModel } from './device-model.js';

/** A drive, be it open or only planned, as far as other drives and devices must fit beside it. */
export interface PresentDrive {
  /** Absent: the drive was deleted, and only its device is left. */
  readonly id: string | undefined;
  readonly slot: DriveSlot | undefined;
  /** The id of the device that is attached to it, if one is. */
  readonly deviceId: string | undefined;
}

/** Whether one of the drives is in a slot. */
export function isSlotTaken(drives: Iterable<PresentDrive>, { interface: type, bus, unit }: DriveSlot): boolean {
  for (const { slot } of drives) {
    if (slot?.interface === type && slot.bus === bus && slot.unit === unit) return true;
  }
  return false;
}

/** @throws BlockError (EEXIST) when the device of a new drive, which has the drive's id, would be the second of its name */
export function checkNewDrive(drives: Iterable<PresentDrive>, { id, device }: DriveConfig): void {
  if (device.kind !== 'none') checkDeviceId(drives, id);
}

/**
 * Checks that a device can be attached to its drive.
 *
 * @throws BlockError of the class DeviceNotFound when there is no such drive; else when the drive has a device, or the id is taken
 */
export function checkNewDevice(drives: Iterable<PresentDrive>, { drive, id = drive }: DeviceConfig): void {
  const all = [...drives];
  const target = all.find((present) => present.id === drive);
  if (target === undefined) throw new BlockError(`There is no drive '${drive}'`, { class: 'DeviceNotFound' });
  if (target.deviceId !== undefined) {
    throw new BlockError(`Drive '${drive}' has a device already: only drives of if=none are free`);
  }
  checkDeviceId(all, id);
}

/**
 * Checks that a device can be plugged in beside others.
 *
 * @throws BlockError when the id is taken, or the drive has a device
 */
export function checkNewModel(drives: Iterable<PresentDrive>, asked: DeviceModel): void {
  for (const { id, deviceId } of drives) {
    if (deviceId === undefined) continue;
    if (asked.kind !== 'controller' && id !== undefined && id === asked.drive) {
      throw new BlockError(`Drive '${id}' is already in use by another block device`);
    }
    if (deviceId === asked.id) throw new BlockError(`Duplicate device ID '${asked.id}'`, { code: 'EEXIST' });
  }
}

/** There is no drive and no node of that name. Whatever connects a virtio disk to the machine, its drive is that of the disk behind it. */
export function noSuchDrive(model: string, drive: string): BlockError {
  const owner = model.startsWith('virtio-blk') ? 'virtio-blk-device' : model;
  return invalid(`Property '${owner}.drive' can't find value '${drive}'`);
}

function checkDeviceId(drives: Iterable<PresentDrive>, id: string): void {
  for (const { deviceId } of drives) {
    if (deviceId === id) throw new BlockError(`There is a device '${id}' already`, { code: 'EEXIST' });
  }
}
