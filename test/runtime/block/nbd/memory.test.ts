import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { collectGarbage } from '../../../../runtime/block/nbd/collect.js';
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

  it('gives memory back when little has been in flight for some time', () => {
    const collect = vi.fn();
    const memory = new NbdMemory(64 * MiB, collect);
    const share = memory.join();
    const buffer = share.pool.take(100_000);
    share.pool.giveBack(buffer);
    const kept = (): boolean => {
      const taken = share.pool.take(100_000);
      share.pool.giveBack(taken);
      return taken === buffer;
    };
    /** Has some bytes in flight for a moment, ten times a second. */
    const load = (bytes: number, seconds: number): void => {
      for (let turn = 0; turn < seconds * 10; turn++) {
        share.take(bytes);
        share.giveBack(bytes);
        vi.advanceTimersByTime(100);
      }
    };
    load(32 * MiB, 10);
    expect([kept(), collect.mock.calls.length]).toEqual([true, 0]);
    // A quarter, and then less.
    load(8 * MiB, 1);
    load(9 * MiB, 10);
    expect([kept(), collect.mock.calls.length]).toEqual([true, 0]);
    load(MiB, 10);
    expect([kept(), collect.mock.calls.length]).toEqual([false, 0]);
    share.take(20 * MiB);
    vi.advanceTimersByTime(10_000);
    expect(collect).not.toHaveBeenCalled();
    share.giveBack(20 * MiB);
    vi.advanceTimersByTime(10_000);
    expect(collect).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(100_000);
    load(1000, 100);
    expect(collect).toHaveBeenCalledTimes(1);
  });

  it('collects buffers that nothing holds any more', async () => {
    vi.useRealTimers();
    const used = (): number => process.memoryUsage().arrayBuffers;
    let held = Array.from({ length: 32 }, () => Buffer.allocUnsafeSlow(MiB));
    const full = used();
    held = [];
    await new Promise((resolve) => setTimeout(resolve, 10));
    collectGarbage();
    // What is being freed is so beside us.
    await vi.waitFor(() => expect(full - used()).toBeGreaterThan(24 * MiB));
    expect(held).toEqual([]);
    expect('gc' in globalThis).toBe(false);
  });
});
