import {
  type BlockdevOptions,
  type BlockExportOptions,
  type MonitorOptions,
  type NbdServerOptions,
  type ObjectOptions,
  visitBlockdevOptions,
  visitBlockExportOptions,
  visitMonitorOptions,
  visitNbdServerOptions,
  visitObjectOptions,
} from '../../generated/index.js';
import { OptionError } from '../../runtime/visit/option-error.js';
import { readOption } from '../../runtime/visit/options.js';
import { checkId } from '../../runtime/visit/well-formed-id.js';

/**
 * Reads the text of a `--blockdev`: `qcow2,node-name=d0,file.driver=file,file.filename=a.qcow2`, or the same as JSON.
 *
 * @throws OptionError that names the key at fault
 */
export function readBlockdev(text: string): BlockdevOptions & { readonly 'node-name': string } {
  const options = readOption(visitBlockdevOptions, text, { impliedKey: 'driver' });
  const name = options['node-name'];
  if (name === undefined) {
    throw new OptionError("'node-name' must be specified for the root node: nothing could refer to it", 'node-name');
  }
  return { ...options, 'node-name': name };
}

/**
 * Reads the text of an `--object`: `secret,id=key,data=…`, or the same as JSON.
 *
 * @throws OptionError that names the key at fault
 */
export function readObject(text: string): ObjectOptions {
  return readOption(visitObjectOptions, text, { impliedKey: 'qom-type' });
}

/**
 * Reads the text of an `--export`: `nbd,id=ID,node-name=NODE,…`, or the same as JSON.
 *
 * @throws OptionError that names the key at fault
 */
export function readExport(text: string): BlockExportOptions {
  return readOption(visitBlockExportOptions, text, { impliedKey: 'type' });
}

/**
 * Reads the text of an `--nbd-server`: `addr.type=unix,addr.path=PATH,…`, or the same as JSON.
 *
 * @throws OptionError that names the key at fault
 */
export function readNbdServer(text: string): NbdServerOptions {
  return readOption(visitNbdServerOptions, text);
}

/**
 * Reads the text of a `--monitor`: `[chardev=]ID[,mode=control][,pretty=on]`, or the same as JSON.
 *
 * @throws OptionError that names the key at fault
 */
export function readMonitor(text: string): MonitorOptions {
  const options = readOption(visitMonitorOptions, text, { impliedKey: 'chardev' });
  if (options.id !== undefined) checkId(options.id);
  if (options.mode === 'readline') throw new OptionError('Only QMP is supported', 'mode');
  return options;
}
