import { readInteger } from './scalar-text.js';

/** The most integers that one range may stand for. */
const longestRange = 65_536n;

const range = /^([^-]*-?[^-]+)-([^-]*-?[^-]+)$/;

/**
 * Reads `3`, `1-4` or `-2-5` as the integers it stands for, ends included, each as text.
 * Gives `undefined` for anything else, for a range that runs backwards and for one of more than 65,536 integers.
 */
export function readIntegers(text: string): string[] | undefined {
  if (readInteger(text) !== undefined) return [text];
  const [, from, to] = range.exec(text) ?? [];
  const first = from === undefined ? undefined : readInteger(from);
  const last = to === undefined ? undefined : readInteger(to);
  if (first === undefined || last === undefined || first > last || last - first >= longestRange) return undefined;
  return Array.from({ length: Number(last - first) + 1 }, (_, index) => String(first + BigInt(index)));
}

/** Writes integers with runs of successive ones as ranges: `1-4,7`. The inverse of reading the parts between the commas. */
export function formatIntegers(integers: readonly (number | bigint)[]): string {
  const parts: string[] = [];
  for (let start = 0; start < integers.length; ) {
    let end = start;
    while (end + 1 < integers.length && BigInt(integers[end + 1] as bigint) === BigInt(integers[end] as bigint) + 1n)
      end++;
    parts.push(start === end ? String(integers[start]) : `${integers[start]}-${integers[end]}`);
    start = end + 1;
  }
  return parts.join(',');
}
