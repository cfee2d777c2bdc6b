/**
 * How fast `qapi-ts serve` is as an NBD server, and what it takes of the processor, beside `qemu-nbd` on a copy of the same image, raw and
 * allocated qcow2, one and sixteen requests at a time, through a unix socket.
 *
 * The load comes from programs in C, the same for both servers: a client of our own would be the bottleneck, and flatter us.
 * `qemu-img bench` makes sequential requests of 64 KiB and scattered ones of 4 KiB: a stride of a prime number of blocks visits all of them,
 * each far from the one before. `fio` makes requests at truly random offsets, the same for both, of which all are reads, none, or
 * 70 in a hundred. It is slower itself than `qemu-img`, so that it shows less of a difference in speed; the time of the processor per request, user and
 * system together, is that of the server alone.
 *
 * With one request at a time, client and server share a processor, as only one of them has something to do: waking another one that sleeps
 * takes 10 to 100 µs, more than the request, and the scheduler does it or not as it likes.
 *
 * Both servers take turns, a different one begins each time, and ratios are made of neighbours: medians of them hold
 * on a busy machine, too. The images are in the host's cache.
 *
 * An argument names the program to measure instead of `dist/cli/main.js`.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  cpuTime,
  isThere,
  listening,
  MiB,
  median,
  met,
  peakMemory,
  run,
  runQemuImg,
  start,
  stopAll,
} from './serving.js';

const TURNS = 5;
const IMAGE_SIZE = 256 * MiB;
const MOST_MEMORY = 250 * MiB;

/** A kind of load. */
interface Load {
  readonly name: string;
  readonly program: 'qemu-img' | 'fio';
  /** Of a request. */
  readonly bytes: number;
  /** Bytes from the beginning of a request to that of the next; random offsets have none. */
  readonly stride?: number;
  /** How many in a hundred read; the others write. */
  readonly reads: number;
  /** How many requests one turn makes, with one and with sixteen at a time. */
  readonly requests: { readonly [depth: number]: number };
}

/** At least so much of the speed of `qemu-nbd`, in every row. */
const target = 1;

const sequential = { program: 'qemu-img', bytes: 65_536, stride: 65_536, requests: { 1: 4000, 16: 8000 } } as const;
const scattered = {
  program: 'qemu-img',
  bytes: 4096,
  stride: 28_657 * 4096,
  requests: { 1: 6000, 16: 24_000 },
} as const;
const random = { program: 'fio', bytes: 4096, requests: { 1: 6000, 16: 16_000 } } as const;

const loads: readonly Load[] = [
  { name: 'sequential 64 KiB reads', ...sequential, reads: 100 },
  { name: 'sequential 64 KiB writes', ...sequential, reads: 0 },
  { name: 'scattered 4 KiB reads', ...scattered, reads: 100 },
  { name: 'scattered 4 KiB writes', ...scattered, reads: 0 },
  { name: 'random 4 KiB reads', ...random, reads: 100 },
  { name: 'random 4 KiB writes', ...random, reads: 0 },
  { name: 'random 4 KiB, 70 % reads', ...random, reads: 70 },
];

const main = process.argv[2] ?? join(import.meta.dirname, '../dist/cli/main.js');
const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-bench-'));

if (!isThere('qemu-nbd')) {
  console.log('qemu-nbd and qemu-img are needed, and not installed');
  process.exit(1);
}
const hasFio = isThere('fio');
const binds = false;
const allProcessors = `0-${availableParallelism() - 1}`;
if (!hasFio) console.log('fio is not installed: the rows with random offsets are left out');
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
  const fits = peak < MOST_MEMORY;
  console.log(`\nmost memory of qapi-ts: ${Math.round(peak / MiB)} MiB, target ${MOST_MEMORY / MiB}: ${met(fits)}`);
  console.log(`targets for speed: ${missed === 0 ? 'all met' : `${missed} missed`}`);
} finally {
  stopAll();
  rmSync(folder, { recursive: true, force: true });
}
process.exit();

/**
 * Measures both servers on one image. Each has a copy, as it locks what it writes, and both copies are made alike: how a file came into the
 * host's cache, in large pieces or small ones, decides what a small write costs.
 */
