import { join } from 'node:path';
import fc from 'fast-check';
import { LayerClient } from '../runtime/block/layer-client.js';
import { addSecret, type MadeImage, type Variant } from './interop-images.js';
import { type GuestRequest, guestRequests, JudgedDisk } from './judged-disk.js';
import { NbdClient } from './nbd-client.js';

/** An image that we serve, and two guests that use it. */
export class ServedImage {
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

  /** @param size bytes that the disk is given before it is used */
  async start(size?: number): Promise<void> {
    const { format, encrypted } = this.#variant;
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
        ...(encrypted ? { encrypt: { format: 'luks', 'key-secret': 'key' } } : {}),
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

/** Something that is done to an image. */
export type Step = fc.AsyncCommand<object, ServedImage, true>;

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

/** Things that are done to an image, in turn. */
export function stepsFor({ format, size, unit }: Variant): fc.Arbitrary<Iterable<Step>> {
  const batch = fc
    .array(guestRequests(size, unit), { minLength: 1, maxLength: 12 })
    .map((list): Step => new Batch(list));
  const steps = [batch, batch, batch, fc.constant<Step>(new Compare()), fc.constant<Step>(new Reopen())];
  // The new end of a longer luks volume has undefined contents. Most formats have one size.
  if (format === 'qcow2' || format === 'raw') {
    const sectors = fc.integer({ min: 1, max: Math.ceil((size * 1.5) / 512) });
    steps.push(sectors.map((count): Step => new Resize(count * 512)));
  }
  return fc.commands(steps, { maxCommands: 12, size: 'max' });
}
