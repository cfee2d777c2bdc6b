import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { check } from '../../../../../runtime/block/drivers/qcow2/check/check.js';
import { ioError } from '../../../../../runtime/block/error.js';
import { MemoryChild } from '../../memory-child.js';
import { createImage } from './images.js';
import { actions, geometries, ModelledImage } from './model.js';
import { contents, openOn } from './opened.js';

const groups = fc.noBias(
  fc.array(fc.array(actions, { maxLength: 8, size: 'max' }), { minLength: 1, maxLength: 8, size: 'max' }),
);
const numbers = fc.infiniteStream(fc.noBias(fc.nat(999)));

it('leaves no cluster behind of a table that could not be written, and writes it again', async () => {
  let failed = 0;
  for (let failing = 0; ; failing++) {
    const file = await createImage(96 * 1024, { cluster_size: 512 });
    const { instance } = await openOn(file);
    const end = file.bytes.length;
    let count = 0;
    // The table above it is in the file already: where that could not be written, it may point at the new one all the same.
    file.onRequest = (kind, offset) => {
      if (kind === 'write' && offset >= end && count++ === failing) throw ioError('ENOSPC');
    };
    const data = Buffer.alloc(512, 7);
    const error = await instance.write(40 * 1024, data, 0).catch((caught: unknown) => caught);
    if (count <= failing) break;
    if (error !== undefined) failed++;
    await instance.write(40 * 1024, data, 0);
    await instance.close();
    expect([failing, await check(file)]).toMatchObject([failing, { corruptions: 0, leaks: 0 }]);
  }
  expect(failed).toBe(2);
});

describe('an image on a disk that fails now and then', () => {
  it('an image stays sound while the disk fails, and works on when the disk does', async () => {
    await fc.assert(
      fc.asyncProperty(geometries, groups, numbers, async (geometry, work, stream) => {
        const image = await ModelledImage.make(geometry);
        const { file } = image;
        let failing = true;
        file.onRequest = () => {
          if (failing && (stream.next().value as number) < 60) throw ioError('EIO');
        };
        for (const group of work) {
          const allowed = group.filter(({ kind }) => kind !== 'resize' && kind !== 'reopen' && kind !== 'empty');
          await image.run(...allowed).catch((error: unknown) => expect(error).toMatchObject({ code: 'EIO' }));
        }
        failing = false;
        // A failed request leaves undefined data in its sectors, but they can be written.
        await image.refill();
        await image.compare();
        await image.flush();
        const disk = new MemoryChild(file.bytes.slice());
        if (!geometry.lazy) expect(await check(disk)).toMatchObject({ corruptions: 0, checkErrors: 0 });
        await image.compare();
        await image.abandon();
        const again = await openOn(new MemoryChild(file.bytes.slice()));
        expect(Buffer.compare(await contents(again), image.expected)).toBe(0);
        await again.instance.close();
      }),
      { numRuns: 100, endOnFailure: true },
    );
  });
});
