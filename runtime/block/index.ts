/**
 * The block layer: real images behind the commands of the schema that the package ships, and that schema's generated code.
 * `qapi-ts serve` is made of this.
 */
export {
  type BlockdevOptions,
  type CommandHandlers,
  type Commands,
  commands,
  type Events,
  events,
  introspection,
  type ObjectOptions,
} from '../../generated/index.js';
export type { InternalSnapshots } from './abilities.js';
export { Backend } from './backend/backend.js';
export type { ExportRequest, ExportServer } from './backend/export-server.js';
export { builtInDrivers } from './built-in-drivers.js';
export type { Clock } from './clock.js';
export { olderForms } from './commands/older-forms.js';
export type { DriveConfig, DriveRegistry } from './drive/config.js';
export type { DeviceConfig } from './drive/device.js';
export { readDrive } from './drive/read-drive.js';
export type {
  BackingFile,
  BlockDriver,
  BlockHost,
  BlockStatus,
  Child,
  ChildRole,
  CreateRequest,
  DriverInstance,
  NodeFlags,
  NodeView,
  OpenContext,
  Reopening,
} from './driver.js';
export type { DriverInfo } from './driver-info.js';
export type { Errno } from './errno.js';
export { BlockError } from './error.js';
export { createImage, type ImageRequest } from './graph/create.js';
export { BlockGraph } from './graph/graph.js';
export { DriverRegistry } from './graph/registry.js';
export type { DriverWhitelist } from './graph/whitelist.js';
export type { JobReport } from './jobs/job-work.js';
export { BlockLayer, type BlockLayerOptions } from './layer.js';
export type { NbdAddress, NbdServerOptions } from './nbd/server.js';
export { BlockOptions, type OptionValue } from './options.js';
export { RequestFlag } from './request-flag.js';
export { systemClock } from './system-clock.js';
