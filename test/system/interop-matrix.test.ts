import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { randomFrom } from '../runtime/block/random-from.js';
import { imageOptions, makeImage, run, secret, type Variant } from './interop-images.js';
import { imagesPage, interopPage } from './interop-page.js';
import { ServedImage, type Step, stepsFor } from './interop-steps.js';
import { variants } from './interop-variants.js';
import { describeWithPrograms, seed } from './programs.js';

/** `QAPI_INTEROP_RUNS` multiplies the work. */
const runs = Number(process.env.QAPI_INTEROP_RUNS ?? 1);
/** Formats that `qemu-img check` knows. */
const checked = new Set(['parallels', 'qcow2', 'qed', 'vdi', 'vhdx', 'vmdk']);
const docs = join(import.meta.dirname, '../../docs');

/** Makes an image, lets guests loose on it, and asks the real tools what they think of it. */
async function tryOut(variant: Variant, steps: Iterable<Step>, start: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'interop-'));
  const next = randomFrom(start);
  const random = (limit: number): number => Math.floor(next() * limit);
  try {
    const made = await makeImage(folder, variant, random);
    const below = await Promise.all(made.below.map((path) => readFile(path)));
    const image = new ServedImage(folder, variant, made, random);
    try {
      await image.start();
      await image.disk.compare();
      await fc.asyncModelRun(() => ({ model: {}, real: image }), steps);
      await image.disk.compare();
      await image.stop();
    } finally {
      await image.discard();
    }
    const expected = join(folder, 'expected');
    await writeFile(expected, image.disk.expected);
    const target = imageOptions({ ...variant, path: made.path });
    if (checked.has(variant.format)) {
      const { stdout } = await run('qemu-img', ['check', ...secret, '--image-opts', target]);
      if (!stdout.startsWith('No errors were found on the image.')) throw new Error(stdout);
    }
    await run('qemu-img', [
      'compare',
      ...secret,
      '--image-opts',
      target,
      imageOptions({ format: 'raw', path: expected }),
    ]);
    for (const [index, path] of made.below.entries()) {
      if (!(await readFile(path)).equals(below[index] ?? Buffer.alloc(0))) throw new Error(`${path} was written`);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

describeWithPrograms('images made, filled, checked and compared by the real tools', ['qemu-img', 'qemu-io'], () => {
  for (const [index, variant] of variants.entries()) {
    it(
      `${index}: ${titleOf(variant)}`,
      async () => {
        await fc.assert(
          fc.asyncProperty(stepsFor(variant), fc.nat(), (steps, start) => tryOut(variant, steps, start)),
          { numRuns: runs, seed: seed + index, interruptAfterTimeLimit: 25_000 + runs * 5000 },
        );
      },
      60_000 + runs * 10_000,
    );
  }
});

it.each([
  ['interoperability.md', interopPage],
  ['interoperability-images.md', imagesPage],
])('docs/%s describes the images that are tried', async (name, print) => {
  const text = print(variants);
  if (process.env.QAPI_INTEROP_WRITE === '1') await writeFile(join(docs, name), text);
  expect(await readFile(join(docs, name), 'utf8')).toBe(text);
});

function titleOf({ format, options, maker, filler, backing, size, encrypted }: Variant): string {
  const list = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  if (encrypted) list.push('encrypted');
  return [format, size, ...list, `by ${maker}, filled by ${filler}, ${backing} below`].join(' ');
}
