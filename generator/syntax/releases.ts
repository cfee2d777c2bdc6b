import { nearMiss } from '../text/near-miss.js';

/** The releases whose language is known, oldest first. */
export const releases = [
  ...minors(2, 4, 12),
  ...minors(3, 0, 1),
  ...minors(4, 0, 2),
  ...minors(5, 0, 2),
  ...minors(6, 0, 2),
  ...minors(7, 0, 2),
  ...minors(8, 0, 2),
  ...minors(9, 0, 2),
  ...minors(10, 0, 2),
  ...minors(11, 0, 1),
] as const;

/** The newest release whose rules are known. */
export const newestRelease: string = releases[releases.length - 1] as string;
const oldest = releases[0] as string;

function minors(major: number, first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, index) => `${major}.${first + index}`);
}

/** Compares releases: negative when `a` is older than `b`. */
export function compareReleases(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA - majorB || minorA - minorB;
}

/** The release before a known one. */
export function releaseBefore(release: string): string {
  return releases[releases.indexOf(release) - 1] ?? release;
}

/**
 * The release whose language a version speaks: `8.2` for `8.2`, `8.2.1`, `v8.2.1` and `8.2.0-rc3`. Development versions speak
 * the language of the release that they lead to: `2.8` for `2.7.50`, `9.0` for `8.2.93`.
 * The language of a release newer than all that are known is taken to be that of the newest, and `newer` is its number.
 * A text that is no version gives a sentence that says what is wrong with it.
 */
export function releaseOf(
  version: string,
): { readonly release: string; readonly newer?: string } | { readonly problem: string } {
  const parts = /^v?(\d+)\.(\d+)(?:\.(\d+))?(?:-[\w.]+)?$/.exec(version.trim());
  if (!parts) return { problem: unknown(version) };
  const named = `${Number(parts[1])}.${Number(parts[2])}`;
  // Between two releases the reference counts its patch level from 50, in the freeze before the next one from 90.
  const leadsToNext = Number(parts[3] ?? 0) >= 50;
  const index = releases.indexOf(named);
  const release = index !== -1 && leadsToNext ? releases[index + 1] : releases[index];
  if (release !== undefined) return { release };
  if (compareReleases(named, oldest) < 0) {
    return { problem: `release ${named} is older than ${oldest}, the oldest whose schemas can be read` };
  }
  if (compareReleases(named, newestRelease) >= 0) return { release: newestRelease, newer: version.trim() };
  return { problem: unknown(version) };
}

function unknown(version: string): string {
  const near = nearMiss(version, ['auto', ...releases]) ?? releases.find((release) => release === `${version}.0`);
  const question = near === undefined ? '' : `: did you mean '${near}'?`;
  return `there is no release '${version}'${question || `: name one from ${oldest} to ${newestRelease}, or 'auto'`}`;
}
