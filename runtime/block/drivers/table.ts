import { BlockdevDriver } from '../../../generated/index.js';
import type { BlockDriver } from '../driver.js';
import { DriverRegistry } from '../graph/registry.js';
import { blkdebug } from './blkdebug/driver.js';
import { blkverify } from './blkverify.js';
import { fileDriver } from './file/file.js';
import { hostCdromDriver } from './file/host-cdrom.js';
import { hostDeviceDriver } from './file/host-device.js';
import { http, https } from './http/driver.js';
import { luks } from './luks/luks.js';
import { nullAio, nullCo } from './null.js';
import { qcow2 } from './qcow2/index.js';
import { quorum } from './quorum/driver.js';
import { rawDriver } from './raw.js';

/** All drivers, in the order in which they are asked whether they know some data or a path. Adding one is adding a line. */
const drivers: readonly BlockDriver[] = [
  blkdebug,
  blkverify,
  fileDriver,
  hostCdromDriver,
  hostDeviceDriver,
  http,
  https,
  luks,
  nullAio,
  nullCo,
  qcow2,
  quorum,
  rawDriver,
];

/**
 * The drivers that are built in. Of those that the schema names and that are not, a request says so.
 *
 * @param more drivers of your own; one of the same name replaces that which is built in
 */
export function builtInDrivers(more: readonly BlockDriver[] = []): DriverRegistry {
  return new DriverRegistry([...drivers, ...more], BlockdevDriver);
}
