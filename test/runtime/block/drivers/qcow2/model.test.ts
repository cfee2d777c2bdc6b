import fc from 'fast-check';
import { describe, it } from 'vitest';
import { actions, geometries, ModelledImage } from './model.js';

describe('an image', () => {
  it('reads as it was written, one request after the other', async () => {
    await fc.assert(
      fc.asyncProperty(
        geometries,
        fc.noBias(fc.array(actions, { maxLength: 25, size: 'max' })),
        async (geometry, steps) => {
          const image = await ModelledImage.make(geometry);
          for (const step of steps) {
            await image.run(step);
            await image.compare();
          }
          await image.close();
        },
      ),
      { numRuns: 80, endOnFailure: true },
    );
  });

  it('reads as it was written, many requests at once', async () => {
    await fc.assert(
      fc.asyncProperty(
        geometries,
        fc.noBias(fc.array(fc.array(actions, { maxLength: 12, size: 'max' }), { maxLength: 8, size: 'max' })),
        async (geometry, groups) => {
          const image = await ModelledImage.make(geometry);
          for (const group of groups) {
            await image.run(...group);
            await image.compare();
          }
          await image.close();
        },
      ),
      { numRuns: 80, endOnFailure: true },
    );
  });
});