async function compare(format: string, image: string): Promise<{ peak: number; missed: number }> {
  const [theirs, ours] = [join(folder, `${format}-qemu.sock`), join(folder, `${format}-ours.sock`)] as const;
  const copies = ['qemu', 'ours'].map((name) => `${image}.${name}`) as [string, string];
  for (const copy of copies) copyFileSync(image, copy);
  await run('sync', copies);
  const qemu = start('qemu-nbd', ['--socket', theirs, '--format', format, '--persistent', '--shared=8', copies[0]]);
  const server = start(process.execPath, [
    main,
    'serve',
    '--blockdev',
    `${format},node-name=disk,file.driver=file,file.filename=${copies[1]}`,
    '--nbd',
    `unix:${ours},node=disk,writable=on`,
  ]);
  await Promise.all([listening(theirs), listening(ours)]);
  const rivals: [Rival, Rival] = [
    { uri: `nbd+unix:///?socket=${theirs}`, pid: qemu.pid as number },
    { uri: `nbd+unix:///disk?socket=${ours}`, pid: server.pid as number },
  ];
  let missed = 0;
  console.log(`\n${format.padEnd(32)}  qemu-nbd   qapi-ts   ratio    CPU per request of both`);
  for (const load of loads.filter(({ program }) => hasFio || program !== 'fio')) {
    for (const depth of [1]) {
      const runs: [Run[], Run[]] = [[], []];
      for (let turn = 0; turn < TURNS; turn++) {
        for (const who of turn % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
          runs[who].push(await measured(rivals[who], load, depth, turn));
        }
      }
      const [theirs, ours] = runs;
      const ratio = median(ours.map(({ rate }, turn) => rate / (theirs[turn] as Run).rate));
      if (ratio < target) missed++;
      console.log(
        `  ${`${load.name}, ${depth}`.padEnd(30)} ${perSecond(theirs)} ${perSecond(ours)}   ${ratio.toFixed(2)} ×   ` +
          `${cpu(theirs)} ${cpu(ours)}   target ${target}: ${met(ratio >= target)}`,
      );
    }
  }
  const peak = peakMemory(server.pid as number);
  qemu.kill();
  server.kill();
  // What comes next finds the memory free that the images take in the host's cache.
  await Promise.all([qemu, server].map((child) => once(child, 'exit')));
  if (format === 'qcow2') await run('qemu-img', ['check', '-f', format, copies[1]]);
  for (const copy of copies) rmSync(copy);
  return { peak, missed };
}

/** A server under load. */
interface Rival {
  readonly uri: string;
  readonly pid: number;
}

/** What one run has shown: requests per second, and seconds of the server's processor time for each. */
interface Run {
  readonly rate: number;
  readonly cpu: number;
}

async function measured({ uri, pid }: Rival, load: Load, depth: number, turn: number): Promise<Run> {
  const count = load.requests[depth] as number;
  // Clients are started from here.
  for (const bound of [pid, process.pid]) bind(bound, depth === 1 ? '0' : allProcessors);
  const before = cpuTime(pid);
  const { bytes, stride = bytes, reads } = load;
  const seconds =
    load.program === 'fio'
      ? await runFio(uri, load, depth, turn)
      : await runQemuImg(uri, { count, depth, bytes, stride, write: reads === 0 });
  return { rate: count / seconds, cpu: (cpuTime(pid) - before) / count };
}

/** Binds all threads of a program, and what it starts from then on, to processors. */
function bind(pid: number, processors: string): void {
  if (binds) spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', processors, String(pid)]);
}

async function runFio(uri: string, { bytes, reads, requests }: Load, depth: number, turn: number): Promise<number> {
  const output = join(folder, 'fio.json');
  const mix =
    reads === 100 ? ['--rw=randread'] : reads === 0 ? ['--rw=randwrite'] : ['--rw=randrw', `--rwmixread=${reads}`];
  // Both servers get the same offsets in a turn.
  const offsets = ['--norandommap=1', '--randrepeat=1', `--randseed=${turn + 1}`, `--size=${IMAGE_SIZE}`];
  const shape = [`--bs=${bytes}`, `--iodepth=${depth}`, `--number_ios=${requests[depth]}`];
  const result = ['--output-format=json', `--output=${output}`];
  await run('fio', ['--name=load', '--ioengine=nbd', `--uri=${uri}`, ...mix, ...offsets, ...shape, ...result], {
    cwd: folder,
    timeout: 60_000,
  });
  const text = readFileSync(output, 'utf8');
  const { jobs } = JSON.parse(text.slice(text.indexOf('{'))) as { jobs: { error: number; job_runtime: number }[] };
  const [job] = jobs;
  if (job === undefined || job.error !== 0) throw new Error(`fio said: ${text}`);
  return job.job_runtime / 1000;
}

function perSecond(runs: readonly Run[]): string {
  return `${Math.round(median(runs.map(({ rate }) => rate)))}/s`.padStart(9);
}

/** The mean: in a single run, hundredths of a second are coarse. */
function cpu(runs: readonly Run[]): string {
  const mean = runs.reduce((sum, each) => sum + each.cpu, 0) / runs.length;
  return `${(mean * 1e6).toFixed(1)} µs`.padStart(9);
}
