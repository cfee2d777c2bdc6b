import type { DriveConfig, DriveRegistry, DriveSlot } from '../../../../runtime/block/drive/config.js';

/** Knows what drives and nodes a test has put there. */
export class Taken implements DriveRegistry {
  readonly names = new Map<string, 'node' | 'device'>();
  readonly slots: DriveSlot[] = [];

  kind(name: string): 'node' | 'device' | undefined {
    return this.names.get(name);
  }

  slotTaken(slot: DriveSlot): boolean {
    return this.slots.some(
      (taken) => taken.interface === slot.interface && taken.bus === slot.bus && taken.unit === slot.unit,
    );
  }

  /** Takes what a drive would take. */
  add({ id, device }: DriveConfig): void {
    this.names.set(id, 'device');
    this.slots.push(device);
  }
}
