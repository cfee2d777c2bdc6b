import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BlockIOThrottle } from '../../../../generated/index.js';
import { throttleConfigOfArguments, throttleInfo } from '../../../../runtime/block/backend/throttle-arguments.js';
import {
  isLimiting,
  limitNames,
  type ThrottleLimits,
  throttleConfigOf,
} from '../../../../runtime/block/backend/throttle-config.js';

const largest = 1e15;

/** Limits that break every rule at once, each rule by members that no other rule is about where that can be. */
const violations: readonly (readonly [ThrottleLimits, RegExp])[] = [
  [{ 'bps-total': 1, 'bps-read': 1 }, /^bps-total cannot be used together with bps-read or bps-write/],
  [{ 'iops-total': 1, 'iops-write': 1 }, /^iops-total cannot be used together/],
  [{ 'bps-total-max': 1, 'bps-write-max': 1 }, /^bps-total-max cannot be used together with bps-read-max/],
  [{ 'iops-total-max': 1, 'iops-read-max': 1 }, /^iops-total-max cannot be used together/],
  [{ 'iops-size': 1 }, /^iops-size needs a limit of operations/],
  [{ 'bps-total': -1 }, /^bps-total is -1, but must be between 0 and 1000000000000000$/],
  [{ 'bps-read': largest + 1 }, /^bps-read is 1000000000000001/],
  [{ 'bps-write': 1, 'bps-write-max-length': 0 }, /^bps-write-max-length is 0/],
  [{ 'iops-total': 1, 'iops-total-max-length': 2 }, /^iops-total-max-length needs the rate during the burst/],
  [{ 'iops-read-max': 5 }, /^iops-read-max needs the rate in the long run/],
  [
    { 'iops-write': 10, 'iops-write-max': 9 },
    /^iops-write-max is 9, but must not be lower than iops-write, which is 10/,
  ],
];

describe('the limits of a group', () => {
  it.each(violations)('refuses limits that contradict each other: %j', (limits, message) => {
    expect(() => throttleConfigOf(limits)).toThrow(
      expect.objectContaining({ class: 'GenericError', message: expect.stringMatching(message) }),
    );
  });

  it.each([
    [
      'the exclusion of averages before that of bursts',
      { 'iops-total': 1, 'iops-read': 1, 'bps-total-max': 1, 'bps-read-max': 1 },
      /^iops-total cannot/,
    ],
    ['exclusions before iops-size', { 'iops-size': 1, 'bps-total-max': 1, 'bps-read-max': 1 }, /^bps-total-max cannot/],
    ['iops-size before ranges', { 'iops-size': 1, 'bps-total': -1 }, /^iops-size/],
    [
      'a bucket with all its rules before the next one',
      { 'bps-read': 9, 'bps-read-max': 8, 'bps-write': -1 },
      /^bps-read-max is 8/,
    ],
    ['the range before the length', { 'bps-read': -1, 'bps-read-max-length': 0 }, /^bps-read is -1/],
    [
      'the length 0 before a burst without an average',
      { 'bps-read-max': 1, 'bps-read-max-length': 0 },
      /^bps-read-max-length is 0/,
    ],
    [
      'a length without a burst before the rest',
      { 'bps-read-max-length': 5, 'bps-write-max': 1 },
      /^bps-read-max-length needs/,
    ],
  ] as const)('reports the first wrong limit in the order of QEMU: %s', (_, limits, message) => {
    expect(() => throttleConfigOf(limits)).toThrow(message);
  });

  it('treats missing values as no limit, and bursts as lasting one second', () => {
    const config = throttleConfigOf({ 'bps-read': 100, 'bps-read-max': 100 });
    expect(config['bps-read']).toEqual({ average: 100, max: 100, burstLength: 1 });
    expect(config['bps-total']).toEqual({ average: 0, max: 0, burstLength: 1 });
    expect(isLimiting(config)).toBe(true);
    expect(isLimiting(throttleConfigOf({}))).toBe(false);
  });

  it('refuses burst lengths and sizes that are out of range', () => {
    expect(() => throttleConfigOf({ 'bps-total': 1, 'bps-total-max': 1, 'bps-total-max-length': -1 })).toThrow(
      /at least 1/,
    );
    expect(() => throttleConfigOf({ 'bps-total': 1, 'bps-total-max': 1, 'bps-total-max-length': 2 ** 32 })).toThrow(
      /at most 4294967295 seconds/,
    );
    expect(() => throttleConfigOf({ 'iops-total': 1, 'iops-size': -4096 })).toThrow(/must not be negative/);
  });
});

const unlimited = { device: 'd0', bps: 0, bps_rd: 0, bps_wr: 0, iops: 0, iops_rd: 0, iops_wr: 0 } as const;

describe('the limits of a command', () => {
  it('returns limits from the query as they were set', () => {
    const args: BlockIOThrottle = {
      ...unlimited,
      iops: 1000,
      iops_max: 5000,
      iops_max_length: 3,
      iops_size: 4096,
    };
    expect(throttleInfo({ name: 'gg', config: throttleConfigOfArguments(args) })).toEqual({
      bps: 0,
      bps_rd: 0,
      bps_wr: 0,
      iops: 1000,
      iops_rd: 0,
      iops_wr: 0,
      iops_max: 5000,
      iops_max_length: 3,
      iops_size: 4096,
      group: 'gg',
    });
  });

  it('does not report a burst that was not set', () => {
    const config = throttleConfigOfArguments({ ...unlimited, bps_rd: 1999, bps_wr: 5 });
    const none = { bps: 0, iops: 0, iops_rd: 0, iops_wr: 0 };
    expect(throttleInfo({ name: 'd0', config })).toEqual({ ...none, bps_rd: 1999, bps_wr: 5, group: 'd0' });
  });

  it('reports limits of 0 without a group', () => {
    expect(throttleInfo()).toEqual({ bps: 0, bps_rd: 0, bps_wr: 0, iops: 0, iops_rd: 0, iops_wr: 0 });
  });

  it('refuses limits that are larger than numbers hold exactly, by their digits', () => {
    expect(() => throttleConfigOfArguments({ ...unlimited, bps: 2n ** 62n })).toThrow(
      /^bps-total is 4611686018427387904/,
    );
  });

  it('refuses any limits, or makes a configuration in which no burst is slower than the average', () => {
    const value = fc.option(fc.oneof(fc.nat(10), fc.integer({ min: -1, max: 2e15 })), { nil: undefined });
    const keys = limitNames.flatMap((name) => [name, `${name}-max`, `${name}-max-length`] as const);
    fc.assert(
      fc.property(fc.record(Object.fromEntries(keys.map((key) => [key, value]))), (limits) => {
        let config: ReturnType<typeof throttleConfigOf>;
        try {
          config = throttleConfigOf(limits as ThrottleLimits);
        } catch (error) {
          expect(error).toMatchObject({ name: 'BlockError', class: 'GenericError' });
          return;
        }
        for (const name of limitNames) {
          const { average, max, burstLength } = config[name];
          expect(max === 0 || max >= average).toBe(true);
          expect(average).toBeLessThanOrEqual(largest);
          expect(burstLength).toBeGreaterThanOrEqual(1);
        }
      }),
    );
  });
});
