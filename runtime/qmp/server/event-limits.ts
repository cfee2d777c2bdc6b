/** How often an event may be sent. */
export interface RateLimit {
  /** Within so many milliseconds after one was sent, only the last is kept, and sent when they are over. */
  readonly window: number;
  /** The member of the data that tells kinds of the event apart, each limited by itself. An event without it is not limited. */
  readonly by?: string;
}

/** Limits by the names of the events. */
export type RateLimits = { readonly [event: string]: RateLimit };

/** One limit, and the releases that have it. */
interface LimitRow extends RateLimit {
  readonly event: string;
  /** The first release that has it. Absent: all have. */
  readonly since?: string;
  /** The first release that has it no more. */
  readonly until?: string;
}

const second = 1000;

/**
 * The limits that the reference sets. Sources: its table of monitor events by release; the schemas' documentation says when an event
 * or a member that tells kinds apart came.
 */
const rows: readonly LimitRow[] = [
  { event: 'BALLOON_CHANGE', window: second },
  { event: 'BLOCK_IO_ERROR', window: second, by: 'qom-path', since: '9.2' },
  { event: 'HV_BALLOON_STATUS_REPORT', window: second, since: '8.2' },
  { event: 'MEMORY_DEVICE_SIZE_CHANGE', window: second, since: '5.1', until: '6.2' },
  { event: 'MEMORY_DEVICE_SIZE_CHANGE', window: second, by: 'qom-path', since: '6.2' },
  { event: 'QUORUM_FAILURE', window: second },
  { event: 'QUORUM_REPORT_BAD', window: second, by: 'node-name' },
  { event: 'RTC_CHANGE', window: second },
  { event: 'VSERPORT_CHANGE', window: second, by: 'id' },
  { event: 'WATCHDOG', window: second },
];

/**
 * The limits that the reference sets in a release.
 *
 * @param version of the server. Development versions (2.7.50) have the limits of the release that they lead to (2.8)
 */
export function rateLimitsOf(version: {
  readonly major: number;
  readonly minor: number;
  readonly micro: number;
}): RateLimits {
  return table(version.major, version.micro >= 50 ? version.minor + 1 : version.minor);
}

/** The limits that the newest known release sets. */
export const referenceRateLimits: RateLimits = table(Number.POSITIVE_INFINITY, 0);

function table(major: number, minor: number): RateLimits {
  // No limit has come with a release .0, so it makes no difference that 8.2.50 counts as 8.3.
  const reached = (release: string): boolean => {
    const [otherMajor = 0, otherMinor = 0] = release.split('.').map(Number);
    return major > otherMajor || (major === otherMajor && minor >= otherMinor);
  };
  const valid = rows.filter(
    ({ since, until }) => (since === undefined || reached(since)) && (until === undefined || !reached(until)),
  );
  return Object.fromEntries(valid.map(({ event, window, by }) => [event, { window, ...(by !== undefined && { by }) }]));
}
