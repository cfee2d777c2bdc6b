import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ThrottleLimits, throttleConfigOf } from '../../../../runtime/block/backend/throttle-config.js';
import {
  type Direction,
  ThrottleGroups,
  type ThrottleMember,
} from '../../../../runtime/block/backend/throttle-group.js';
import type { Clock } from '../../../../runtime/block/clock.js';
import { SimulatedClock } from '../simulated-clock.js';

const second = 1e9;

function limited(limits: ThrottleLimits, members = 1) {
  const clock = new SimulatedClock();
  const groups = new ThrottleGroups(clock);
  const joined = Array.from({ length: members }, () => groups.join('g'));
  const [first] = joined as [ThrottleMember, ...ThrottleMember[]];
  first.group.configure(throttleConfigOf(limits));
  return { clock, groups, members: joined, member: first };
}

/** What a guest that always has one more request for its member has got through, in order. */
class Guest {
  requests = 0;
  bytes = 0;
  /** When each request went. */
  readonly times: number[] = [];
  stopped = false;

  constructor(clock: SimulatedClock, member: ThrottleMember, direction: Direction, sizes: () => number) {
    void this.#run(clock, member, direction, sizes);
  }

  async #run(clock: SimulatedClock, member: ThrottleMember, direction: Direction, sizes: () => number): Promise<void> {
    while (!this.stopped) {
      const size = sizes();
      await member.admit(direction, size);
      this.requests++;
      this.bytes += size;
      this.times.push(clock.now());
    }
  }
}

const always = (size: number) => () => size;

/** The same sizes over and over. */
function cycling(sizes: readonly number[]): () => number {
  let next = 0;
  return () => sizes[next++ % sizes.length] as number;
}

