import type { Reopening } from '../../driver.js';

/** A switch of a node's flags that needs nothing of its driver. */
export const nothingToSwitch: Reopening = {
  async commit() {},
  async abort() {},
};
