import { describe, expect, it } from 'vitest';
import { RequestTracker } from '../../../../runtime/block/io/tracker.js';

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('requests in flight', () => {
  it('wait for earlier ones that overlap, if either is serialising', async () => {
    const tracker = new RequestTracker();
    const order: string[] = [];
    const start = (name: string, offset: number, length: number, serialising: boolean) => {
      const request = tracker.begin(offset, length, serialising);
      void tracker.turn(request).then(() => order.push(name));
      return request;
    };
    const plain = start('plain', 0, 10, false);
    const beside = start('beside', 5, 10, false);
    const serialising = start('serialising', 8, 4, true);
    const behind = start('behind', 0, 100, false);
    const apart = start('apart', 20, 10, true);
    await settled();
    expect(order).toEqual(['plain', 'beside']);
    tracker.end(plain);
    await settled();
    expect(order).toEqual(['plain', 'beside']);
    tracker.end(beside);
    await settled();
    expect(order).toEqual(['plain', 'beside', 'serialising']);
    tracker.end(serialising);
    await settled();
    // What is apart began after what is behind, which overlaps it.
    expect(order).toEqual(['plain', 'beside', 'serialising', 'behind']);
    tracker.end(behind);
    tracker.end(apart);
    await settled();
    expect(order).toHaveLength(5);
  });

  it('requests do not wait for others that only touch them', async () => {
    const tracker = new RequestTracker();
    const first = tracker.begin(0, 10, true);
    const second = tracker.begin(10, 10, true);
    await tracker.turn(second);
    tracker.end(first);
    tracker.end(second);
  });

  it('counts requests in flight, and waits for their end', async () => {
    const tracker = new RequestTracker();
    expect([tracker.size, tracker.quiet]).toEqual([0, true]);
    await tracker.idle();
    const plain = tracker.begin(0, 1);
    expect([tracker.size, tracker.quiet]).toEqual([1, true]);
    const serialising = tracker.begin(0, 1, true);
    expect([tracker.size, tracker.quiet]).toEqual([2, false]);
    let idle = 0;
    void tracker.idle().then(() => idle++);
    void tracker.idle().then(() => idle++);
    tracker.end(serialising);
    await settled();
    expect(idle).toBe(0);
    tracker.end(plain);
    await settled();
    expect(idle).toBe(2);
  });

  it('waits also for requests that begin right after the last one', async () => {
    const tracker = new RequestTracker();
    const first = tracker.begin(0, 1);
    let idle = false;
    void tracker.idle().then(() => {
      idle = true;
    });
    tracker.end(first);
    const second = tracker.begin(0, 1);
    await settled();
    expect(idle).toBe(false);
    tracker.end(second);
    await settled();
    expect(idle).toBe(true);
  });
});
