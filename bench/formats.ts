/**
 * How fast `qapi-ts serve` reads images of each format, beside `qemu-nbd` on the same image: sequential requests of 64 KiB and scattered
 * ones of 4 KiB (a stride of a prime number of blocks visits all of them), one and sixteen at a time, through a unix socket.
 *
 * Both servers take turns, a different one begins each time, and ratios are made of neighbours. The images are in the host's
 * cache. Arguments are names of rows that are to be measured, such as `vmdk`; default: all.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeBochs, makeCloop, makeDmg } from '../test/runtime/block/drivers/format-suite/read-only-images.js';
import { isThere, listening, MiB, median, met, type Requests, run, runQemuImg, start, stopAll } from './serving.js';

const TURNS = 5;
const IMAGE_SIZE = 64 * MiB;
/** At least so much of the speed of `qemu-nbd`, in every row. */
const TARGET = 0.8;

/** An image that is measured. */
interface Subject {
  readonly name: string;
  readonly format: string;
  /** Create options for `qemu-img convert`. */
  readonly options?: readonly string[];
  readonly packed?: true;
  /** Makes the image, where qemu-img does not. */
  readonly make?: (contents: Buffer) => Buffer;
}

const subjects: readonly Subject[] = [
  { name: 'bochs', format: 'bochs', make: (contents) => makeBochs(contents, { extent: 65_536 }) },
  { name: 'cloop', format: 'cloop', packed: true, make: makeCloop },
  { name: 'dmg, plain', format: 'dmg', make: (contents) => makeDmg(contents, { kinds: ['raw'], chunk: 262_144 }) },
  {
    name: 'dmg, zlib',
    format: 'dmg',
    packed: true,
    make: (contents) => makeDmg(contents, { kinds: ['zlib'], chunk: 262_144 }),
  },
  { name: 'parallels', format: 'parallels' },
  { name: 'qcow', format: 'qcow' },
  { name: 'qcow, compressed', format: 'qcow', packed: true },
  { name: 'qcow2, compressed', format: 'qcow2', packed: true },
  { name: 'qed', format: 'qed' },
  { name: 'vdi', format: 'vdi' },
  { name: 'vhdx', format: 'vhdx' },
  { name: 'vmdk', format: 'vmdk' },
  { name: 'vmdk, flat', format: 'vmdk', options: ['-o', 'subformat=twoGbMaxExtentFlat'] },
  { name: 'vmdk, stream', format: 'vmdk', options: ['-o', 'subformat=streamOptimized'], packed: true },
  { name: 'vpc', format: 'vpc', options: ['-o', 'force_size=on'] },
  { name: 'vpc, fixed', format: 'vpc', options: ['-o', 'subformat=fixed,force_size=on'] },
];

/** With one request at a time, and with sixteen. */
const loads = [
  { name: 'sequential 64 KiB', bytes: 65_536, stride: 65_536, counts: { 1: 2000, 16: 4000 } },
  { name: 'scattered 4 KiB', bytes: 4096, stride: 7919 * 4096, counts: { 1: 3000, 16: 12_000 } },
] as const;
/** Of packed images, each request costs a cluster. */
const fewer = 2;

const main = join(import.meta.dirname, '../dist/cli/main.js');
const wanted = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-bench-'));

if (!isThere('qemu-nbd')) {
  console.log('qemu-nbd and qemu-img are needed, and not installed');
  process.exit(1);
}
try {
  const raw = join(folder, 'disk.raw');
  // Half of what each sector has can be compressed.
  const sector = (): Buffer => Buffer.concat([randomBytes(256), Buffer.alloc(256, 7)]);
  writeFileSync(raw, Buffer.concat(Array.from({ length: IMAGE_SIZE / 512 }, sector)));
  let missed = 0;
  console.log(`\n${'reads'.padEnd(42)}  qemu-nbd    qapi-ts   ratio`);
  for (const subject of subjects) {
    if (wanted.length > 0 && !wanted.some((name) => subject.name.startsWith(name))) continue;
    missed += await compare(subject, raw);
  }
  console.log(`\ntargets: ${missed === 0 ? 'all met' : `${missed} missed`}`);
} finally {
  stopAll();
  rmSync(folder, { recursive: true, force: true });
}
process.exit();

/** Measures both servers on one image. @returns how many targets were missed */
async function compare({ name, format, options = [], packed, make }: Subject, raw: string): Promise<number> {
  const image = join(folder, 'image');
  const sockets = [join(folder, 'qemu.sock'), join(folder, 'ours.sock')] as const;
  for (const path of [image, ...sockets]) rmSync(path, { force: true });
  if (make !== undefined) {
    writeFileSync(image, make(readFileSync(raw)));
  } else {
    const compress = packed && options.length === 0 ? ['-c'] : [];
    await run('qemu-img', ['convert', '-f', 'raw', '-O', format, ...options, ...compress, raw, image]).catch(
      // Converting to compressed qcow ends with an error of qemu-img after all was written.
      (error: unknown) => {
        if (compress.length === 0) throw error;
      },
    );
  }
  await run('qemu-img', ['compare', '-f', 'raw', '-F', format, raw, image]);
  const file = `driver=${format},file.driver=file,file.filename=${image}`;
  const servers = [
    start('qemu-nbd', ['--socket', sockets[0], '--read-only', '--persistent', '--shared=8', '--image-opts', file]),
    start(process.execPath, [
      ...[main, 'serve', '--blockdev', `${file},node-name=disk,read-only=on`],
      ...['--nbd', `unix:${sockets[1]},node=disk`],
    ]),
  ];
  await Promise.all(sockets.map(listening));
  const uris = [`nbd+unix:///?socket=${sockets[0]}`, `nbd+unix:///disk?socket=${sockets[1]}`] as const;
  let missed = 0;
  for (const { name: load, counts, ...shape } of loads) {
    for (const depth of [1, 16] as const) {
      const count = Math.ceil(counts[depth] / (packed ? fewer : 1));
      const [theirs, ours] = await takeTurns(uris, { ...shape, count, depth });
      const ratio = median(ours.map((rate, turn) => rate / (theirs[turn] ?? Number.NaN)));
      if (ratio < TARGET) missed++;
      const rates = [theirs, ours].map((each) => `${Math.round(median(each))}/s`.padStart(9));
      console.log(
        `${`${name}: ${load}, ${depth}`.padEnd(42)} ${rates.join('  ')}   ${ratio.toFixed(2)} ×   target ${TARGET}: ${met(ratio >= TARGET)}`,
      );
    }
  }
  for (const server of servers) {
    server.kill();
    await once(server, 'exit');
  }
  return missed;
}

/** @returns requests per second of either server, by turn */
async function takeTurns(uris: readonly [string, string], requests: Requests): Promise<[number[], number[]]> {
  const rates: [number[], number[]] = [[], []];
  // A compiler has then seen what is measured.
  for (const uri of uris) await runQemuImg(uri, requests);
  for (let turn = 0; turn < TURNS; turn++) {
    for (const who of turn % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      rates[who].push(requests.count / (await runQemuImg(uris[who], requests)));
    }
  }
  return rates;
}
