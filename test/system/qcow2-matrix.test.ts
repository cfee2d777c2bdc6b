import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createImage } from '../../runtime/block/graph/create.js';
import type { BlockNode } from '../../runtime/block/graph/node.js';
import { BlockOptions } from '../../runtime/block/options.js';
import { RequestFlag } from '../../runtime/block/request-flag.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms, seed } from './programs.js';

const run = promisify(execFile);
const KiB = 1024;
const MiB = KiB * KiB;

/** A kind of image: each value of each option occurs, and most pairs. */
interface Variant {
  readonly compat: '0.10' | '1.1';
  readonly clusterSize: number;
  readonly refcountBits?: number;
  readonly lazy?: true;
  readonly compressed?: true;
}

const variants: readonly Variant[] = [
  { compat: '0.10', clusterSize: 512 },
  { compat: '0.10', clusterSize: 64 * KiB },
  { compat: '0.10', clusterSize: 4 * KiB, compressed: true },
  { compat: '0.10', clusterSize: 2 * MiB },
  { compat: '1.1', clusterSize: 512, refcountBits: 1, lazy: true },
  { compat: '1.1', clusterSize: 512, refcountBits: 64, compressed: true },
  { compat: '1.1', clusterSize: KiB, refcountBits: 2 },
  { compat: '1.1', clusterSize: 2 * KiB, refcountBits: 4, compressed: true },
  { compat: '1.1', clusterSize: 4 * KiB, refcountBits: 8, lazy: true },
  { compat: '1.1', clusterSize: 8 * KiB, refcountBits: 16, lazy: true, compressed: true },
  { compat: '1.1', clusterSize: 16 * KiB, refcountBits: 32 },
  { compat: '1.1', clusterSize: 32 * KiB, refcountBits: 64, lazy: true },
  { compat: '1.1', clusterSize: 64 * KiB, compressed: true },
  { compat: '1.1', clusterSize: 64 * KiB, refcountBits: 1 },
  { compat: '1.1', clusterSize: 128 * KiB, refcountBits: 8, compressed: true },
  { compat: '1.1', clusterSize: 512 * KiB, refcountBits: 2, lazy: true },
  { compat: '1.1', clusterSize: MiB, refcountBits: 4 },
  { compat: '1.1', clusterSize: 2 * MiB, refcountBits: 64, compressed: true },
  { compat: '1.1', clusterSize: 2 * MiB, lazy: true },
];

interface Change {
  readonly kind: 'write' | 'zeroes' | 'discard' | 'compressed';
  /** Parts of the disk. */
  readonly at: number;
  readonly length: number;
}

const changes: fc.Arbitrary<readonly Change[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(
      'write' as const,
      'write' as const,
      'write' as const,
      'zeroes' as const,
      'compressed' as const,
    ),
    at: fc.nat({ max: 9999 }).map((part) => part / 10_000),
    length: fc.nat({ max: 800 }).map((part) => part / 10_000),
  }),
  { minLength: 6, maxLength: 14 },
);

/** A disk that has a bit more than whole clusters, and more than one table where clusters are small. */
function diskSize({ clusterSize }: Variant): number {
  return Math.max(MiB, Math.min(64 * clusterSize, 7 * MiB)) + 3 * 512;
}

function createOptions({ compat, clusterSize, refcountBits = 16, lazy }: Variant): { readonly [name: string]: string } {
  return {
    compat,
    cluster_size: `${clusterSize}`,
    ...(refcountBits === 16 ? {} : { refcount_bits: `${refcountBits}` }),
    ...(lazy ? { lazy_refcounts: 'on' } : {}),
  };
}

/** The bytes of one change: text, so that they can be compressed, which differs from place to place. */
function pattern(mark: number, offset: number, length: number): Buffer {
  const data = Buffer.alloc(length, `${mark}:`);
  for (let at = 0; at < length; at += 512) data.write(`@${offset + at}`, at);
  return data;
}

/** Where a change is, in bytes. Compressed clusters are written whole. */
function placeOf(change: Change, { clusterSize }: Variant, size: number): { offset: number; length: number } {
  const unit = change.kind === 'compressed' ? clusterSize : 512;
  const offset = Math.floor((change.at * size) / unit) * unit;
  const length = Math.max(unit, Math.round((change.length * size) / unit) * unit);
  return { offset, length: Math.min(change.kind === 'compressed' ? clusterSize : length, size - offset) };
}

/** Makes changes, side by side where they do not meet. */
async function applyAll(node: BlockNode, script: readonly Change[], variant: Variant, mark: number, model: Buffer) {
  let begun: { place: { offset: number; length: number }; done: Promise<void> }[] = [];
  for (const [index, change] of script.entries()) {
    const place = placeOf(change, variant, model.length);
    const meets = begun.some(
      (other) =>
        place.offset < other.place.offset + other.place.length && other.place.offset < place.offset + place.length,
    );
    if (meets) {
      await Promise.all(begun.map(({ done }) => done));
      begun = [];
    }
    begun.push({ place, done: apply(node, change, variant, mark + index, model) });
  }
  await Promise.all(begun.map(({ done }) => done));
}

