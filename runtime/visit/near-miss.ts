/** So many letters in a row may differ. */
const LIMIT = 2;

/** The candidate that was probably meant by a name: of those that differ in one place only, and by few letters, the nearest. */
export function nearMiss(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.min(LIMIT, Math.floor(name.length / 2)) + 1;
  const wanted = fold(name);
  for (const candidate of candidates) {
    const difference = differing(wanted, fold(candidate));
    if (difference < least) {
      best = candidate;
      least = difference;
    }
  }
  return best;
}

/** Names that differ only in case or by kind of separator are as near as can be. */
function fold(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

/** How many letters are left between what two names share at the start and at the end. */
function differing(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && a[start] === b[start]) start++;
  let end = 0;
  while (end < shorter - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  return Math.max(a.length, b.length) - start - end;
}
