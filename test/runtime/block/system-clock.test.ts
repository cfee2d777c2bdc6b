import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../runtime/block/system-clock.js';

describe("the machine's clock", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('waits for the given time, also longer than a timer of Node.js can', () => {
    const days = 30 * 24 * 3600 * 1e9;
    const called = vi.fn();
    systemClock.after(days, called);
    vi.advanceTimersByTime(days / 1e6 - 1);
    expect(called).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(called).toHaveBeenCalledOnce();
  });

  it('cancels a timer', () => {
    const called = vi.fn();
    systemClock.after(1e6, called).cancel();
    vi.advanceTimersByTime(10);
    expect(called).not.toHaveBeenCalled();
  });
});
