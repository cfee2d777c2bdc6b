import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Child } from '../../../../../runtime/block/driver.js';
import { BlockError } from '../../../../../runtime/block/error.js';
import { createImage } from '../../../../../runtime/block/graph/create.js';
import type { RootOwner } from '../../../../../runtime/block/graph/node.js';
import { BlockOptions } from '../../../../../runtime/block/options.js';
import { LayerClient } from '../../layer-client.js';
import { makeBochs, makeCloop, makeDmg } from '../format-suite/read-only-images.js';
import { type HostileImage, hostileImages } from './corpus.js';

const MiB = 2 ** 20;
const outer = mkdtempSync(join(tmpdir(), 'qapi-ts-hostile-'));
const folder = join(outer, 'images/here');
mkdirSync(folder, { recursive: true });
/** Nothing may read or write it. */
const outside = join(outer, 'outside');
writeFileSync(outside, Buffer.alloc(MiB, 'secret'));
afterAll(() => rmSync(outer, { recursive: true }));

const owner: RootOwner = { name: '', drainBegin: async () => {}, drainEnd: () => {} };
const contents = Buffer.alloc(MiB);
for (let at = 0; at < 300_000; at++) contents[at] = (at * at) >> 7;

/** A layer that may use the folder only. */
function layer(): LayerClient {
  return new LayerClient({
    authorize: async (path) => {
      if (dirname(path) !== folder) throw new BlockError(`'${path}' is not allowed`, { code: 'EACCES' });
    },
  });
}

async function use(
  path: string,
  format: string,
  readOnly: boolean,
  action: (disk: Child) => Promise<void>,
): Promise<void> {
  await using client = layer();
  const { graph } = client.layer;
  const options = { driver: format, 'read-only': readOnly, file: { driver: 'file', filename: path } };
  const root = await graph.attachRoot(await graph.open({ options: BlockOptions.flatten(options) }), owner);
  try {
    await action(root);
  } finally {
    await graph.detachRoot(root);
  }
}

async function makeSound({ format, options = {}, text }: HostileImage, path: string): Promise<void> {
  const make = { bochs: makeBochs, cloop: makeCloop, dmg: makeDmg }[format];
  if (text !== undefined) writeFileSync(path, text, 'latin1');
  else if (make !== undefined) writeFileSync(path, make(contents));
  else {
    await using client = layer();
    await createImage(client.layer.graph, {
      ...{ format, filename: path, size: MiB },
      options: BlockOptions.flatten(options),
    });
    await use(path, format, false, (disk) => disk.write(0, contents.subarray(0, 65_536)));
  }
}

function spoil(image: Buffer, { put = [], cut = image.length }: HostileImage): Buffer {
  for (const [place, kind, value] of put) {
    const at = place < 0 ? image.length + place : place;
    if (kind === 'text') image.write(value, at, 'latin1');
    else if (kind === 'u64') image.writeBigUInt64LE(BigInt(value), at);
    else if (kind === 'U64') image.writeBigUInt64BE(BigInt(value), at);
    else {
      const method = {
        u16: 'writeUInt16LE',
        u32: 'writeUInt32LE',
        U16: 'writeUInt16BE',
        U32: 'writeUInt32BE',
      } as const;
      image[method[kind]](Number(value), at);
    }
  }
  return image.subarray(0, cut);
}

async function readAll(disk: Child): Promise<void> {
  const { length } = disk.node;
  for (const at of [0, Math.max(0, length - MiB)]) await disk.read(at, Buffer.alloc(Math.min(MiB, length - at)));
  await disk.blockStatus(0, length);
}

describe('hostile images', () => {
  it.each(hostileImages.map((image) => [image.format, image.what, image] as const))(
    'an image in format %s with %s fails as it should, and nothing else is touched',
    async (format, _what, image) => {
      const path = join(folder, `image.${format}`);
      await makeSound(image, path);
      writeFileSync(path, spoil(readFileSync(path), image));
      const before = process.memoryUsage().arrayBuffers;
      for (const readOnly of [true, false]) {
        const attempt = use(path, format, readOnly, readAll).then(
          () => 'reads',
          (error: unknown) => {
            if (!(error instanceof BlockError)) throw error;
            return error.message.replaceAll(`${folder}/`, '');
          },
        );
        const outcome = await attempt;
        // Writing to an image looks at more of it, and locks the files that it names.
        const cannotWrite = /cannot be written|Failed to get/;
        if (readOnly || !cannotWrite.test(outcome)) expect(outcome).toContain(image.fails ?? 'reads');
      }
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(256 * MiB);
      expect(readFileSync(outside).equals(Buffer.alloc(MiB, 'secret'))).toBe(true);
      rmSync(path);
    },
    30_000,
  );
});
