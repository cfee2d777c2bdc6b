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
  'poll-grow': 2,
  'poll-shrink': 2,
  'poll-weight': 3,
};
/** Of these, 0 stands for the default. */
const chosenByZero: ReadonlySet<string> = new Set(['poll-grow', 'poll-shrink', 'poll-weight']);
const largestWeight = 63;
const largestInt64 = 2n ** 63n - 1n;

/**
 * Describes a thread that requests are worked on in, or the main one. This server has one for all, and Node.js decides how it
 * waits: the numbers are kept for those who ask, and nothing follows from them.
 *
 * @throws BlockError when one makes no sense
 */
export function makeEventLoop(options: Extract<ObjectOptions, { 'qom-type': 'iothread' | 'main-loop' }>): UserObject {
  const { 'qom-type': type, id: _, ...given } = options;
  checkAll(given);
  const values: { [name: string]: Int64 } = { ...defaults };
  for (const [name, value] of Object.entries(given)) values[name] = chosen(name, value);
  checkPool(values);
  return {
    type,
    get properties() {
      return propertiesOf(type, values);
    },
    set(name, value) {
      if (typeof value !== 'bigint' && (typeof value !== 'number' || !Number.isInteger(value))) {
        throw invalid(`Invalid parameter type for '${name}', expected: integer`);
      }
      checkAll({ [name]: value });
      checkPool({ ...values, [name]: value });
      values[name] = chosen(name, value);
    },
  };
}

function chosen(name: string, value: Int64): Int64 {
  return value === 0 && chosenByZero.has(name) ? (defaults[name] ?? 0) : value;
}

function checkAll(values: { readonly [name: string]: Int64 }): void {
  for (const [name, value] of Object.entries(values)) {
    const most = name === 'poll-weight' ? largestWeight : largestInt64;
    if (value < 0 || value > most) throw invalid(`${name} value must be in range [0, ${most}]`);
  }
}

function checkPool(values: { readonly [name: string]: Int64 }): void {
  if ((values['thread-pool-min'] ?? 0) > (values['thread-pool-max'] ?? 0) || values['thread-pool-max'] === 0) {
    throw invalid('bad thread-pool-min/thread-pool-max values');
  }
}
