import { isLimiting, type ThrottleLimits, throttleConfigOf } from '../backend/throttle-config.js';
import type { BlockOptions } from '../options.js';
import type { DriveConfig } from './config.js';
import { throttleOptions } from './options.js';
import { takeParameters } from './parameters.js';

const prefix = 'throttling.';

/**
 * Takes the limits of a drive.
 *
 * @param group whom they are for
 * @throws BlockError when they contradict each other
 */
export function takeThrottling(options: BlockOptions, group: string): DriveConfig['throttling'] {
  const limits: ThrottleLimits = Object.fromEntries(
    Object.entries(takeParameters(options, throttleOptions)).map(([name, value]) => [name.slice(prefix.length), value]),
  );
  const config = throttleConfigOf(limits);
  return isLimiting(config) ? { group, config } : undefined;
}
