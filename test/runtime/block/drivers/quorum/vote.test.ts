import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { vote, winner } from '../../../../../runtime/block/drivers/quorum/vote.js';

const of = (...bytes: number[]) => bytes.map((byte) => Uint8Array.of(1, 2, byte));

describe('a vote', () => {
  it('decides a unanimous vote', () => {
    const buffers = of(7, 7, 7);
    const verdict = vote(buffers);
    expect(verdict).toEqual({ winner: buffers[0], count: 3, losers: [] });
    expect(verdict.winner).toBe(buffers[0]);
  });

  it('the version with the most votes wins', () => {
    expect(vote(of(7, 8, 9, 8))).toEqual({ winner: Uint8Array.of(1, 2, 8), count: 2, losers: [0, 2] });
  });

  it('among versions with equal votes, the one first voted for last wins', () => {
    expect(vote(of(7, 8, 9)).winner).toEqual(Uint8Array.of(1, 2, 9));
    expect(vote(of(7, 8, 8, 7)).winner).toEqual(Uint8Array.of(1, 2, 8));
    expect(winner(['EIO', 'ENOSPC'])).toEqual({ candidate: 'ENOSPC', count: 1 });
  });

  it('counts only the children that have read something', () => {
    const [a, b, c] = of(7, 8, 7);
    expect(vote([undefined, b, undefined])).toEqual({ winner: b, count: 1, losers: [] });
    expect(vote([a, b, undefined, c])).toEqual({ winner: a, count: 2, losers: [1] });
    expect(() => vote([undefined])).toThrow();
    expect(winner([])).toBeUndefined();
  });

  it('decides like a count of each version against each', () => {
    const ballots = fc.array(fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }), {
      minLength: 1,
      maxLength: 9,
    });
    fc.assert(
      fc.property(
        ballots.filter((votes) => votes.some((ballot) => ballot !== undefined)),
        (votes) => {
          const count = (ballot: number | undefined) => votes.filter((other) => other === ballot).length;
          const cast = votes.filter((ballot) => ballot !== undefined);
          const most = Math.max(...cast.map(count));
          const leaders = cast.filter((ballot) => count(ballot) === most);
          const latest = Math.max(...leaders.map((ballot) => votes.indexOf(ballot)));
          expect(vote(votes.map((ballot) => (ballot === undefined ? undefined : Uint8Array.of(9, ballot))))).toEqual({
            winner: Uint8Array.of(9, votes[latest] ?? -1),
            count: most,
            losers: [...votes.keys()].filter((index) => ![undefined, votes[latest]].includes(votes[index])),
          });
        },
      ),
      { numRuns: 500 },
    );
  });
});
