import type { BlockDeviceInfo, BlockIOThrottle } from '../../../generated/index.js';
import type { Int64 } from '../../json/value.js';
import { type LimitName, limitNames, type ThrottleConfig, throttleConfigOf } from './throttle-config.js';

/** How `block_set_io_throttle` and the queries call the limits. */
const wireNames = {
  'bps-total': 'bps',
  'bps-read': 'bps_rd',
  'bps-write': 'bps_wr',
  'iops-total': 'iops',
  'iops-read': 'iops_rd',
  'iops-write': 'iops_wr',
} as const satisfies { readonly [Name in LimitName]: string };

type WireName = (typeof wireNames)[LimitName];

/** The members of `BlockDeviceInfo` that tell of throttling. */
export type ThrottleInfo = Pick<
  BlockDeviceInfo,
  WireName | `${WireName}_max` | `${WireName}_max_length` | 'iops_size' | 'group'
>;

/** The configuration that the arguments of `block_set_io_throttle` make. @throws BlockError when they contradict each other */
export function throttleConfigOfArguments(args: BlockIOThrottle): ThrottleConfig {
  const limits: { [name: string]: Int64 } = {};
  for (const name of limitNames) {
    const wire = wireNames[name];
    limits[name] = args[wire];
    const max = args[`${wire}_max`];
    const length = args[`${wire}_max_length`];
    if (max !== undefined) limits[`${name}-max`] = max;
    if (length !== undefined) limits[`${name}-max-length`] = length;
  }
  if (args.iops_size !== undefined) limits['iops-size'] = args.iops_size;
  return throttleConfigOf(limits);
}

/**
 * What queries show of throttling. A burst that was not set is not shown; 2.8 showed what it comes to, a tenth of the average.
 *
 * @param throttling of a member of a group. Absent: of a device that is in none, or a node, all limits being 0
 */
export function throttleInfo(throttling?: { readonly config: ThrottleConfig; readonly name: string }): ThrottleInfo {
  const info: { -readonly [Member in keyof ThrottleInfo]: ThrottleInfo[Member] } = {
    bps: 0,
    bps_rd: 0,
    bps_wr: 0,
    iops: 0,
    iops_rd: 0,
    iops_wr: 0,
  };
  if (throttling === undefined) return info;
  const { config, name: group } = throttling;
  for (const name of limitNames) {
    const { average, max, burstLength } = config[name];
    if (average === 0) continue;
    const wire = wireNames[name];
    info[wire] = average;
    if (max === 0) continue;
    info[`${wire}_max`] = max;
    info[`${wire}_max_length`] = burstLength;
  }
  if (config.iopsSize !== 0) info.iops_size = config.iopsSize;
  info.group = group;
  return info;
}