/** Puts a change into the model of a disk, and makes it. */
async function apply(node: BlockNode, change: Change, variant: Variant, mark: number, model: Buffer): Promise<void> {
  const { offset, length } = placeOf(change, variant, model.length);
  if (change.kind === 'zeroes') {
    model.fill(0, offset, offset + length);
    return node.requests.writeZeroes(offset, length);
  }
  const data = pattern(mark, offset, length);
  data.copy(model, offset);
  const compressed = change.kind === 'compressed' && variant.compressed;
  return node.requests.write(offset, data, compressed ? RequestFlag.compressed : 0);
}

async function openTop(client: LayerClient, path: string, readOnly: boolean): Promise<BlockNode> {
  const file = { driver: 'file', filename: path };
  const options = { 'node-name': 'top', driver: 'qcow2', 'read-only': readOnly, file };
  await client.execute('blockdev-add', { options });
  return client.layer.graph.namedNode('top');
}

async function readAll(node: BlockNode): Promise<Buffer> {
  const all = Buffer.alloc(node.length);
  // Side by side, and across clusters.
  const piece = 192 * KiB + 512;
  const reads: Promise<void>[] = [];
  for (let at = 0; at < all.length; at += piece) reads.push(node.requests.read(at, all.subarray(at, at + piece)));
  await Promise.all(reads);
  return all;
}

describeWithPrograms('qcow2 images of all kinds', ['qemu-img', 'qemu-io'], () => {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-qcow2-matrix-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const layers = ['base', 'middle', 'top'] as const;
  const path = (name: string) => join(folder, `${name}.qcow2`);

  describe.each(variants)('%j', (variant) => {
    const size = diskSize(variant);

    it('qemu-img finds images that we write sound, and reads them equal', { timeout: 60_000 }, async () => {
      const property = fc.asyncProperty(fc.tuple(changes, changes, changes), async (scripts) => {
        const model = Buffer.alloc(size);
        for (const [depth, name] of layers.entries()) {
          await using client = new LayerClient();
          const below = layers[depth - 1];
          await createImage(client.layer.graph, {
            format: 'qcow2',
            filename: path(name),
            size,
            options: new BlockOptions(Object.entries(createOptions(variant))),
            ...(below === undefined ? {} : { backing: { name: `${below}.qcow2`, format: 'qcow2' } }),
          });
          const node = await openTop(client, path(name), false);
          await applyAll(node, scripts[depth] ?? [], variant, depth * 100, model);
          await node.requests.flush();
          expect((await readAll(node)).equals(model)).toBe(true);
        }
        for (const name of layers) await run('qemu-img', ['check', '-f', 'qcow2', path(name)]);
        writeFileSync(path('model'), model);
        await run('qemu-img', ['compare', '-f', 'qcow2', '-F', 'raw', path('top'), path('model')]);
      });
      await fc.assert(property, { seed, numRuns: 2, endOnFailure: true });
    });

    it('reads images that qemu-io has written equal', { timeout: 60_000 }, async () => {
      const property = fc.asyncProperty(fc.tuple(changes, changes, changes), async (scripts) => {
        const options = Object.entries(createOptions(variant)).map(([name, value]) => `${name}=${value}`);
        for (const [depth, name] of layers.entries()) {
          const below = layers[depth - 1];
          const backing = below === undefined ? [] : ['-b', path(below), '-F', 'qcow2'];
          await run('qemu-img', ['create', '-f', 'qcow2', '-o', options.join(), ...backing, path(name), `${size}`]);
          const commands = (scripts[depth] ?? []).map((change, index) => {
            const { offset, length } = placeOf(change, variant, size);
            if (change.kind === 'zeroes') return `write -z ${offset} ${length}`;
            const flags = change.kind === 'compressed' && variant.compressed ? '-c ' : '';
            return `write ${flags}-P ${1 + index + depth * 20} ${offset} ${length}`;
          });
          // It does not write compressed over clusters that have a place, says so in the end, and does the rest.
          const done = run('qemu-io', ['-f', 'qcow2', ...commands.flatMap((command) => ['-c', command]), path(name)]);
          await done.catch((error: { stdout: string; stderr: string }) => {
            if (!/Input\/output error/.test(error.stdout + error.stderr)) throw error;
          });
        }
        await run('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', path('top'), path('model')]);
        await using client = new LayerClient();
        const node = await openTop(client, path('top'), true);
        expect((await readAll(node)).equals(readFileSync(path('model')))).toBe(true);
      });
      await fc.assert(property, { seed, numRuns: 2, endOnFailure: true });
    });
  });
});
