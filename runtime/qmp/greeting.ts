/** What a server says of itself when a connection is made. */
export interface QmpGreeting {
  readonly version: {
    readonly qemu: { readonly major: number; readonly minor: number; readonly micro: number };
    readonly package: string;
  };
  /** What the server offers, such as `oob`. */
  readonly capabilities: readonly string[];
}

/** Whether a server is of a release or a later one, by what it said. A development version counts as what it calls itself: `8.2.90` is older than 9.0. */
export function isOfRelease({ version }: QmpGreeting, release: string): boolean {
  const { major, minor } = version.qemu;
  const [wantedMajor = 0, wantedMinor = 0] = release.split('.').map(Number);
  return (major - wantedMajor || minor - wantedMinor) >= 0;
}
