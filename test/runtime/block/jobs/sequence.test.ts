import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ioError } from '../../../../runtime/block/error.js';
import { inSequence, type Steps } from '../../../../runtime/block/jobs/sequence.js';
import type { WorkingJob } from '../../../../runtime/block/jobs/working-job.js';

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** As much of a job as a sequence needs. */
class TestJob {
  len = 0;
  offset = 0;
  cancelled = false;
  /** Bytes that the speed was reckoned with, and what was in flight at each rest. */
  worked = 0;
  readonly rests: number[] = [];
  inFlight = 0;
  delay = 0;
  waits = false;

  delayAfter(bytes: number): number {
    this.worked += bytes;
    return bytes > 0 ? this.delay : 0;
  }

  async pausePointOf(flights: { all(): Promise<void> }): Promise<void> {
    if (this.waits) {
      await flights.all();
      this.rests.push(this.inFlight);
    }
    await nextTurn();
  }

  async pace(): Promise<void> {
    this.rests.push(this.inFlight);
  }
}

const run = (job: TestJob, steps: Steps): Promise<void> => inSequence(job as unknown as WorkingJob, steps);

/** Steps of 10 bytes that end when they are let go. */
function heldSteps(job: TestJob, failed: Steps['failed'] = () => 'end') {
  const going = new Map<number, { resolve(): void; reject(error: Error): void }>();
  const steps: Steps = {
    length: 10,
    into: { flush: async () => {} },
    next: async (offset) => ({
      length: 10,
      work: () => {
        job.inFlight++;
        return new Promise<number>((resolve, reject) =>
          going.set(offset, { resolve: () => resolve(10), reject }),
        ).finally(() => {
          job.inFlight--;
          going.delete(offset);
        });
      },
    }),
    failed,
  };
  return { going, steps };
}

async function settled(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await nextTurn();
}

it('several steps are in flight, and the offset is the end of what is done without a gap', async () => {
  const job = Object.assign(new TestJob(), { len: 60 });
  const { going, steps } = heldSteps(job);
  const over = run(job, steps);
  await settled();
  expect([...going.keys()]).toEqual([0, 10, 20, 30]);
  going.get(10)?.resolve();
  await settled();
  expect(job.offset).toBe(0);
  going.get(0)?.resolve();
  await settled();
  expect(job.offset).toBe(20);
  for (; job.offset < 60; await settled()) for (const step of going.values()) step.resolve();
  await over;
  // After the last step there is nothing to wait for.
  expect([job.offset, job.worked]).toEqual([60, 50]);
});

it('a failure is reported once what is before it is done and nothing is in flight behind it, and that is not counted', async () => {
  const job = Object.assign(new TestJob(), { len: 60 });
  const seen: unknown[] = [];
  const { going, steps } = heldSteps(job, (error) => {
    seen.push([(error as Error).message, job.offset, job.inFlight]);
    return 'end';
  });
  const over = run(job, steps);
  await settled();
  going.get(10)?.reject(new Error('first'));
  going.get(20)?.reject(new Error('second'));
  await settled();
  expect(seen).toEqual([]);
  going.get(0)?.resolve();
  await settled();
  expect(seen).toEqual([]);
  going.get(30)?.resolve();
  await over;
  expect(seen).toEqual([['first', 10, 0]]);
  expect(job.offset).toBe(10);
});

it('nothing is in flight while the job rests, because of its speed or because it was paused', async () => {
  for (const [delay, waits] of [
    [5, false],
    [0, true],
  ] as const) {
    const job = Object.assign(new TestJob(), { len: 60, delay, waits });
    const { going, steps } = heldSteps(job);
    const over = run(job, steps);
    for (let rounds = 0; rounds < 20; rounds++) {
      await settled();
      for (const step of going.values()) step.resolve();
    }
    await over;
    expect(job.rests.length).toBeGreaterThan(4);
    expect(job.rests.every((inFlight) => inFlight === 0)).toBe(true);
  }
});