describe('a throttle group', () => {
  it('keeps the rate in the long run, neither above nor below, whatever the requests are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1000, max: 100_000 }),
        fc.option(fc.integer({ min: 1, max: 5 })),
        fc.array(fc.integer({ min: 200, max: 20_000 }), { minLength: 1, maxLength: 10 }),
        fc.constantFrom('bps-total', 'bps-read'),
        fc.integer({ min: 1, max: 4 }),
        async (average, factor, sizes, name, count) => {
          const max = factor === null ? 0 : average * factor;
          const { clock, members } = limited({ [name]: average, [`${name}-max`]: max }, count);
          const guests = members.map((member) => new Guest(clock, member, 'read', cycling(sizes)));
          const seconds = 20;
          await clock.advance(seconds * second);
          for (const guest of guests) guest.stopped = true;
          const bytes = guests.reduce((sum, guest) => sum + guest.bytes, 0);
          const capacity = max || average / 10;
          expect(bytes).toBeLessThanOrEqual(average * seconds + capacity + Math.max(...sizes));
          expect(bytes).toBeGreaterThanOrEqual(average * seconds - 1);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('counts both directions for the limit of both, and each for its own', async () => {
    const { clock, member } = limited({ 'bps-total': 10_000, 'iops-read': 4 });
    const reader = new Guest(clock, member, 'read', always(100));
    const writer = new Guest(clock, member, 'write', always(100));
    await clock.advance(50 * second);
    expect(reader.requests).toBeGreaterThanOrEqual(4 * 50);
    expect(reader.requests).toBeLessThanOrEqual(4 * 50 + 2);
    expect(reader.bytes + writer.bytes).toBeGreaterThanOrEqual(500_000 - 200);
    expect(reader.bytes + writer.bytes).toBeLessThanOrEqual(501_300);
  });

  it('shares the limit of both directions between them when both want more', async () => {
    const { clock, member } = limited({ 'iops-total': 100 });
    const reader = new Guest(clock, member, 'read', always(1));
    const writer = new Guest(clock, member, 'write', always(1));
    await clock.advance(20 * second);
    expect(reader.requests + writer.requests).toBeGreaterThanOrEqual(2000);
    expect(reader.requests + writer.requests).toBeLessThanOrEqual(2012);
    expect(Math.abs(reader.requests - writer.requests)).toBeLessThanOrEqual(12);
  });

  it('lets one huge request go, for which later ones pay', async () => {
    const { clock, member } = limited({ 'bps-write': 1000 });
    expect(member.admit('write', 50_000)).toBeUndefined();
    const next = member.admit('write', 1)?.then(() => clock.now());
    await clock.advance(60 * second);
    // 50,000 bytes less the tenth of a second that is always allowed, at 1000 a second.
    expect(await next).toBe(49.9 * second);
  });

  it('allows what is worth a tenth of a second at once', () => {
    const { member } = limited({ 'iops-total': 100 });
    let admitted = 0;
    while (member.admit('read', 1) === undefined) admitted++;
    expect(admitted).toBe(11);
  });

  it('allows a burst of one second at once', () => {
    const { member } = limited({ 'iops-total': 100, 'iops-total-max': 500 });
    let admitted = 0;
    while (member.admit('read', 1) === undefined) admitted++;
    expect(admitted).toBe(501);
  });

  it('keeps a longer burst at its rate, for as long as it may last', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 10, max: 50 }),
        fc.integer({ min: 2, max: 5 }),
        fc.integer({ min: 2, max: 5 }),
        async (average, factor, length) => {
          const max = average * factor;
          const { clock, member } = limited({
            'iops-write': average,
            'iops-write-max': max,
            'iops-write-max-length': length,
          });
          const guest = new Guest(clock, member, 'write', always(512));
          // The bucket of the burst fills by the burst less what leaks meanwhile.
          const duration = (max * length) / (max - average);
          for (let at = 1; at < duration; at++) {
            await clock.advance(second);
            expect(guest.requests).toBeGreaterThanOrEqual(max * at);
            expect(guest.requests).toBeLessThanOrEqual(max * at + max / 10 + 1);
          }
          await clock.advance(100 * second - clock.now());
          guest.stopped = true;
          expect(guest.requests).toBeGreaterThanOrEqual(100 * average + max * length - 1);
          expect(guest.requests).toBeLessThanOrEqual(100 * average + max * length + 1);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('counts a request above iops-size as several, by their quotient', async () => {
    const { clock, member } = limited({ 'iops-total': 30, 'iops-size': 4096 });
    const guest = new Guest(clock, member, 'read', cycling([6144, 512, 4096]));
    await clock.advance(100 * second);
    // Three requests cost 1.5 + 1 + 1.
    expect(guest.requests / 3).toBeGreaterThan((30 * 100) / 3.5 - 1);
    expect(guest.requests / 3).toBeLessThan((30 * 100 + 3 + 1.5) / 3.5 + 1);
  });

  it('lets its members take turns', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 1, max: 3 }), async (count, depth) => {
        const { clock, members } = limited({ 'iops-total': 50 }, count);
        const guests = members.map((member, index) =>
          // The first asks for more at a time than the others, and gets no more for it.
          Array.from({ length: index === 0 ? depth * 4 : depth }, () => new Guest(clock, member, 'write', always(512))),
        );
        await clock.advance(second);
        const start = guests.map((of) => of.reduce((sum, { requests }) => sum + requests, 0));
        await clock.advance(20 * second);
        const gained = guests.map((of, index) =>
          of.reduce((sum, { requests }) => sum + requests, -(start[index] ?? 0)),
        );
        expect(Math.max(...gained) - Math.min(...gained)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 15 },
    );
  });

  it('releases the requests of a member in order, and lets none overtake a waiting one', async () => {
    const { clock, members } = limited({ 'iops-read': 10 }, 2);
    const [first, second_] = members as [ThrottleMember, ThrottleMember];
    const order: string[] = [];
    const ask = (member: ThrottleMember, name: string) => {
      const wait = member.admit('read', 1);
      if (wait === undefined) order.push(name);
      else void wait.then(() => order.push(name));
    };
    for (let index = 0; index < 5; index++) ask(first, `a${index}`);
    // The bucket has room again before the timer has let the first one go.
    ask(second_, 'b0');
    await clock.advance(10 * second);
    expect(order).toEqual(['a0', 'a1', 'a2', 'b0', 'a3', 'a4']);
  });

  it('does not hold back one direction for the other', () => {
    const { member } = limited({ 'iops-read': 1 });
    member.admit('read', 1);
    expect(member.admit('read', 1)).toBeDefined();
    expect(member.admit('write', 1)).toBeUndefined();
  });

  it('releases all requests of a member when asked, and makes the others wait for what that cost', async () => {
    const { clock, members } = limited({ 'iops-write': 10 }, 2);
    const [first, other] = members as [ThrottleMember, ThrottleMember];
    expect(first.admit('write', 1)).toBeUndefined();
    expect(first.admit('write', 1)).toBeUndefined();
    let gone = 0;
    for (let index = 0; index < 8; index++) void first.admit('write', 1)?.then(() => gone++);
    const waited = other.admit('write', 1)?.then(() => clock.now());
    first.letGo();
    await clock.advance(0);
    expect(gone).toBe(8);
    await clock.advance(2 * second);
    // Ten have gone, one may always be ahead: nine must leak at ten a second.
    expect(await waited).toBe(0.9 * second);
  });

  it('begins anew when it is configured, for waiting requests, too', async () => {
    const { clock, member } = limited({ 'iops-read': 10 });
    const gone = Array.from({ length: 4 }, async () => {
      await member.admit('read', 1);
      return clock.now();
    });
    await clock.advance(0.05 * second);
    member.group.configure(throttleConfigOf({ 'iops-read': 1 }));
    await clock.advance(5 * second);
    // One goes at once, and the other one when that has leaked but for what a tenth of a second is worth.
    expect(await Promise.all(gone)).toEqual([0, 0, 0.05 * second, 0.95 * second]);
  });

  it('leaves the order of turns alone when it is configured, and when a member leaves', async () => {
    for (const change of ['configure', 'leave', 'both'] as const) {
      const { clock, members } = limited({ 'iops-read': 10 }, 3);
      while (members[0]?.admit('read', 1) === undefined);
      const order: number[] = [];
      for (const turn of [0, 1, 2, 0]) void members[turn]?.admit('read', 1)?.then(() => order.push(turn));
      // What the first has asked for before all others, which is not in the list; then the second.
      await clock.advance(0.25 * second);
      expect(order).toEqual([1]);
      if (change !== 'configure') members[1]?.leave();
      if (change !== 'leave') members[0]?.group.configure(throttleConfigOf({ 'iops-read': 1 }));
      await clock.advance(10 * second);
      expect(order).toEqual([1, 2, 0, 0]);
    }
  });

  it('leaves no timer behind when no request waits', async () => {
    const running = new Set<object>();
    const inner = new SimulatedClock();
    const clock: Clock = {
      now: () => inner.now(),
      after(ns, callback) {
        const timer = inner.after(ns, () => {
          running.delete(timer);
          callback();
        });
        running.add(timer);
        return {
          cancel() {
            running.delete(timer);
            timer.cancel();
          },
        };
      },
    };
    const member = new ThrottleGroups(clock).join('g');
    member.group.configure(throttleConfigOf({ 'iops-total': 1 }));
    for (const direction of ['read', 'write', 'read', 'write'] as const) void member.admit(direction, 1);
    expect(running.size).toBe(2);
    member.letGo();
    expect(running.size).toBe(0);
  });

  it('keeps its limits when a member leaves, whose requests go at once', async () => {
    const { clock, members } = limited({ 'iops-total': 10 }, 2);
    const [first, other] = members as [ThrottleMember, ThrottleMember];
    while (first.admit('read', 1) === undefined);
    const waited = other.admit('read', 1)?.then(() => clock.now());
    first.leave();
    expect(first.queues.read).toEqual([]);
    await clock.advance(second);
    // Two have gone at once, one more by leaving: two must leak before the next one.
    expect(await waited).toBe(0.2 * second);
  });

  it('removes the group with its last member', () => {
    const { groups, member } = limited({ 'iops-total': 5 });
    member.leave();
    const again = groups.join('g');
    expect(again.group).not.toBe(member.group);
    expect(again.admit('read', 1)).toBeUndefined();
  });

  it('completes every request, whatever is done in which order', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('ask' as const), who: fc.nat(3), way: fc.constantFrom<Direction>('read', 'write') }),
      fc.record({ do: fc.constant('letGo' as const), who: fc.nat(3) }),
      fc.record({ do: fc.constant('leave' as const), who: fc.nat(3) }),
      fc.record({ do: fc.constant('configure' as const), rate: fc.integer({ min: 1, max: 20 }) }),
      fc.record({ do: fc.constant('advance' as const), ms: fc.nat(2000) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { clock, groups, members } = limited({ 'iops-total': 5 }, 4);
        let [asked, gone] = [0, 0];
        for (const action of steps) {
          const member = 'who' in action ? (members[action.who] as ThrottleMember) : undefined;
          if (action.do === 'ask') {
            asked++;
            void Promise.resolve(member?.admit(action.way, 512)).then(() => gone++);
          } else if (action.do === 'letGo') member?.letGo();
          else if (action.do === 'leave') {
            member?.leave();
            members[action.who] = groups.join('g');
          } else if (action.do === 'configure') {
            members[0]?.group.configure(throttleConfigOf({ 'iops-total': action.rate }));
          } else await clock.advance(action.ms * 1e6);
        }
        await clock.advance(60 * second);
        expect(gone).toBe(asked);
        expect(members.every(({ queues }) => queues.read.length + queues.write.length === 0)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
