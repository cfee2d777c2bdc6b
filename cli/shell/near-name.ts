import { nearMiss } from '../../generator/text/near-miss.js';

/** The name that was probably meant: the only one that begins so, or else one that differs by little. */
export function nearName(name: string, candidates: Iterable<string>): string | undefined {
  const names = [...new Set(candidates)];
  const [first, ...others] = names.filter((candidate) => candidate.startsWith(name));
  return first !== undefined && others.length === 0 ? first : nearMiss(name, names);
}