it('a job with a speed does not wait after a step that has failed', async () => {
  for (const [action, rests] of [
    ['end', 1],
    ['again', 5],
  ] as const) {
    const job = Object.assign(new TestJob(), { len: 60, delay: 5 });
    let fails = true;
    await run(job, {
      length: 10,
      into: { flush: async () => {} },
      next: async (offset) => ({
        length: 10,
        async work() {
          if (offset === 10 && fails) throw new Error('once');
          return 10;
        },
      }),
      failed() {
        fails = false;
        return action;
      },
    });
    expect([action, job.rests.length]).toEqual([action, rests]);
  }
});

it.each(['again', 'end'] as const)(
  'what a flush on its way fails with is dealt with as a failure: %s',
  async (action) => {
    const job = Object.assign(new TestJob(), { len: 60 });
    const failures: unknown[] = [];
    let flushes = 0;
    await run(job, {
      length: 10,
      into: {
        flush: async () => {
          if (++flushes === 2) throw ioError('ENOSPC');
        },
      },
      next: async () => ({ length: 10, work: async () => 64 << 20 }),
      failed(error) {
        failures.push(error);
        return action;
      },
    });
    expect(failures).toEqual([expect.objectContaining({ code: 'ENOSPC', operation: 'write' })]);
    if (action === 'again') expect([job.offset, flushes]).toEqual([60, 6]);
    else expect(job.offset).toBeLessThan(60);
  },
);

it('the failure of a flush that ends behind the last step is seen, too', async () => {
  const job = Object.assign(new TestJob(), { len: 10 });
  const failures: unknown[] = [];
  await run(job, {
    length: 10,
    into: { flush: () => settled().then(() => Promise.reject(ioError('EIO'))) },
    next: async () => ({ length: 10, work: async () => 64 << 20 }),
    failed(error) {
      failures.push(error);
      return 'again';
    },
  });
  expect(failures).toHaveLength(1);
});

it('a cancelled job ends when what is in flight has ended', async () => {
  const job = Object.assign(new TestJob(), { len: 60 });
  const { going, steps } = heldSteps(job);
  let ended = false;
  const over = run(job, steps).then(() => {
    ended = true;
  });
  await settled();
  job.cancelled = true;
  going.get(0)?.resolve();
  await settled();
  expect(ended).toBe(false);
  for (const step of going.values()) step.resolve();
  await over;
  expect(job.offset).toBeLessThan(60);
});

it('property: with failures anywhere, each part is done or left out as with one step at a time', async () => {
  const outcomes = fc.array(fc.constantFrom('fine', 'nothing', 'again', 'skip', 'unknown'), {
    minLength: 1,
    maxLength: 20,
  });
  await fc.assert(
    fc.asyncProperty(outcomes, fc.infiniteStream(fc.nat({ max: 3 })), async (parts, turns) => {
      const job = Object.assign(new TestJob(), { len: parts.length * 10 });
      const left = [...parts];
      const done = new Set<number>();
      const failures: string[] = [];
      await run(job, {
        length: 10,
        into: { flush: async () => {} },
        async next(offset) {
          const index = offset / 10;
          const part = left[index];
          if (part === 'nothing' || done.has(index)) return { length: 10 };
          if (part === 'unknown') throw new Error(`unknown ${index}`);
          return {
            length: 10,
            work: async () => {
              for (let more = turns.next().value ?? 0; more > 0; more--) await nextTurn();
              if (part !== 'fine') throw new Error(`${part} ${index}`);
              done.add(index);
              return 10;
            },
          };
        },
        failed(error) {
          const { message } = error as Error;
          failures.push(message);
          const [what, index] = message.split(' ');
          if (what === 'skip') return 'skip';
          left[Number(index)] = 'fine';
          return 'again';
        },
      });
      expect(job.offset).toBe(parts.length * 10);
      expect(failures).toEqual(
        parts.flatMap((part, index) => (/again|skip|unknown/.test(part) ? [`${part} ${index}`] : [])),
      );
      const wanted = parts.flatMap((part, index) => (part === 'nothing' || part === 'skip' ? [] : [index]));
      expect([...done].sort((a, b) => a - b)).toEqual(wanted);
    }),
    { numRuns: 60, seed: 7 },
  );
});
