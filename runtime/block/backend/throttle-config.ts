import type { Int64 } from '../../json/value.js';
import { invalid } from '../error.js';

/** What can be limited, in the order in which limits are checked. */
export const limitNames = ['bps-total', 'bps-read', 'bps-write', 'iops-total', 'iops-read', 'iops-write'] as const;

/** One of {@link limitNames}. */
export type LimitName = (typeof limitNames)[number];

/** One limit, in bytes or operations. */
export interface Limit {
  /** Units per second in the long run; 0: not limited. */
  readonly average: number;
  /** Units per second during a burst; 0: not set, which allows what a tenth of a second is worth. */
  readonly max: number;
  /** How many seconds `max` may be kept up, at least 1. */
  readonly burstLength: number;
}

/** The limits of a throttle group. */
export type ThrottleConfig = { readonly [Name in LimitName]: Limit } & {
  /** Bytes from which on a request counts as more than one operation; 0: each counts as one. */
  readonly iopsSize: number;
};

/** Limits as options give them, all of them optional: `bps-total`, `bps-total-max`, `bps-total-max-length`, …, `iops-size`. */
export type ThrottleLimits = {
  readonly [Name in LimitName | `${LimitName}-max` | `${LimitName}-max-length` | 'iops-size']?: Int64 | undefined;
};

/** The largest rate, per second. */
const largestRate = 1e15;

/** The longest burst, in seconds. */
const longestBurst = 2 ** 32 - 1;

/** The configuration that some limits make. @throws BlockError when they contradict each other or are out of range */
export function throttleConfigOf(limits: ThrottleLimits): ThrottleConfig {
  const limit = (name: LimitName): GivenLimit => ({
    average: limits[name] ?? 0,
    max: limits[`${name}-max`] ?? 0,
    burstLength: limits[`${name}-max-length`] ?? 1,
  });
  const given: GivenConfig = {
    'bps-total': limit('bps-total'),
    'bps-read': limit('bps-read'),
    'bps-write': limit('bps-write'),
    'iops-total': limit('iops-total'),
    'iops-read': limit('iops-read'),
    'iops-write': limit('iops-write'),
    iopsSize: limits['iops-size'] ?? 0,
  };
  checkThrottleConfig(given);
  return {
    'bps-total': inNumbers(given['bps-total']),
    'bps-read': inNumbers(given['bps-read']),
    'bps-write': inNumbers(given['bps-write']),
    'iops-total': inNumbers(given['iops-total']),
    'iops-read': inNumbers(given['iops-read']),
    'iops-write': inNumbers(given['iops-write']),
    iopsSize: Number(given.iopsSize),
  };
}

/** A limit as it was given: what is beyond all bounds is reported with its digits. */
type GivenLimit = { readonly [Field in keyof Limit]: Int64 };
type GivenConfig = { readonly [Name in LimitName]: GivenLimit } & { readonly iopsSize: Int64 };

function inNumbers({ average, max, burstLength }: GivenLimit): Limit {
  return { average: Number(average), max: Number(max), burstLength: Number(burstLength) };
}

/** Whether anything is limited at all. */
export function isLimiting(config: ThrottleConfig): boolean {
  return limitNames.some((name) => config[name].average !== 0);
}

/** The order of the checks is QEMU's: the first that fails decides the error. */
function checkThrottleConfig(config: GivenConfig): void {
  for (const field of ['average', 'max'] as const) {
    checkExclusion(config, 'bps', field);
    checkExclusion(config, 'iops', field);
  }
  checkIopsSize(config);
  for (const name of limitNames) checkLimit(name, config[name]);
}

function checkExclusion(config: GivenConfig, unit: 'bps' | 'iops', field: 'average' | 'max'): void {
  const [total, read, write] = [config[`${unit}-total`], config[`${unit}-read`], config[`${unit}-write`]];
  if (total[field] === 0 || (read[field] === 0 && write[field] === 0)) return;
  const suffix = field === 'max' ? '-max' : '';
  throw invalid(
    `${unit}-total${suffix} cannot be used together with ${unit}-read${suffix} or ${unit}-write${suffix}: ` +
      'limit both directions together or each for itself',
  );
}

function checkIopsSize(config: GivenConfig): void {
  const { iopsSize } = config;
  if (iopsSize === 0) return;
  if (!config['iops-total'].average && !config['iops-read'].average && !config['iops-write'].average) {
    throw invalid('iops-size needs a limit of operations: set iops-total, iops-read or iops-write, too');
  }
  if (!(iopsSize > 0)) throw invalid(`iops-size is ${iopsSize}, but must not be negative`);
}

function checkLimit(name: LimitName, { average, max, burstLength }: GivenLimit): void {
  for (const [label, rate] of [
    [name, average],
    [`${name}-max`, max],
  ] as const) {
    if (!(rate >= 0 && rate <= largestRate)) {
      throw invalid(`${label} is ${rate}, but must be between 0 and ${largestRate}`);
    }
  }
  if (!(burstLength >= 1)) throw invalid(`${name}-max-length is ${burstLength}, but a burst lasts at least 1 second`);
  if (burstLength > longestBurst) {
    throw invalid(`${name}-max-length is ${burstLength}, but a burst lasts at most ${longestBurst} seconds`);
  }
  if (burstLength > 1 && max === 0) {
    throw invalid(`${name}-max-length needs the rate during the burst: set ${name}-max, too`);
  }
  if (max !== 0 && average === 0) {
    throw invalid(`${name}-max needs the rate in the long run: set ${name}, too`);
  }
  if (max !== 0 && max < average) {
    throw invalid(`${name}-max is ${max}, but must not be lower than ${name}, which is ${average}`);
  }
}
