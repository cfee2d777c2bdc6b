import type { NodeFlags } from '../driver.js';
import { ofGuest, ofIdleDrive, ofSharingGuest, type Permissions } from '../permissions.js';
import type { Backend } from './backend.js';

/** What a backend does with its medium, by the device that it has. */
export function rootPermissions({ device }: Backend, { readOnly }: NodeFlags): Permissions {
  if (device === undefined) return ofIdleDrive(readOnly);
  return device.shareWrites ? ofSharingGuest(readOnly) : ofGuest(readOnly);
}
