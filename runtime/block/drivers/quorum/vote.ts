import { createHash } from 'node:crypto';

/**
 * What most of the votes are for. Where several have as many, the one that was voted for first the latest: QEMU puts each new
 * candidate before the others.
 *
 * @returns nothing when there are no votes
 */
export function winner<Candidate>(votes: Iterable<Candidate>): { candidate: Candidate; count: number } | undefined {
  const counts = new Map<Candidate, number>();
  for (const vote of votes) counts.set(vote, (counts.get(vote) ?? 0) + 1);
  let best: { candidate: Candidate; count: number } | undefined;
  for (const [candidate, count] of counts) if (best === undefined || count >= best.count) best = { candidate, count };
  return best;
}

/** What a vote about data has come to. */
export interface Verdict {
  /** One that holds what most hold. */
  readonly winner: Uint8Array;
  /** How many hold that. */
  readonly count: number;
  /** The indices of those that hold something else, ascending. */
  readonly losers: readonly number[];
}

/**
 * Lets buffers of equal length vote. Nearly always they agree, which comparing shows fastest; else each is hashed once, so that
 * the time grows with their number and not with its square.
 *
 * @param buffers at least one; those that are absent do not vote
 */
export function vote(buffers: readonly (Uint8Array | undefined)[]): Verdict {
  const present = buffers.filter((buffer) => buffer !== undefined);
  const [first, ...others] = present;
  if (first === undefined) throw new Error('A vote without voters');
  if (others.every((other) => Buffer.compare(first, other) === 0)) {
    return { winner: first, count: present.length, losers: [] };
  }
  const hashes = buffers.map((buffer) => buffer && createHash('sha256').update(buffer).digest('hex'));
  const best = winner(hashes.filter((hash) => hash !== undefined));
  const index = hashes.indexOf(best?.candidate);
  const losers: number[] = [];
  for (const [other, hash] of hashes.entries()) {
    if (hash !== undefined && hash !== best?.candidate) losers.push(other);
  }
  return { winner: buffers[index] ?? first, count: best?.count ?? 0, losers };
}
