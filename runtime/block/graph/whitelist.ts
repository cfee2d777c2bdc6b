import { BlockError } from '../error.js';

/**
 * Which drivers may be used. Both lists absent or empty: all of them. Else a driver on the first list may be used in any mode, one on
 * the second for read-only nodes.
 */
export interface DriverWhitelist {
  readonly readWrite?: readonly string[];
  readonly readOnly?: readonly string[];
}

/** @throws BlockError when the operator does not allow a driver, or not for writing */
export function checkWhitelist(whitelist: DriverWhitelist, driver: string, readOnly: boolean): void {
  const { readWrite = [], readOnly: forReading = [] } = whitelist;
  if (readWrite.length === 0 && forReading.length === 0) return;
  if (readWrite.includes(driver)) return;
  if (!forReading.includes(driver)) {
    throw new BlockError(`Driver '${driver}' is not whitelisted`, { code: 'ENOTSUP' });
  }
  if (!readOnly) {
    throw new BlockError(`Driver '${driver}' can only be used for read-only devices`, { code: 'ENOTSUP' });
  }
}
