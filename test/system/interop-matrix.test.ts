import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LayerClient } from '../runtime/block/layer-client.js';
import { randomFrom } from '../runtime/block/random-from.js';
import { addSecret, imageOptions, type MadeImage, makeImage, run, secret, type Variant } from './interop-images.js';
import { interopPage } from './interop-page.js';
import { variants } from './interop-variants.js';
import { type GuestRequest, guestRequests, JudgedDisk } from './judged-disk.js';
import { NbdClient } from './nbd-client.js';
import { describeWithPrograms } from './programs.js';

/** `QAPI_INTEROP_SEED` repeats what a failure has printed, `QAPI_INTEROP_RUNS` multiplies the work. */
const seed = Number(process.env.QAPI_INTEROP_SEED ?? Date.now() % 2 ** 31);
const runs = Number(process.env.QAPI_INTEROP_RUNS ?? 1);
const page = join(import.meta.dirname, '../../docs/interoperability.md');

/** An image that we serve, and two guests that use it. */
class ServedImage {
  readonly #client: LayerClient;
  readonly #variant: Variant;
  readonly #path: string;
  readonly #socket: string;
  readonly #behind: Buffer;
  readonly #random: (limit: number) => number;
  #guests: NbdClient[] = [];
  disk: JudgedDisk;

  constructor(folder: string, variant: Variant, image: MadeImage, random: (limit: number) => number) {
    this.#client = new LayerClient();
    this.#variant = variant;
    this.#path = image.path;
    this.#socket = join(folder, 'socket');
    this.#behind = image.behind;
    this.#random = random;
    this.disk = new JudgedDisk([], Buffer.from(image.contents), image.behind);
  }

  /** @param size bytes that the disk is given before anybody uses it */
  async start(size?: number): Promise<void> {
    const { format } = this.#variant;
    const smallCaches = { 'l2-cache-size': 1, 'refcount-cache-size': 1 };
    await addSecret(this.#client);
    await this.#client.execute('blockdev-add', {
      options: {
        driver: format,
        'node-name': 'disk',
        file: { driver: 'file', filename: this.#path },
        ...(this.#random(2) === 0 ? { discard: 'unmap' } : {}),
        ...(this.#random(4) === 0 ? { 'detect-zeroes': 'on' } : {}),
        ...(format === 'luks' ? { 'key-secret': 'key' } : {}),
        ...(format === 'qcow2' && this.#random(2) === 0 ? smallCaches : {}),
      },
    });
    if (size !== undefined) await this.#client.execute('block_resize', { 'node-name': 'disk', size });
    await this.#client.execute('nbd-server-start', { addr: { type: 'unix', data: { path: this.#socket } } });
    await this.#client.execute('nbd-server-add', { device: 'disk', writable: true });
    this.#guests = [await NbdClient.connect(this.#socket, 'disk'), await NbdClient.connect(this.#socket, 'disk')];
    const expected = Buffer.alloc(size ?? this.disk.size);
    this.disk.expected.copy(expected);
    this.disk = new JudgedDisk(this.#guests, expected, this.#behind, 1 + this.#random(2 ** 30));
  }

  async stop(): Promise<void> {
    for (const guest of this.#guests) await guest.close();
    await this.#client.execute('nbd-server-stop');
    await this.#client.execute('x-blockdev-del', { 'node-name': 'disk' });
    await this.#client.execute('object-del', { id: 'key' });
  }

  /** After whatever has happened. */
  async discard(): Promise<void> {
    await this.#client.layer.close();
  }
}

type Step = fc.AsyncCommand<object, ServedImage, true>;

const always = (): Promise<boolean> => Promise.resolve(true);

class Batch implements Step {
  readonly #requests: readonly GuestRequest[];

  constructor(requests: readonly GuestRequest[]) {
    this.#requests = requests;
  }

  check = always;

  run(_: object, image: ServedImage): Promise<void> {
    return image.disk.run(this.#requests);
  }

  toString(): string {
    return `batch ${JSON.stringify(this.#requests)}`;
  }
}

/** Reads all of it, and compares. */
class Compare implements Step {
  check = always;

  run(_: object, image: ServedImage): Promise<void> {
    return image.disk.compare();
  }

  toString = () => 'compare';
}

/** Closes the image, and serves it once more. */
class Reopen implements Step {
  check = always;

  async run(_: object, image: ServedImage): Promise<void> {
    await image.stop();
    await image.start();
  }

  toString = () => 'reopen';
}

/** Closes the image, and serves it once more with another size. */
class Resize implements Step {
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  check = always;

  async run(_: object, image: ServedImage): Promise<void> {
    await image.stop();
    await image.start(this.#size);
  }

  toString(): string {
    return `resize ${this.#size}`;
  }
}

function stepsFor({ format, size, unit }: Variant): fc.Arbitrary<Iterable<Step>> {
  const batch = fc
    .array(guestRequests(size, unit), { minLength: 1, maxLength: 12 })
    .map((list): Step => new Batch(list));
  const steps = [batch, batch, batch, fc.constant<Step>(new Compare()), fc.constant<Step>(new Reopen())];
  // What a longer luks volume has at its end is anybody's guess.
  if (format !== 'luks') {
    const sectors = fc.integer({ min: 1, max: Math.ceil((size * 1.5) / 512) });
    steps.push(sectors.map((count): Step => new Resize(count * 512)));
  }
  return fc.commands(steps, { maxCommands: 12, size: 'max' });
}

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
    const target = imageOptions(variant.format, made.path);
    if (variant.format === 'qcow2') {
      const { stdout } = await run('qemu-img', ['check', '-f', 'qcow2', made.path]);
      if (!stdout.startsWith('No errors were found on the image.')) throw new Error(stdout);
    }
    await run('qemu-img', ['compare', ...secret, '--image-opts', target, imageOptions('raw', expected)]);
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
          { numRuns: runs, seed: (seed + index) | 0, interruptAfterTimeLimit: 25_000 + runs * 5000 },
        );
      },
      60_000 + runs * 10_000,
    );
  }

  it('are those that the documentation lists', async () => {
    const text = interopPage(variants);
    if (process.env.QAPI_INTEROP_WRITE === '1') await writeFile(page, text);
    expect(await readFile(page, 'utf8')).toBe(text);
  });
});

function titleOf({ format, options, maker, filler, backing, size }: Variant): string {
  const list = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  return [format, size, ...list, `by ${maker}, filled by ${filler}, ${backing} below`].join(' ');
}
