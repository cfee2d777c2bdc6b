import { describe, expect, it } from 'vitest';
import { EventLimiter } from '../../../../runtime/qmp/server/event-limiter.js';
import { rateLimitsOf, referenceRateLimits } from '../../../../runtime/qmp/server/event-limits.js';

const everywhere = [
  'BALLOON_CHANGE',
  'QUORUM_FAILURE',
  'QUORUM_REPORT_BAD',
  'RTC_CHANGE',
  'VSERPORT_CHANGE',
  'WATCHDOG',
];

describe('the limits of events by release', () => {
  it.each<[string, string[]]>([
    ['2.4.0', []],
    ['2.7.50', []],
    ['5.0.0', []],
    ['5.1.0', ['MEMORY_DEVICE_SIZE_CHANGE']],
    ['8.1.5', ['MEMORY_DEVICE_SIZE_CHANGE']],
    ['8.2.0', ['HV_BALLOON_STATUS_REPORT', 'MEMORY_DEVICE_SIZE_CHANGE']],
    ['9.1.2', ['HV_BALLOON_STATUS_REPORT', 'MEMORY_DEVICE_SIZE_CHANGE']],
    ['9.1.50', ['BLOCK_IO_ERROR', 'HV_BALLOON_STATUS_REPORT', 'MEMORY_DEVICE_SIZE_CHANGE']],
    ['10.1.0', ['BLOCK_IO_ERROR', 'HV_BALLOON_STATUS_REPORT', 'MEMORY_DEVICE_SIZE_CHANGE']],
  ])('limit in %s, beside what every release limits, %j', (version, added) => {
    const [major = 0, minor = 0, micro = 0] = version.split('.').map(Number);
    expect(Object.keys(rateLimitsOf({ major, minor, micro })).sort()).toEqual([...everywhere, ...added].sort());
  });

  it('tell memory devices apart since 6.2, when events began to say which one it is', () => {
    expect(rateLimitsOf({ major: 6, minor: 1, micro: 0 }).MEMORY_DEVICE_SIZE_CHANGE).toEqual({ window: 1000 });
    expect(rateLimitsOf({ major: 6, minor: 2, micro: 0 }).MEMORY_DEVICE_SIZE_CHANGE).toEqual({
      window: 1000,
      by: 'qom-path',
    });
  });

  it('the newest release has the limits of 11.1', () => {
    expect(referenceRateLimits).toEqual(rateLimitsOf({ major: 11, minor: 1, micro: 0 }));
  });
});

describe('errors of three devices within a second', () => {
  /** The devices whose errors are sent on at once. */
  function sent(limits: typeof referenceRateLimits, data: (device: string) => { [member: string]: string }): unknown[] {
    const messages: unknown[] = [];
    const limiter = new EventLimiter(limits, (message) => messages.push(message));
    for (const device of ['a', 'b', 'c', 'c']) limiter.send('BLOCK_IO_ERROR', data(device));
    limiter.close();
    return messages.map((message) => (message as { data: { device: string } }).data.device);
  }

  it('a server of 2016 sends them all, since it does not limit them', () => {
    expect(sent(rateLimitsOf({ major: 2, minor: 7, micro: 50 }), (device) => ({ device }))).toEqual([
      'a',
      'b',
      'c',
      'c',
    ]);
  });

  it('the newest release limits them by device', () => {
    expect(sent(referenceRateLimits, (device) => ({ device, 'qom-path': `/machine/${device}` }))).toEqual([
      'a',
      'b',
      'c',
    ]);
  });

  it('a server sends them all where its schema has no member that tells devices apart', () => {
    expect(sent(referenceRateLimits, (device) => ({ device }))).toEqual(['a', 'b', 'c', 'c']);
  });
});
