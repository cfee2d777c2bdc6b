import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { check } from '../../runtime/block/drivers/qcow2/check/check.js';
import { repair } from '../../runtime/block/drivers/qcow2/check/repair.js';
import type { CheckResult } from '../../runtime/block/drivers/qcow2/check/report.js';
import { IncompatibleFeature, readHeader } from '../../runtime/block/drivers/qcow2/format/header.js';
import { BlockError } from '../../runtime/block/error.js';
import { Damager, damages } from '../runtime/block/drivers/qcow2/damage.js';
import { MemoryChild } from '../runtime/block/memory-child.js';
import { describeWithPrograms, seed } from './programs.js';

interface Outcome {
  readonly status: number;
  readonly json: { readonly [name: string]: number };
  readonly stderr: string;
}

function run(program: string, ...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(program, args, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

async function qemuCheck(path: string, ...args: string[]): Promise<Outcome> {
  const { status, stdout, stderr } = await run('qemu-img', 'check', '-f', 'qcow2', '--output=json', ...args, path);
  return { status, stderr, json: stdout === '' ? {} : JSON.parse(stdout) };
}

function figuresOf({ json: { filename: _, format: __, ...figures } }: Outcome): object {
  return figures;
}

/** Our result in the real tool's words, which leaves out what is 0. */
function inWords(result: CheckResult): object {
  const words = {
    'check-errors': result.checkErrors,
    corruptions: result.corruptions,
    leaks: result.leaks,
    'total-clusters': result.totalClusters,
    'allocated-clusters': result.allocatedClusters,
    'fragmented-clusters': result.fragmentedClusters,
    'compressed-clusters': result.compressedClusters,
    'image-end-offset': result.imageEndOffset,
  };
  return Object.fromEntries(Object.entries(words).filter(([name, value]) => value !== 0 || name === 'check-errors'));
}

const variants = [
  { title: 'defaults', options: 'cluster_size=64k' },
  { title: 'version 2', options: 'compat=0.10,cluster_size=4k' },
  { title: 'small clusters, wide refcounts', options: 'cluster_size=512,refcount_bits=64' },
  { title: 'refcounts of one bit', options: 'cluster_size=4k,refcount_bits=1', noSnapshots: true },
  { title: 'refcounts of two bits', options: 'cluster_size=2k,refcount_bits=2' },
];

/** A byte of metadata, by its number, and its new value: one that means something to many fields, or any. */
const mutation = fc.record({
  place: fc.nat({ max: 2 ** 20 }),
  value: fc.oneof(fc.constantFrom(0, 1, 2, 0x40, 0x80, 0xc0, 0xff), fc.nat({ max: 255 })),
});

describeWithPrograms('Checking qcow2 images', ['qemu-img', 'qemu-io'], () => {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-qcow2-check-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  describe.each(variants)('$title', ({ options, noSnapshots }) => {
    const path = join(folder, 'image.qcow2');
    let sound: Uint8Array;

    beforeAll(async () => {
      await run('qemu-img', 'create', '-f', 'qcow2', '-o', options, path, '8M');
      const writes = ['write -P 1 0 200k', 'write -P 2 3M 10k', 'write -z 1M 128k', 'write -c -P 3 4M 64k'];
      await run('qemu-io', ...writes.flatMap((command) => ['-c', command]), path);
      if (!noSnapshots) await run('qemu-img', 'snapshot', '-c', 'one', path);
      await run('qemu-io', '-c', 'write -P 4 0 70k', '-c', 'write -P 5 6M 100k', path);
      sound = new Uint8Array(readFileSync(path));
    });

    it.each(damages)('finds what qemu-img finds: $name', async ({ inflict, rebuild, largeClusters }) => {
      if (largeClusters && options.includes('=512')) return;
      const bytes = sound.slice();
      inflict(await Damager.of(bytes));
      writeFileSync(path, bytes);
      const theirs = await qemuCheck(path);
      const file = new MemoryChild(bytes.slice());
      const ours = await check(file);
      expect(inWords(ours), theirs.stderr).toEqual(figuresOf(theirs));
      expect(file.steps).toEqual([]);

      const leaksFile = new MemoryChild(bytes.slice());
      if (rebuild) await expect(repair(leaksFile, 'leaks')).rejects.toThrow('must be rebuilt');
      else {
        const repaired = await repair(leaksFile, 'leaks');
        writeFileSync(path, bytes);
        const theirsRepaired = await qemuCheck(path, '-r', 'leaks');
        expect(repaired.leaks).toBe(theirsRepaired.json.leaks ?? 0);
        expect(repaired.corruptions).toBe(theirsRepaired.json.corruptions ?? 0);
        writeFileSync(path, leaksFile.bytes);
        expect((await qemuCheck(path)).json).toMatchObject(inWords(repaired));
      }

      writeFileSync(path, bytes);
      await qemuCheck(path, '-r', 'all');
      const theirsAfter = await qemuCheck(path);
      const oursAll = await repair(file, 'all');
      writeFileSync(path, file.bytes);
      const after = await qemuCheck(path);
      // They do not get on with some refcount tables; we do.
      if (after.status !== 0) expect(after.status, after.stderr).toBe(theirsAfter.status);
      expect(after.json).toMatchObject(inWords(oursAll));
      if (after.status === 0) expect((await run('qemu-io', '-c', 'write 0 1M', path)).stdout).not.toMatch(/failed/);
    });

    it('finds what qemu-img finds in random metadata', { timeout: 120_000 }, async () => {
      const places = (await Damager.of(sound)).metadataPlaces();
      await fc.assert(
        fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 6 }), async (mutations) => {
          const bytes = sound.slice();
          for (const { place, value } of mutations) bytes[places[place % places.length] ?? 0] = value;
          writeFileSync(path, bytes);
          const theirs = await qemuCheck(path);
          const file = new MemoryChild(bytes.slice());
          const ours = await check(file).catch((error: unknown) => {
            if (error instanceof BlockError) return error;
            throw error;
          });
          // We refuse more offsets; they refuse to go on without a key.
          if (ours instanceof BlockError || theirs.json['check-errors'] === undefined) return;
          expect(inWords(ours), theirs.stderr.slice(-2000)).toEqual(figuresOf(theirs));
          const repaired = await repair(file, 'all');
          writeFileSync(path, file.bytes);
          const after = await qemuCheck(path);
          expect(inWords(repaired), after.stderr.slice(-2000)).toEqual(figuresOf(after));
        }),
        { numRuns: 20, seed },
      );
    });
  });

  it('repairs what a program leaves that dies while refcounts are lazy', async () => {
    const path = join(folder, 'lazy.qcow2');
    await run('qemu-img', 'create', '-f', 'qcow2', '-o', 'lazy_refcounts=on', path, '8M');
    await run('qemu-io', '-c', 'write -P 7 1M 3M', '-c', 'flush', '-c', 'abort', path);
    const theirs = await qemuCheck(path);
    expect(theirs.json.corruptions).toBeGreaterThan(0);
    const file = new MemoryChild(new Uint8Array(readFileSync(path)));
    expect(inWords(await check(file))).toEqual(figuresOf(theirs));
    expect((await readHeader(file)).incompatible).toBe(IncompatibleFeature.dirty);
    expect(await repair(file, 'all')).toMatchObject({ corruptions: 0, leaks: 0, checkErrors: 0 });
    expect((await readHeader(file)).incompatible).toBe(0);
    writeFileSync(path, file.bytes);
    expect((await qemuCheck(path)).status).toBe(0);
    expect((await run('qemu-io', '-c', 'read -P 7 1M 3M', '-c', 'read -P 0 0 1M', path)).stdout).not.toMatch(/fail/i);
  });
});
