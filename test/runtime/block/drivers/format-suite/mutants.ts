import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { BlockDriver, Child } from '../../../../../runtime/block/driver.js';
import { BlockError, ioError } from '../../../../../runtime/block/error.js';
import { largestSize } from '../../../../../runtime/block/limits.js';
import { MemoryChild } from '../../memory-child.js';
import { type Opening, openOn } from './on-children.js';

/** `QAPI_FORMAT_MUTANTS` is for many more. */
const runs = Number(process.env.QAPI_FORMAT_MUTANTS ?? 200);
const mebi = 2 ** 20;
/** More requests than such an image is worth, and more bytes. */
const requestBudget = 20_000;
const byteBudget = 256 * mebi;

/** Fails the test when what is done to it is out of bounds: these errors are no BlockErrors. */
class GuardedChild extends MemoryChild {
  requests = 0;
  moved = 0;

  constructor(bytes: Uint8Array, room: number) {
    super(bytes.slice());
    const longest = bytes.length + room;
    this.onRequest = (kind, offset, length) => {
      this.requests++;
      this.moved += length;
      if (this.requests > requestBudget) throw new Error('too many requests');
      if (this.moved > byteBudget) throw new Error('too many bytes');
      if (!(offset >= 0)) throw new Error(`no such place: ${offset}`);
      if (offset + length > largestSize) throw ioError('EINVAL');
      // An image may say that something of it is far away.
      if (kind !== 'read' && offset + length > longest) throw ioError('EFBIG');
    };
  }

  /** Zeroes cost nothing, however many. */
  override async writeZeroes(offset: number, length: number): Promise<void> {
    this.onRequest('write', offset, 0);
    if (offset + length > this.bytes.length + 256 * mebi) throw ioError('EFBIG');
    await super.writeZeroes(offset, length);
  }
}

/** What is damaged. */
export interface Subject {
  readonly driver: BlockDriver;
  /** A sound image with a bit of everything. */
  readonly make: () => Promise<Uint8Array>;
  /** The parts of the file with metadata: offset and length. */
  readonly metadata: (image: Uint8Array) => readonly (readonly [offset: number, length: number])[];
  readonly opening?: () => Opening;
  /** The image is large, and fewer mutants are tried. */
  readonly large?: true;
  /** Bytes by which the file may grow. Default: 64 MiB. */
  readonly room?: number;
}

/** Awaits something that may fail as damaged images make it fail, but not otherwise. */
async function survive<Result>(attempt: Promise<Result> | undefined): Promise<Result | undefined> {
  try {
    return await attempt;
  } catch (error) {
    if (error instanceof BlockError) return undefined;
    throw error;
  }
}

async function use(subject: Subject, file: Child, readOnly: boolean): Promise<void> {
  const opening = subject.opening?.() ?? {};
  const instance = await survive(openOn(subject.driver, file, { ...opening, flags: { readOnly } }));
  if (instance === undefined) return;
  const { length } = instance;
  expect(Number.isSafeInteger(length)).toBe(true);
  const places = [0, 4096, 65_536, Math.floor(length / 1024) * 512, length - 1024].filter(
    (place) => place >= 0 && place % 512 === 0 && place + 1024 <= length,
  );
  for (const place of places) {
    await survive(instance.read(place, new Uint8Array(1024), 0));
    await survive(instance.blockStatus?.(place, 1024));
  }
  if (!readOnly && !instance.forcesReadOnly) {
    const data = new Uint8Array(1024).fill(0xd5);
    await Promise.all(places.map((place) => survive(instance.write?.(place, data, 0))));
    for (const place of places) {
      await survive(instance.writeZeroes?.(place, 512, 0));
      await survive(instance.write?.(place + 512, data.subarray(512), 0));
    }
    await survive(instance.writeCompressed?.(0, new Uint8Array(Math.min(length, instance.info?.clusterSize ?? 512))));
    await survive(instance.flushToOs?.());
    await survive(instance.truncate?.(length + 64 * 1024));
  }
  instance.specificInfo?.();
  await survive(instance.close());
}

/** Tries out that damaged images fail, or read as something, in bounded time and memory. */
export function bearsDamage(title: string, subject: Subject): void {
  const mutations = fc.array(
    fc.record({
      place: fc.nat(2 ** 20),
      value: fc.oneof(fc.constantFrom(0, 1, 2, 0x10, 0x40, 0x80, 0xfe, 0xff), fc.nat(255)),
      wide: fc.boolean(),
    }),
    { minLength: 1, maxLength: 8 },
  );
  it(
    `${title} that is damaged fails or reads as something, without end or harm`,
    async () => {
      const image = await subject.make();
      const places = subject
        .metadata(image)
        .flatMap(([offset, length]) => Array.from({ length }, (_, index) => offset + index));
      await fc.assert(
        fc.asyncProperty(mutations, fc.boolean(), async (list, readOnly) => {
          const bytes = image.slice();
          for (const { place, value, wide } of list) {
            const at = places[place % places.length] ?? 0;
            bytes.fill(value, at, Math.min(bytes.length, wide ? at + 4 : at + 1));
          }
          await use(subject, new GuardedChild(bytes, subject.room ?? 64 * mebi), readOnly);
        }),
        { numRuns: subject.large ? Math.ceil(runs / 5) : runs },
      );
    },
    30_000 + runs * 20,
  );
  it(`${title} that ends early fails or reads as something, without end or harm`, async () => {
    const image = await subject.make();
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean(), async (part, readOnly) => {
        const [[offset, length] = [0, 512]] = subject.metadata(image).slice(-1);
        const end = part < 0.5 ? image.length * part * 2 : (offset + length) * (part - 0.5) * 2;
        await use(subject, new GuardedChild(image.slice(0, end), subject.room ?? 64 * mebi), readOnly);
      }),
      { numRuns: Math.ceil(runs / 4) },
    );
  }, 60_000);
}
