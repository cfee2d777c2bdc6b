import {
  type BlockdevOptions,
  type ObjectOptions,
  visitBlockdevOptions,
  visitObjectOptions,
} from '../../generated/index.js';
import { OptionError } from '../../runtime/visit/option-error.js';
import { readOption } from '../../runtime/visit/options.js';

/**
 * Reads the text of a `--blockdev`: `qcow2,node-name=d0,file.driver=file,file.filename=a.qcow2`, or the same as JSON.
 *
 * @throws OptionError that names the key at fault
 */
export function readBlockdev(text: string): BlockdevOptions & { readonly 'node-name': string } {
  const options = readOption(visitBlockdevOptions, text, { impliedKey: 'driver' });
  const name = options['node-name'];
  if (name === undefined) throw new OptionError("'node-name' is missing: nothing could refer to the node", 'node-name');
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
