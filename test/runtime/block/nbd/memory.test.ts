import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type MemoryShare, NbdMemory, pieceLength } from '../../../../runtime/block/nbd/memory.js';

const MiB = 2 ** 20;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('the memory of NBD connections', () => {
  it('all of them together stay within a bound, and each can always have a piece', () => {
    const most = 8 * MiB;
    const step = fc.record({
      who: fc.nat(4),
      bytes: fc.integer({ min: 1, max: 12 * MiB }),
      what: fc.constantFrom('take', 'take', 'take', 'give back', 'leave'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const memory = new NbdMemory(most);
        const connections = Array.from({ length: 5 }, () => ({ share: memory.join(), held: [] as number[] }));
        for (const { who, bytes, what } of steps) {
          const connection = connections[who] as (typeof connections)[number];
          if (what === 'leave') {
            connection.share.leave();
            Object.assign(connection, { share: memory.join(), held: [] });
          } else if (what === 'give back') {
            connection.share.giveBack(connection.held.pop() ?? 0);
          } else if (connection.share.hasRoom(bytes)) {
            connection.share.take(bytes);
            connection.held.push(bytes);
          } else if (connection.held.length === 0) {
            expect(bytes).toBeGreaterThan(pieceLength);
          }
          expect(memory.bytes).toBe(connections.flatMap(({ held }) => held).reduce((sum, each) => sum + each, 0));
          expect(memory.bytes).toBeLessThanOrEqual(most + connections.length * pieceLength);
        }
      }),
    );
  });

  it('gives each connection its part while others have theirs', () => {
    const memory = new NbdMemory(64 * MiB);
    const shares: MemoryShare[] = [memory.join()];
    const [first] = shares as [MemoryShare];
    first.take(32 * MiB);
    expect(first.hasRoom(32 * MiB)).toBe(true);
    while (shares.length < 8) shares.push(memory.join());
    expect(first.hasRoom(1)).toBe(false);
    const [, second] = shares as [MemoryShare, MemoryShare];
    expect(second.hasRoom(32 * MiB)).toBe(true);
    second.take(7 * MiB);
    expect([second.hasRoom(MiB), second.hasRoom(MiB + 1)]).toEqual([true, false]);
    for (const share of shares.slice(2)) share.leave();
    expect(second.hasRoom(25 * MiB)).toBe(true);
  });

  it('lets go of kept buffers when nothing has been in flight for some time', () => {
    const memory = new NbdMemory();
    const share = memory.join();
    const buffer = share.pool.take(100_000);
    share.pool.giveBack(buffer);
    share.take(1);
    share.giveBack(1);
    vi.advanceTimersByTime(1900);
    share.take(1);
    vi.advanceTimersByTime(1900);
    expect(share.pool.take(100_000)).toBe(buffer);
    share.pool.giveBack(buffer);
    share.giveBack(1);
    vi.advanceTimersByTime(2100);
    expect(share.pool.take(100_000)).not.toBe(buffer);
  });
});
