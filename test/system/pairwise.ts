/** What can be chosen: names and their values. */
type Factors = { readonly [name: string]: readonly unknown[] };

/** One choice of each. */
export type Choice<F extends Factors> = { readonly [Name in keyof F]: F[Name][number] };

/**
 * Few choices in which any two values of different factors come together at least once, wherever that is allowed.
 * Always the same ones.
 *
 * @param allowed which choices make sense
 */
export function pairwise<const F extends Factors>(factors: F, allowed: (choice: Choice<F>) => boolean): Choice<F>[] {
  const names = Object.keys(factors);
  let choices: { readonly [name: string]: unknown }[] = [{}];
  for (const name of names) {
    choices = choices.flatMap((choice) => (factors[name] ?? []).map((value) => ({ ...choice, [name]: value })));
  }
  const candidates = (choices as Choice<F>[])
    .filter(allowed)
    .map((choice) => ({ choice, pairs: pairsOf(choice as { readonly [name: string]: unknown }, names) }));
  const open = new Set(candidates.flatMap(({ pairs }) => pairs));
  const chosen: Choice<F>[] = [];
  while (open.size > 0) {
    let best = candidates[0];
    let most = 0;
    for (const candidate of candidates) {
      const count = candidate.pairs.filter((pair) => open.has(pair)).length;
      if (count > most) [best, most] = [candidate, count];
    }
    if (best === undefined) break;
    for (const pair of best.pairs) open.delete(pair);
    chosen.push(best.choice);
  }
  return chosen;
}

function pairsOf(choice: { readonly [name: string]: unknown }, names: readonly string[]): string[] {
  return names.flatMap((first, index) =>
    names.slice(index + 1).map((second) => `${first}=${choice[first]} ${second}=${choice[second]}`),
  );
}
