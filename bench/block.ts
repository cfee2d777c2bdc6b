/**
 * How fast `qapi-ts serve` is as an NBD server, beside `qemu-nbd` on the same image: sequential requests of 64 KiB and scattered ones
 * of 4 KiB, reads and writes, on a raw and on an allocated qcow2 image, one and sixteen at a time, through a unix socket.
 *
 * The load comes from `qemu-img bench`, the same for both: a client in C that asks for 4 KiB in a few microseconds. One of our own
 * would be the bottleneck, and flatter us. It has no random offsets: a stride of a prime number of blocks visits all of them, each
 * far from the one before. Both servers take turns, a different one begins each time, and ratios are made of neighbours: medians of them hold
 * on a busy machine, too. The images are in the host's cache.
 *
 * An argument names the program to measure instead of `dist/cli/main.js`.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

const TURNS = 7;
const MiB = 2 ** 20;
const IMAGE_SIZE = 256 * MiB;
const MOST_MEMORY = 250 * MiB;

/** A kind of load: bytes of a request, and from one to the next. */
interface Load {
  readonly name: string;
  readonly bytes: number;
  readonly stride: number;
  /** How many requests one turn makes, with one and with sixteen at a time. */
  readonly requests: { readonly [depth: number]: number };
  /** At least so much of `qemu-nbd`, by queue depth. */
  readonly targets: { readonly [depth: number]: number };
}

const loads: readonly Load[] = [
  {
    name: 'sequential 64 KiB',
    bytes: 65_536,
    stride: 65_536,
    requests: { 1: 4000, 16: 8000 },
    targets: { 1: 0.8, 16: 0.8 },
  },
  {
    name: 'scattered 4 KiB',
    bytes: 4096,
    stride: 28_657 * 4096,
    requests: { 1: 6000, 16: 24_000 },
    targets: { 16: 0.4 },
  },
];

const main = process.argv[2] ?? join(import.meta.dirname, '../dist/cli/main.js');
const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-bench-'));
const children: ChildProcess[] = [];

if (spawnSync('which', ['qemu-nbd']).status !== 0) {
  console.log('qemu-nbd and qemu-img are needed, and not installed');
  process.exit(1);
}
try {
  const raw = join(folder, 'disk.raw');
  const qcow2 = join(folder, 'disk.qcow2');
  writeFileSync(raw, Buffer.concat(Array.from({ length: IMAGE_SIZE / (16 * MiB) }, () => randomBytes(16 * MiB))));
  await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, qcow2]);
  let peak = 0;
  let missed = 0;
  for (const [format, image] of [
    ['raw', raw],
    ['qcow2', qcow2],
  ] as const) {
    const result = await compare(format, image);
    peak = Math.max(peak, result.peak);
    missed += result.missed;
  }
  await run('qemu-img', ['check', '-f', 'qcow2', qcow2]);
  const fits = peak < MOST_MEMORY;
  console.log(`\nmost memory of qapi-ts: ${Math.round(peak / MiB)} MiB, target ${MOST_MEMORY / MiB}: ${met(fits)}`);
  console.log(`targets for speed: ${missed === 0 ? 'all met' : `${missed} missed`}`);
} finally {
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true, force: true });
}
process.exit();

/** Measures both servers on one image. */
async function compare(format: string, image: string): Promise<{ peak: number; missed: number }> {
  const [theirs, ours] = [join(folder, `${format}-qemu.sock`), join(folder, `${format}-ours.sock`)] as const;
  const qemu = start('qemu-nbd', ['--socket', theirs, '--format', format, '--persistent', '--shared=8', image]);
  const server = start(process.execPath, [
    main,
    'serve',
    '--blockdev',
    `${format},node-name=disk,file.driver=file,file.filename=${image}`,
    '--nbd',
    `unix:${ours},node=disk,writable=on`,
  ]);
  await Promise.all([listening(theirs), listening(ours)]);
  const rivals = [`nbd+unix:///?socket=${theirs}`, `nbd+unix:///disk?socket=${ours}`];
  let missed = 0;
  console.log(`\n${format.padEnd(32)}  qemu-nbd   qapi-ts   ratio`);
  for (const load of loads) {
    for (const kind of ['read', 'write'] as const) {
      for (const depth of [1, 16]) {
        const rates: [number[], number[]] = [[], []];
        for (let turn = 0; turn < TURNS; turn++) {
          for (const who of turn % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
            rates[who].push(await rate(rivals[who] as string, load, kind, depth));
          }
        }
        const ratio = median(rates[1].map((own, turn) => own / (rates[0][turn] as number)));
        const target = load.targets[depth];
        if (target !== undefined && ratio < target) missed++;
        console.log(
          `  ${`${load.name} ${kind}s, ${depth}`.padEnd(30)} ${perSecond(rates[0])} ${perSecond(rates[1])}   ${ratio.toFixed(2)} ×` +
            `${target === undefined ? '' : `  target ${target}: ${met(ratio >= target)}`}`,
        );
      }
    }
  }
  const peak = peakMemory(server.pid as number);
  qemu.kill();
  server.kill();
  return { peak, missed };
}

/** Requests per second of one run. */
async function rate(uri: string, load: Load, kind: 'read' | 'write', depth: number): Promise<number> {
  const count = load.requests[depth] as number;
  const shape = ['-c', count, '-d', depth, '-s', load.bytes, '-S', load.stride].map(String);
  const write = kind === 'write' ? ['-w'] : [];
  const { stdout } = await run('qemu-img', ['bench', '-f', 'raw', ...write, ...shape, uri], { timeout: 60_000 });
  const seconds = /completed in ([\d.]+) seconds/.exec(stdout)?.[1];
  if (seconds === undefined) throw new Error(`qemu-img bench said: ${stdout}`);
  return count / Number(seconds);
}

function start(program: string, options: readonly string[]): ChildProcess {
  const child = spawn(program, options, { stdio: ['ignore', 'ignore', 'inherit'] });
  children.push(child);
  child.on('exit', (code, signal) => {
    if (code !== 0 && signal === null) throw new Error(`${program} ended with ${code}`);
  });
  return child;
}

async function listening(path: string): Promise<void> {
  while (!existsSync(path)) await delay(20);
  await delay(100);
}

function peakMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}

function perSecond(rates: readonly number[]): string {
  return `${Math.round(median(rates))}/s`.padStart(9);
}

function met(reached: boolean): string {
  return reached ? 'met' : 'missed';
}
