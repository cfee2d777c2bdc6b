/**
 * Searches a sorted list.
 *
 * @param count how long it is
 * @param isBehind whether the entry with an index is one of those that are looked for: all entries behind such a one are, too
 * @returns the index of the first of them; `count` where there is none
 */
export function firstIndex(count: number, isBehind: (index: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBehind(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
