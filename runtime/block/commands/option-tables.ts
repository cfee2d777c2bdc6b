import { deviceParameters } from '../drive/device.js';
import { driveOptions } from '../drive/options.js';
import type { ParameterTable } from '../drive/parameters.js';
import { nbdParameters } from './nbd-option.js';

/** The options of the command line that take parameters. Those without a table take whatever the schema has. */
export const commandLineOptions: { readonly [option: string]: ParameterTable } = {
  blockdev: {},
  device: deviceParameters,
  drive: driveOptions,
  nbd: nbdParameters,
  object: {},
};
