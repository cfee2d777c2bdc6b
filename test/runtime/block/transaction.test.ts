import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runTransaction, type TransactionStep } from '../../../runtime/block/transaction.js';

type Phase = 'prepare' | 'commit' | 'abort' | 'clean';

/** Steps that note each call, of which some fail. */
function noted(names: string[], failing: string[] = []) {
  const log: string[] = [];
  const note = async (phase: Phase, name: string) => {
    await Promise.resolve();
    log.push(`${phase} ${name}`);
    if (failing.includes(`${phase} ${name}`)) throw new Error(`${phase} ${name} failed`);
  };
  const steps = names.map(
    (name): TransactionStep => ({
      prepare: () => note('prepare', name),
      commit: () => note('commit', name),
      abort: () => note('abort', name),
      clean: () => note('clean', name),
    }),
  );
  return { log, steps };
}

describe('a transaction', () => {
  it('prepares, commits and cleans every step in order', async () => {
    const { log, steps } = noted(['a', 'b']);
    await runTransaction(steps);
    expect(log).toEqual(['prepare a', 'prepare b', 'commit a', 'commit b', 'clean a', 'clean b']);
  });

  it('a transaction of no steps succeeds', async () => {
    await runTransaction([]);
  });

  it('aborts the step that failed and those before it, the last first, and does not touch those after it', async () => {
    const { log, steps } = noted(['a', 'b', 'c'], ['prepare b']);
    await expect(runTransaction(steps)).rejects.toThrow('prepare b failed');
    expect(log).toEqual(['prepare a', 'prepare b', 'abort b', 'abort a', 'clean a', 'clean b']);
  });

  it('aborts a step whose prepare throws before its first pause', async () => {
    const log: string[] = [];
    const step: TransactionStep = {
      prepare() {
        throw new Error('at once');
      },
      abort: () => void log.push('abort'),
      clean: () => void log.push('clean'),
    };
    await expect(runTransaction([step])).rejects.toThrow('at once');
    expect(log).toEqual(['abort', 'clean']);
  });

  it('goes on aborting and cleaning where a step cannot, and reports the first cause', async () => {
    const { log, steps } = noted(['a', 'b', 'c'], ['prepare c', 'abort b', 'clean a']);
    await expect(runTransaction(steps)).rejects.toThrow('prepare c failed');
    expect(log.slice(3)).toEqual(['abort c', 'abort b', 'abort a', 'clean a', 'clean b', 'clean c']);
  });

  it('commits the other steps where one cannot, and reports that', async () => {
    const { log, steps } = noted(['a', 'b'], ['commit a']);
    await expect(runTransaction(steps)).rejects.toThrow('commit a failed');
    expect(log.slice(2)).toEqual(['commit a', 'commit b', 'clean a', 'clean b']);
  });

  it('takes steps that need no more than a prepare', async () => {
    let prepared = 0;
    await runTransaction([{ prepare: () => void prepared++ }, { prepare: () => void prepared++ }]);
    expect(prepared).toBe(2);
  });

  it('asks for a step only after the one before it is prepared', async () => {
    const { log, steps } = noted(['a', 'b']);
    const made = function* () {
      for (const [index, step] of steps.entries()) {
        log.push(`make ${index}`);
        yield step;
      }
    };
    await runTransaction(made());
    expect(log.slice(0, 4)).toEqual(['make 0', 'prepare a', 'make 1', 'prepare b']);
  });
});

describe('property: a transaction', () => {
  const key = fc.constantFrom('x', 'y', 'z');
  const change = fc.record({ key, value: fc.nat(9), fails: fc.constantFrom('no', 'no', 'no', 'early', 'halfway') });

  it('changes everything or nothing, also where steps change the same things', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 8 }), fc.dictionary(key, fc.nat(9)), async (changes, initial) => {
        const state = new Map(Object.entries(initial));
        const visible = new Map(state);
        let locks = 0;
        const steps = changes.map(({ key: name, value, fails }): TransactionStep => {
          let before: { value: number | undefined } | undefined;
          let locked = false;
          return {
            async prepare() {
              if (fails === 'early') throw new Error('early');
              locks++;
              locked = true;
              before = { value: state.get(name) };
              state.set(name, value);
              await Promise.resolve();
              if (fails === 'halfway') throw new Error('halfway');
            },
            commit: () => void visible.set(name, value),
            abort() {
              if (before?.value !== undefined) state.set(name, before.value);
              else if (before !== undefined) state.delete(name);
            },
            clean: () => void (locked && locks--),
          };
        });
        const failure = changes.find(({ fails }) => fails !== 'no')?.fails;
        if (failure === undefined) await runTransaction(steps);
        else await expect(runTransaction(steps)).rejects.toThrow(failure);
        const expected = new Map(Object.entries(initial));
        if (failure === undefined) for (const { key: name, value } of changes) expected.set(name, value);
        expect([state, visible, locks]).toEqual([expected, expected, 0]);
      }),
      { seed: 8_4_3 },
    );
  });
});
