import { BlockdevDriver } from '../../generated/index.js';
import type { BlockDriver } from './driver.js';
import { blkdebug } from './drivers/blkdebug/driver.js';
import { blklogwrites } from './drivers/blklogwrites/driver.js';
import { blkverify } from './drivers/blkverify.js';
import { bochs } from './drivers/bochs.js';
import { cloop } from './drivers/cloop.js';
import { compress } from './drivers/compress.js';
import { copyBeforeWrite } from './drivers/copy-before-write/driver.js';
import { copyOnRead } from './drivers/copy-on-read.js';
import { dmg } from './drivers/dmg/dmg.js';
import { fileDriver } from './drivers/file/file.js';
import { hostCdromDriver } from './drivers/file/host-cdrom.js';
import { hostDeviceDriver } from './drivers/file/host-device.js';
import { ftp, ftps } from './drivers/ftp/driver.js';
import { gluster } from './drivers/gluster/driver.js';
import { http, https } from './drivers/http/driver.js';
import { luks } from './drivers/luks/luks.js';
import { nbd } from './drivers/nbd/driver.js';
import { nullAio, nullCo } from './drivers/null.js';
import { parallels } from './drivers/parallels/parallels.js';
import { preallocate } from './drivers/preallocate.js';
import { qcow } from './drivers/qcow/qcow.js';
import { qcow2 } from './drivers/qcow2/index.js';
import { qed } from './drivers/qed/qed.js';
import { quorum } from './drivers/quorum/driver.js';
import { rawDriver } from './drivers/raw.js';
import { replication } from './drivers/replication.js';
import { snapshotAccess } from './drivers/snapshot-access.js';
import { tftp } from './drivers/tftp/driver.js';
import { throttle } from './drivers/throttle.js';
import { vdi } from './drivers/vdi/vdi.js';
import { vhdx } from './drivers/vhdx/vhdx.js';
import { vmdk } from './drivers/vmdk/vmdk.js';
import { vpc } from './drivers/vpc/vpc.js';
import { vvfat } from './drivers/vvfat/driver.js';
import { DriverRegistry } from './graph/registry.js';

/** All drivers, in the order in which they are asked whether they know some data or a path. Adding one is adding a line. */
const drivers: readonly BlockDriver[] = [
  blkdebug,
  blklogwrites,
  blkverify,
  bochs,
  cloop,
  compress,
  copyBeforeWrite,
  copyOnRead,
  dmg,
  fileDriver,
  ftp,
  ftps,
  gluster,
  hostCdromDriver,
  hostDeviceDriver,
  http,
  https,
  luks,
  nbd,
  nullAio,
  nullCo,
  parallels,
  preallocate,
  qcow,
  qcow2,
  qed,
  quorum,
  rawDriver,
  replication,
  snapshotAccess,
  throttle,
  tftp,
  vdi,
  vhdx,
  vmdk,
  vpc,
  vvfat,
];

/**
 * The drivers that are built in. Of those that the schema names and that are not, a request says so.
 *
 * @param more drivers of your own; one of the same name replaces that which is built in
 */
export function builtInDrivers(more: readonly BlockDriver[] = []): DriverRegistry {
  return new DriverRegistry([...drivers, ...more], BlockdevDriver);
}
