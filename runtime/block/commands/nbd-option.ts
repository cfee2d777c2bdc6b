import type { SocketPlace } from '../../qmp/server/socket-place.js';
import { parseKeyval } from '../../visit/keyval-text.js';
import { OptionError } from '../../visit/option-error.js';
import { type ParameterTable, refuseOthers, takeParameters } from '../drive/parameters.js';
import { BlockOptions } from '../options.js';
import { readSocketPlace } from './address.js';

/** The parameters of `--nbd`. */
export const nbdParameters = {
  listen: { type: 'string', help: 'where the server listens: unix:PATH or tcp:HOST:PORT' },
  device: { type: 'string', help: 'id of a drive to export' },
  node: { type: 'string', help: 'node-name of a node to export' },
  export: { type: 'string', help: 'name of the export; if not given, that of the drive or node' },
  writable: { type: 'boolean', help: 'whether clients may write', default: 'off' },
} as const satisfies ParameterTable;

/** The most bytes of an export's name. Source: the NBD protocol, as its clients limit it. */
const longestExportName = 256;

/** What is exported. */
export interface NbdExportConfig {
  readonly name: string;
  /** A drive by its id, or a node by its node-name. */
  readonly of: { readonly device: string } | { readonly node: string };
  readonly writable: boolean;
}

/** What an `--nbd` asks for: to listen, to export something, or both. */
export interface NbdConfig {
  /** Absent: where the one before does. */
  readonly listen: SocketPlace | undefined;
  readonly export: NbdExportConfig | undefined;
}

/**
 * Reads the text of an `--nbd`: `unix:nbd.sock,device=d0,writable=on`.
 *
 * @throws OptionError or BlockError that says what is wrong
 */
export function readNbd(text: string): NbdConfig {
  const options = BlockOptions.flatten(parseKeyval(text, { impliedKey: 'listen' }).tree);
  const { listen, device, node, export: name, writable } = takeParameters(options, nbdParameters);
  refuseOthers(options, 'nbd', nbdParameters);
  const place = listen === undefined ? undefined : readSocketPlace(listen);
  if (device !== undefined && node !== undefined) {
    throw new OptionError("'device' and 'node' exclude each other: write an --nbd for each", 'node');
  }
  const of = device !== undefined ? { device } : node !== undefined ? { node } : undefined;
  if (of === undefined) {
    if (name !== undefined || writable !== undefined) {
      throw new OptionError("there is nothing to export: 'device' or 'node' is missing", 'device');
    }
    if (place === undefined) throw new OptionError("'device' or 'node' is missing: there is nothing to do", 'device');
    return { listen: place, export: undefined };
  }
  const exported = name ?? device ?? node ?? '';
  if (Buffer.byteLength(exported) > longestExportName) {
    throw new OptionError(`the name of an export has at most ${longestExportName} bytes`, 'export');
  }
  return { listen: place, export: { name: exported, of, writable: writable ?? false } };
}
