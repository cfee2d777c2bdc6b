/** The candidate that was probably meant by a name that is none of them. Undefined when none is near. */
export function nearMiss(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = fold(name);
  // A third of the letters may differ; longer texts are not what a person mistypes.
  let limit = Math.min(Math.floor(wanted.length / 3), 4);
  let best: string | undefined;
  for (const candidate of candidates) {
    const folded = fold(candidate);
    if (candidate === name) continue;
    if (folded === wanted) return candidate;
    if (limit === 0 || Math.abs(folded.length - wanted.length) > limit) continue;
    const found = distance(wanted, folded, limit);
    if (found <= limit) {
      best = candidate;
      limit = found - 1;
      if (limit < 0) break;
    }
  }
  return best;
}

/** `did you mean 'NAME'?`, for the hint of a diagnostic, when there is a near miss. */
export function didYouMean(name: string, candidates: Iterable<string>): string | undefined {
  const found = nearMiss(name, candidates);
  return found === undefined ? undefined : `did you mean '${found}'?`;
}

/** Names that differ only in case or in the kind of separator are as near as can be. */
function fold(name: string): string {
  return name.toLowerCase().replace(/[-_.* ]/g, '');
}

/** Edits (one letter inserted, removed, replaced, or two neighbours swapped) from one text to another; `limit + 1` when there are more than that. */
function distance(a: string, b: string, limit: number): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(at(previous, j) + 1, at(row, j - 1) + 1, at(previous, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, at(before, j - 2) + 1);
      row.push(cost);
    }
    if (Math.min(...row) > limit) return limit + 1;
    before = previous;
    previous = row;
  }
  return at(previous, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
