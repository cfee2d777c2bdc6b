import type { ParameterTable } from './parameters.js';

/*
 * The options of --drive, in the three lists that the reference has: what is about the device that a guest would see, what is
 * about the backend, and what every node has. All others go to the drivers.
 */

/** The options from before nodes could be configured by themselves: the device and its slot. */
export const legacyDriveOptions = {
  file: { type: 'string', help: 'file name of the image' },
  if: {
    type: 'string',
    help: 'interface of the device: none, ide, scsi, floppy, pflash, mtd, sd, virtio, xen',
    default: 'none',
  },
  bus: { type: 'number', help: 'number of the bus' },
  unit: { type: 'number', help: 'number of the unit on the bus' },
  index: { type: 'number', help: 'number of the device among all of its interface; instead of bus and unit' },
  media: { type: 'string', help: 'disk or cdrom', default: 'disk' },
  cyls: { type: 'number', help: 'cylinders of the geometry' },
  heads: { type: 'number', help: 'heads of the geometry' },
  secs: { type: 'number', help: 'sectors of the geometry' },
  trans: { type: 'string', help: 'translation of the geometry: none, lba, large, rechs, auto', default: 'auto' },
  boot: { type: 'boolean', help: 'has no effect' },
  serial: { type: 'string', help: 'serial number of the device' },
  addr: { type: 'string', help: 'PCI address of the device, for virtio only' },
  'read-only': { type: 'boolean', help: 'open the image for reading only', default: 'off' },
  'copy-on-read': {
    type: 'boolean',
    help: 'copy what is read from the backing file into the image',
    default: 'off',
  },
  werror: { type: 'string', help: 'what to do when a write fails: ignore, stop, report, enospc', default: 'enospc' },
  rerror: { type: 'string', help: 'what to do when a read fails: ignore, stop, report', default: 'report' },
} as const satisfies ParameterTable;

const limited = (what: string) => ({ type: 'number', help: `limit of ${what} per second` }) as const;
const burst = (what: string) => ({ type: 'number', help: `limit of ${what} per second during a burst` }) as const;
const burstLength = (what: string) =>
  ({ type: 'number', help: `seconds that a burst of ${what} may last`, default: '1' }) as const;

/** The limits of `throttling.*`. */
export const throttleOptions = {
  'throttling.bps-total': limited('bytes'),
  'throttling.bps-read': limited('bytes read'),
  'throttling.bps-write': limited('bytes written'),
  'throttling.iops-total': limited('operations'),
  'throttling.iops-read': limited('reads'),
  'throttling.iops-write': limited('writes'),
  'throttling.bps-total-max': burst('bytes'),
  'throttling.bps-read-max': burst('bytes read'),
  'throttling.bps-write-max': burst('bytes written'),
  'throttling.iops-total-max': burst('operations'),
  'throttling.iops-read-max': burst('reads'),
  'throttling.iops-write-max': burst('writes'),
  'throttling.bps-total-max-length': burstLength('bytes'),
  'throttling.bps-read-max-length': burstLength('bytes read'),
  'throttling.bps-write-max-length': burstLength('bytes written'),
  'throttling.iops-total-max-length': burstLength('operations'),
  'throttling.iops-read-max-length': burstLength('reads'),
  'throttling.iops-write-max-length': burstLength('writes'),
  'throttling.iops-size': { type: 'number', help: 'bytes from which on a request counts as more than one operation' },
} as const satisfies ParameterTable;

/** What a backend is configured by, beside its limits. */
export const commonDriveOptions = {
  snapshot: { type: 'boolean', help: 'keep what is written in a temporary file', default: 'off' },
  'stats-account-invalid': { type: 'boolean', help: 'count invalid requests as accesses', default: 'on' },
  'stats-account-failed': { type: 'boolean', help: 'count failed requests in latencies', default: 'on' },
  'cache.writeback': { type: 'boolean', help: 'let writes be cached until they are flushed', default: 'on' },
  aio: { type: 'string', help: 'how the host does I/O: threads, native', default: 'threads' },
  'throttling.group': { type: 'string', help: 'name of the group that shares the limits' },
  'detect-zeroes': { type: 'string', help: 'make zero-writes of zeroes: off, on, unmap', default: 'off' },
  format: { type: 'string', help: 'driver of the image; probed if neither this nor driver is given' },
} as const satisfies ParameterTable;

/** What every node has. These are read when the node is opened. */
export const nodeOptions = {
  driver: { type: 'string', help: 'driver of the node' },
  'node-name': { type: 'string', help: 'name of the node' },
  'cache.direct': { type: 'boolean', help: 'bypass the caches of the host', default: 'off' },
  'cache.no-flush': { type: 'boolean', help: 'ignore flushes', default: 'off' },
  active: { type: 'boolean', help: 'take the image now, not when another program has handed it over', default: 'on' },
  'auto-read-only': { type: 'boolean', help: 'open for reading only what cannot be written', default: 'off' },
  'force-share': {
    type: 'boolean',
    help: 'let others write to the image, which is opened for reading only',
    default: 'off',
  },
  discard: { type: 'string', help: 'what to do with discards: ignore (or off), unmap (or on)', default: 'ignore' },
} as const satisfies ParameterTable;

/** All options of --drive that have a fixed meaning, each once. */
export const driveOptions: ParameterTable = {
  ...legacyDriveOptions,
  ...commonDriveOptions,
  ...throttleOptions,
  ...nodeOptions,
};

/** Old names of options, by which they can be given instead. */
export const driveAliases: { readonly [old: string]: string } = {
  iops: 'throttling.iops-total',
  iops_rd: 'throttling.iops-read',
  iops_wr: 'throttling.iops-write',
  bps: 'throttling.bps-total',
  bps_rd: 'throttling.bps-read',
  bps_wr: 'throttling.bps-write',
  iops_max: 'throttling.iops-total-max',
  iops_rd_max: 'throttling.iops-read-max',
  iops_wr_max: 'throttling.iops-write-max',
  bps_max: 'throttling.bps-total-max',
  bps_rd_max: 'throttling.bps-read-max',
  bps_wr_max: 'throttling.bps-write-max',
  iops_size: 'throttling.iops-size',
  group: 'throttling.group',
  readonly: 'read-only',
};

/** The modes of `cache=`, and what each is short for. */
export const cacheModes = {
  writeback: { writeback: true, direct: false, noFlush: false },
  none: { writeback: true, direct: true, noFlush: false },
  off: { writeback: true, direct: true, noFlush: false },
  writethrough: { writeback: false, direct: false, noFlush: false },
  directsync: { writeback: false, direct: true, noFlush: false },
  unsafe: { writeback: true, direct: false, noFlush: true },
} as const;
