import type { ObjectOptions } from '../../../generated/index.js';
import type { Int64 } from '../../json/value.js';
import { invalid } from '../error.js';
import { propertiesOf } from './object-types.js';
import type { UserObject } from './user-object.js';

/** The defaults of QEMU. */
const defaults: { readonly [name: string]: Int64 } = {
  'aio-max-batch': 0,
  'thread-pool-min': 0,
  'thread-pool-max': 64,
  'poll-max-ns': 32_768,
  'poll-grow': 0,
  'poll-shrink': 0,
  'poll-weight': 0,
};

/**
 * Describes a thread that requests are worked on in, or the main one. This server has one for all, and Node.js decides how it
 * waits: the numbers are kept for those who ask, and nothing follows from them.
 *
 * @throws BlockError when one makes no sense
 */
export function makeEventLoop(options: Extract<ObjectOptions, { 'qom-type': 'iothread' | 'main-loop' }>): UserObject {
  const { 'qom-type': type, id: _, ...given } = options;
  const values: { [name: string]: Int64 } = { ...defaults, ...given };
  checkAll(values);
  return {
    type,
    get properties() {
      return propertiesOf(type, values);
    },
    set(name, value) {
      if (typeof value !== 'bigint' && (typeof value !== 'number' || !Number.isInteger(value))) {
        throw invalid(`Invalid parameter type for '${name}', expected: integer`);
      }
      checkAll({ ...values, [name]: value });
      values[name] = value;
    },
  };
}

function checkAll(values: { readonly [name: string]: Int64 }): void {
  const negative = Object.keys(values).find((name) => (values[name] ?? 0) < 0);
  if (negative !== undefined) throw invalid(`${negative} value must be in range [0, 9223372036854775807]`);
  if ((values['thread-pool-min'] ?? 0) > (values['thread-pool-max'] ?? 0) || values['thread-pool-max'] === 0) {
    throw invalid('bad thread-pool-min/thread-pool-max values');
  }
}
