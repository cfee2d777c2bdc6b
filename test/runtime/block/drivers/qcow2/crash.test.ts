import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { check } from '../../../../../runtime/block/drivers/qcow2/check/check.js';
import { repair } from '../../../../../runtime/block/drivers/qcow2/check/repair.js';
import { IncompatibleFeature, readHeader } from '../../../../../runtime/block/drivers/qcow2/format/header.js';
import { MemoryChild } from '../../memory-child.js';
import { afterCrash } from './crash.js';
import { type Action, actions, geometries, ModelledImage } from './model.js';
import { contents, openOn } from './opened.js';

/** A moment at which everything had been flushed, and what was done up to the next. */
interface Moment {
  /** How many steps the file had seen. */
  readonly steps: number;
  readonly expected: Buffer;
  /** The sectors that were changed from then on, and how many steps the file had seen when that began. */
  readonly later: { readonly steps: number; readonly sectors: ReadonlySet<number> }[];
}

const groups = fc.noBias(
  fc.array(fc.array(actions, { maxLength: 8, size: 'max' }), { minLength: 1, maxLength: 8, size: 'max' }),
);
const numbers = fc.infiniteStream(fc.noBias(fc.nat(999)).map((number) => number / 1000));

/** Works on an image, with flushes now and then, and remembers what must survive. */
async function workOn(
  image: ModelledImage,
  work: readonly (readonly Action[])[],
  random: () => number,
): Promise<Moment[]> {
  const { steps } = image.file;
  let last: Moment = { steps: 0, expected: Buffer.from(image.expected), later: [] };
  const moments = [last];
  for (const group of work) {
    image.touched.clear();
    const began = steps.length;
    await image.run(...group.filter(({ kind }) => kind !== 'resize' && kind !== 'empty'));
    last.later.push({ steps: began, sectors: new Set(image.touched) });
    if (random() < 0.4) continue;
    await image.flush();
    last = { steps: steps.length, expected: Buffer.from(image.expected), later: [] };
    moments.push(last);
  }
  return moments;
}

/** @throws when a sector that was safe at that moment and untouched since holds anything else */
function checkSafe({ expected, later }: Moment, found: Buffer, end: number): void {
  const touched = new Set(later.filter(({ steps }) => steps <= end).flatMap(({ sectors }) => [...sectors]));
  for (let sector = 0; sector * 512 < expected.length; sector++) {
    if (touched.has(sector)) continue;
    const [from, to] = [sector * 512, sector * 512 + 512];
    if (Buffer.compare(found.subarray(from, to), expected.subarray(from, to)) !== 0) {
      throw new Error(`sector ${sector} has lost what was flushed`);
    }
  }
}

describe('an image after a crash', () => {
  it('a crash costs no more than space, and nothing that was flushed', async () => {
    await fc.assert(
      fc.asyncProperty(geometries, groups, numbers, async (geometry, work, stream) => {
        const random = () => stream.next().value as number;
        const image = await ModelledImage.make(geometry);
        const before = image.file.bytes.slice();
        const { steps } = image.file;
        steps.length = 0;
        const moments = await workOn(image, work, random);
        for (let cut = 0; cut < 12; cut++) {
          const end = Math.floor(random() * (steps.length + 1));
          const disk = new MemoryChild(afterCrash(before, steps, end, random));
          const dirty = ((await readHeader(disk)).incompatible & IncompatibleFeature.dirty) !== 0;
          const state = dirty ? await repair(disk, 'all') : await check(disk);
          expect(state).toMatchObject({ corruptions: 0, checkErrors: 0 });
          const moment = moments.findLast(({ steps: count }) => count <= end);
          if (moment === undefined) throw new Error('the beginning is a moment, too');
          const opened = await openOn(disk, {
            ...(image.backing === undefined ? {} : { backing: image.backing }),
            flags: { readOnly: true },
          });
          checkSafe(moment, await contents(opened), end);
        }
      }),
      { numRuns: 100, endOnFailure: true },
    );
  });
});
