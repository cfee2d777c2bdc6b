import type { BlockOptions } from '../options.js';
import type { DriveConfig, DriveLimit } from './drive-config.js';
import { throttleOptions } from './drive-options.js';
import { takeParameters } from './parameters.js';

const prefix = 'throttling.';

/**
 * Takes the limits of a drive.
 *
 * @param group whom they are for
 * @throws BlockError when they contradict each other
 */
export function takeThrottling(options: BlockOptions, group: string): DriveConfig['throttling'] {
  const given = Object.entries(takeParameters(options, throttleOptions)).flatMap(([name, value]) =>
    value === undefined ? [] : [[name.slice(prefix.length), value] as const],
  );
  const limits: { readonly [Limit in DriveLimit]?: number } = Object.fromEntries(given);
  const limited = given.some(([name, value]) => averages.has(name) && value > 0);
  return limited ? { group, limits } : undefined;
}

const averages: ReadonlySet<string> = new Set<DriveLimit>([
  'bps-total',
  'bps-read',
  'bps-write',
  'iops-total',
  'iops-read',
  'iops-write',
]);
