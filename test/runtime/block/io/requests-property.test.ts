import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { roundDown, roundUp } from '../../../../runtime/block/limits.js';
import { RequestFlag } from '../../../../runtime/block/request-flag.js';
import { resized } from '../resized.js';
import { randomPauses, TestDisk } from './test-disk.js';

/** Blocks of the disk, whatever their size. */
const blocks = 12;
/** Places in a block where requests may begin and end, so that small and large blocks are met equally often. */
const places = 8;

interface Operation {
  readonly kind: 'read' | 'write' | 'zeroes' | 'discard' | 'flush' | 'truncate';
  /** In places. */
  readonly from: number;
  readonly length: number;
  readonly value: number;
  readonly flags: number;
}

const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('read', 'write') },
    { weight: 3, arbitrary: fc.constantFrom('zeroes', 'discard', 'flush') },
    { weight: 1, arbitrary: fc.constant('truncate') },
  ) as fc.Arbitrary<Operation['kind']>,
  from: fc.nat(blocks * places - 1),
  length: fc.integer({ min: 1, max: 3 * places }),
  // 0 is for the detection of zeroes.
  value: fc.nat(3),
  flags: fc.constantFrom(0, 0, RequestFlag.fua, RequestFlag.mayUnmap, RequestFlag.fua | RequestFlag.mayUnmap),
});

const setting = fc.record({
  alignment: fc.constantFrom(1, 512, 4096),
  detectZeroes: fc.constantFrom('off', 'on', 'unmap'),
  unmap: fc.boolean(),
  noZeroes: fc.boolean(),
  hasBacking: fc.boolean(),
  copyOnRead: fc.boolean(),
  seed: fc.nat(),
});

/** What a disk holds, and the requests that are on their way to it. */
class Model {
  bytes: Uint8Array;
  readonly #inFlight: { readonly from: number; readonly to: number; readonly changes: boolean; done: Promise<void> }[] =
    [];

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** What a request waits for whose outcome shall be known: all before it that touch the same bytes. Others run beside it. */
  async start(from: number, to: number, changes: boolean, request: () => Promise<void>): Promise<void> {
    const before = this.#inFlight.filter((other) => (changes || other.changes) && from < other.to && other.from < to);
    const entry = { from, to, changes, done: Promise.resolve() };
    this.#inFlight.push(entry);
    entry.done = Promise.all(before.map(({ done }) => done)).then(request);
    await entry.done;
  }

  read(offset: number, length: number): Uint8Array {
    const there = new Uint8Array(length);
    there.set(this.bytes.subarray(offset, offset + length));
    return there;
  }
}

describe('property: requests', () => {
  it('requests agree with a model, side by side, over any alignment', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 30 }), setting, async (operations, chosen) => {
        const { alignment, hasBacking, copyOnRead, seed, ...options } = chosen;
        const block = Math.max(alignment, places);
        const place = block / places;
        const size = blocks * block;
        const backing = hasBacking ? new Uint8Array(size).map((_, at) => 100 + Math.floor(at / place)) : undefined;
        const disk = new TestDisk(size, {
          ...options,
          detectZeroes: options.detectZeroes as 'off',
          alignment,
          ...(backing ? { backing, cluster: 2 * block } : {}),
        });
        if (backing && copyOnRead) disk.requests.copyOnRead = 1;
        disk.pause = randomPauses(seed);
        const model = new Model(backing?.slice() ?? new Uint8Array(size));

        const run = ({ kind, from, length, value, flags }: Operation): Promise<void> => {
          const start = from * place;
          // Changes stay inside: the length is changed by truncations only.
          const end = kind === 'read' ? (from + length) * place : Math.min((from + length) * place, size);
          switch (kind) {
            case 'read':
              return model.start(start, end, false, async () => {
                const wanted = model.read(start, end - start);
                expect(Buffer.compare(await disk.read(start, end - start), wanted)).toBe(0);
              });
            case 'write':
              return model.start(start, end, true, async () => {
                const data = new Uint8Array(end - start).fill(value);
                await disk.requests.write(start, data, flags & RequestFlag.fua);
                grow(model, end);
                model.bytes.set(data, start);
              });
            case 'zeroes':
              return model.start(start, end, true, async () => {
                await disk.requests.writeZeroes(start, end - start, flags);
                grow(model, end);
                model.bytes.fill(0, start, end);
              });
            case 'discard':
              return model.start(roundDown(start, alignment), roundUp(end, alignment), true, async () => {
                await disk.requests.discard(start, end - start);
                // This disk makes zeroes of what it may.
                if (options.unmap)
                  model.bytes.fill(
                    0,
                    roundUp(start, alignment),
                    Math.max(roundUp(start, alignment), roundDown(end, alignment)),
                  );
              });
            case 'flush':
              return disk.requests.flush();
            case 'truncate':
              // Nothing would show that a format has to hide what is below a part that comes back.
              if (backing) return Promise.resolve();
              return model.start(0, Number.POSITIVE_INFINITY, true, async () => {
                const length = roundUp(start, block);
                await disk.requests.truncate(length);
                const bytes = new Uint8Array(length);
                bytes.set(model.bytes.subarray(0, length));
                model.bytes = bytes;
              });
          }
        };

        await Promise.all(operations.map(run));
        expect(Buffer.compare(await disk.read(0, 2 * size), model.read(0, 2 * size))).toBe(0);
        expect(disk.requests.tracker.size).toBe(0);
        await disk.requests.flush();
        disk.takeLog();
        await disk.requests.flush();
        expect(disk.log).not.toContain('flush to disk');
      }),
      { numRuns: 1000 },
    );
  });
});

/** A write behind the end makes the disk longer, to the end of its last block. */
function grow(model: Model, end: number): void {
  if (end > model.bytes.length) model.bytes = resized(model.bytes, end);
}
