import { describe, expect, it } from 'vitest';
import { visitBlockDeviceStats } from '../../../../generated/index.js';
import { Accounting } from '../../../../runtime/block/backend/accounting.js';
import { uncounted, untimed } from '../../../../runtime/block/backend/uncounted.js';
import { encode } from '../../../../runtime/visit/codec.js';
import { SimulatedClock } from '../simulated-clock.js';

describe('accounting', () => {
  it('counts each kind for itself, and the time since the last request', async () => {
    const clock = new SimulatedClock();
    const accounting = new Accounting(clock);
    await clock.advance(100);
    accounting.done('read', 512, 40);
    accounting.done('read', 1024, 90);
    accounting.done('write', 4096, 70);
    accounting.done('flush', 0, 95);
    await clock.advance(25);
    expect(accounting.stats(8192)).toEqual({
      rd_bytes: 1536,
      rd_operations: 2,
      rd_total_time_ns: 70,
      failed_rd_operations: 0,
      invalid_rd_operations: 0,
      wr_bytes: 4096,
      wr_operations: 1,
      wr_total_time_ns: 30,
      failed_wr_operations: 0,
      invalid_wr_operations: 0,
      flush_operations: 1,
      flush_total_time_ns: 5,
      failed_flush_operations: 0,
      invalid_flush_operations: 0,
      unmap_bytes: 0,
      unmap_operations: 0,
      unmap_total_time_ns: 0,
      failed_unmap_operations: 0,
      invalid_unmap_operations: 0,
      ...uncounted,
      wr_highest_offset: 8192,
      idle_time_ns: 25,
      account_failed: true,
      account_invalid: true,
      timed_stats: [],
    });
  });

  it('reports no idle time before the first request', () => {
    expect(new Accounting(new SimulatedClock()).stats(0)).not.toHaveProperty('idle_time_ns');
  });

  it.each([
    [true, 30, 10],
    [false, 0, undefined],
  ])('counts the time of failed requests, and the access: %s', async (accountFailed, time, idle) => {
    const clock = new SimulatedClock();
    const accounting = new Accounting(clock, { accountFailed, intervals: [1] });
    await clock.advance(30);
    accounting.failed('write', 0);
    await clock.advance(10);
    const stats = accounting.stats(0);
    expect(stats).toMatchObject({
      failed_wr_operations: 1,
      wr_operations: 0,
      wr_bytes: 0,
      wr_total_time_ns: time,
      account_failed: accountFailed,
    });
    expect(stats.idle_time_ns).toBe(idle);
    expect(stats.timed_stats[0]?.max_wr_latency_ns).toBe(time);
  });

  it.each([
    [true, 10],
    [false, undefined],
  ])('counts invalid requests as accesses: %s', async (accountInvalid, idle) => {
    const clock = new SimulatedClock();
    const accounting = new Accounting(clock, { accountInvalid, intervals: [1] });
    await clock.advance(30);
    accounting.invalid('read');
    await clock.advance(10);
    const stats = accounting.stats(0);
    expect(stats).toMatchObject({ invalid_rd_operations: 1, rd_operations: 0, rd_total_time_ns: 0 });
    expect(stats.idle_time_ns).toBe(idle);
    expect(stats.timed_stats[0]?.max_rd_latency_ns).toBe(0);
  });

  it('keeps timed statistics for each interval, in order', async () => {
    const clock = new SimulatedClock();
    const accounting = new Accounting(clock, { intervals: [60, 3] });
    for (const latency of [0.2e9, 0.4e9]) {
      await clock.advance(1e9);
      accounting.done('read', 512, clock.now() - latency);
    }
    accounting.done('flush', 0, clock.now() - 7);
    expect(accounting.stats(0).timed_stats).toEqual([
      {
        interval_length: 60,
        min_rd_latency_ns: 0.2e9,
        max_rd_latency_ns: 0.4e9,
        avg_rd_latency_ns: 0.3e9,
        min_wr_latency_ns: 0,
        max_wr_latency_ns: 0,
        avg_wr_latency_ns: 0,
        min_flush_latency_ns: 7,
        max_flush_latency_ns: 7,
        avg_flush_latency_ns: 7,
        avg_rd_queue_depth: 0.3,
        avg_wr_queue_depth: 0,
        ...untimed,
      },
      expect.objectContaining({ interval_length: 3, max_rd_latency_ns: 0.4e9, avg_rd_queue_depth: 0.3 }),
    ]);
    // The short interval has forgotten, the long one has not.
    await clock.advance(6e9);
    expect(accounting.stats(0).timed_stats.map(({ max_rd_latency_ns }) => max_rd_latency_ns)).toEqual([0.4e9, 0]);
  });

  it('reports integers, also from a clock that counts parts of nanoseconds and beyond 2^53', () => {
    let now = 0.25;
    const accounting = new Accounting({ now: () => now, after: () => ({ cancel: () => {} }) }, { intervals: [1] });
    now = 1000.5;
    accounting.done('read', 512, 0.25);
    expect(accounting.stats(0).rd_total_time_ns).toBe(1000);
    now = 2 ** 60;
    accounting.done('read', 512, 0);
    const stats = accounting.stats(0);
    expect(stats.rd_total_time_ns).toBe(2n ** 60n + 1024n);
    expect(() => encode(visitBlockDeviceStats, stats)).not.toThrow();
  });
});
