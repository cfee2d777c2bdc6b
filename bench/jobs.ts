/**
 * How fast jobs are in `qapi-ts serve` beside `qemu-storage-daemon`: a full backup, a mirror, a commit and a stream of an image of 1 GiB, half of
 * it data, in qcow2 and, where the format has no layers, raw. Each program has its own copy of the images, and they take turns; the time is that from
 * the command to the event of its end. Ratios are made of neighbours.
 *
 * With `fio` installed, a guest reads 4 KiB at random places, 200 times a second, through NBD: its 99th percentile of latency without and
 * with a backup, of both programs. One turn has few requests behind its percentile: of several, the median counts.
 *
 * Arguments: `jobs` or `guest` measures one of the two, any other names the program to measure instead of `dist/cli/main.js`.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type QmpClient } from '../runtime/qmp/client.js';
import { isThere, MiB, median, met, peakMemory, run } from './serving.js';

const TURNS = 3;
const GiB = 2 ** 30;
/** At least so much of the speed of `qemu-storage-daemon`. */
const TARGET = 0.8;
const MOST_MEMORY = 250 * MiB;
/** At most so many times the latency of an idle server. */
const MOST_LATENCY = 3;

const parts = ['jobs', 'guest'] as const;
const given = process.argv.slice(2);
const main =
  given.find((each) => !parts.some((part) => part === each)) ?? join(import.meta.dirname, '../dist/cli/main.js');
const asked = parts.filter((part) => given.includes(part));
const wanted: readonly (typeof parts)[number][] = asked.length > 0 ? asked : parts;
const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-bench-'));
const children = new Set<ChildProcess>();

/** A job: what is made before, what begins it, and what is done when it is ready. */
interface Kind {
  readonly name: string;
  readonly format: 'qcow2' | 'raw';
  /** The data is in the upper image. Default: in the lower one, where there are two. */
  readonly dataOnTop?: boolean;
  readonly layers: 1 | 2;
  readonly command: string;
  readonly args: object;
  readonly completion?: string;
}

const source = { device: 'top', 'job-id': 'j' };
const whole = { ...source, target: 'out', sync: 'full' };

const kinds: readonly Kind[] = (['qcow2', 'raw'] as const).flatMap((format): Kind[] => [
  { name: `full backup, ${format}`, format, layers: 1, command: 'blockdev-backup', args: whole },
  {
    name: `mirror, ${format}`,
    format,
    layers: 1,
    command: 'blockdev-mirror',
    args: whole,
    completion: 'block-job-cancel',
  },
]);

const layered: readonly Kind[] = [
  {
    name: 'commit, qcow2',
    format: 'qcow2',
    layers: 2,
    dataOnTop: true,
    command: 'block-commit',
    args: source,
    completion: 'block-job-complete',
  },
  { name: 'stream, qcow2', format: 'qcow2', layers: 2, command: 'block-stream', args: source },
];

if (!isThere('qemu-storage-daemon')) {
  console.log('qemu-storage-daemon and qemu-img are needed, and not installed');
  process.exit(1);
}
try {
  if (wanted.includes('jobs')) await speeds();
  if (wanted.includes('guest')) await latencies();
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
process.exit();

/** Shows the speed of each kind of job beside that of the storage daemon. */
async function speeds(): Promise<void> {
  let missed = 0;
  let peak = 0;
  console.log(`\n${'job'.padEnd(24)} storage daemon    qapi-ts   ratio`);
  for (const kind of [...kinds, ...layered]) {
    const ratios: number[] = [];
    const rates: [number[], number[]] = [[], []];
    for (let turn = 0; turn < TURNS; turn++) {
      const seconds = [0, 0];
      for (const who of turn % 2 === 0 ? [0, 1] : [1, 0]) {
        const result = await measured(kind, who === 1);
        seconds[who] = result.seconds;
        rates[who as 0 | 1].push(GiB / 2 / MiB / result.seconds);
        if (who === 1) peak = Math.max(peak, result.memory);
      }
      ratios.push((seconds[0] ?? 0) / (seconds[1] ?? 1));
    }
    const ratio = median(ratios);
    if (ratio < TARGET) missed++;
    const shown = rates.map((each) => `${Math.round(median(each))} MiB/s`.padStart(14));
    console.log(
      `${kind.name.padEnd(24)} ${shown.join(' ')}   ${ratio.toFixed(2)} ×   target ${TARGET}: ${met(ratio >= TARGET)}`,
    );
  }
  console.log(
    `\nmost memory of qapi-ts: ${Math.round(peak / MiB)} MiB, target ${MOST_MEMORY / MiB}: ${met(peak < MOST_MEMORY)}`,
  );
  console.log(`targets for speed: ${missed === 0 ? 'all met' : `${missed} missed`}`);
}

/** Runs a job once. @returns its time, and the most memory of the server */
async function measured(kind: Kind, ours: boolean): Promise<{ seconds: number; memory: number }> {
  const place = join(folder, 'images');
  prepare(place, kind);
  const server = await started(place, kind, ours);
  try {
    const { client } = server;
    const ended = reported(client, 'BLOCK_JOB_COMPLETED');
    if (kind.completion !== undefined) {
      const { completion } = kind;
      client.onUnknown('BLOCK_JOB_READY', () => void client.executeUnknown(completion, { device: 'j' }));
    }
    const begun = performance.now();
    await client.executeUnknown(kind.command, kind.args as never);
    await ended;
    const seconds = (performance.now() - begun) / 1000;
    return { seconds, memory: peakMemory(server.pid) };
  } finally {
    await server.stop();
    rmSync(place, { recursive: true });
  }
}

/** Makes the images: random data in every second MiB. */
function prepare(place: string, { format, layers, dataOnTop }: Pick<Kind, 'format' | 'layers' | 'dataOnTop'>): void {
  mkdirSync(place);
  const create = (...args: string[]): void =>
    void execFileSync('qemu-img', ['create', '-q', '-f', format, ...args], { cwd: place });
  if (layers === 2) create('base', String(GiB));
  create(...(layers === 2 ? ['-F', format, '-b', 'base', 'top'] : ['top', String(GiB)]));
  create('out', String(GiB));
  const lines = Array.from({ length: 512 }, (_, index) => [
    '-c',
    `write -q -P ${1 + (index % 255)} ${2 * index}M 1M`,
  ]).flat();
  execFileSync('qemu-io', ['-f', format, ...lines, layers === 2 && !dataOnTop ? 'base' : 'top'], { cwd: place });
}

/** A server with the nodes `top` and `out`. */
async function started(place: string, { format, layers }: Pick<Kind, 'format' | 'layers'>, ours: boolean, nbd = false) {
  const socket = join(folder, 'qmp');
  rmSync(socket, { force: true });
  const child = ours
    ? spawn(process.execPath, [main, 'serve', '--qmp', `unix:${socket}`], { stdio: 'ignore', cwd: place })
    : spawn(
        'qemu-storage-daemon',
        ['--chardev', `socket,id=c,path=${socket},server=on,wait=off`, '--monitor', 'chardev=c'],
        {
          stdio: 'ignore',
          cwd: place,
        },
      );
  children.add(child);
  const client = await connected(socket);
  const add = (name: string, more = {}) => {
    const options = {
      driver: format,
      'node-name': name,
      file: { driver: 'file', filename: join(place, name) },
      ...more,
    };
    return client.executeUnknown('blockdev-add', (ours ? { options } : options) as never);
  };
  if (layers === 2) await add('base');
  await add('top', layers === 2 ? { backing: 'base' } : {});
  await add('out');
  if (nbd) {
    await client.executeUnknown('nbd-server-start', { addr: { type: 'unix', data: { path: join(folder, 'nbd') } } });
    if (ours) await client.executeUnknown('nbd-server-add', { device: 'top' });
    else {
      const exported = { type: 'nbd', id: 'e', 'node-name': 'top', name: 'top' };
      await client.executeUnknown('block-export-add', exported as never);
    }
  }
  return {
    client,
    pid: child.pid as number,
    async stop() {
      await client.executeUnknown('quit', {}).catch(() => {});
      await client.close();
      if (child.exitCode === null) await once(child, 'exit');
      children.delete(child);
    },
  };
}

async function connected(socket: string): Promise<QmpClient> {
  for (let tries = 0; ; tries++) {
    try {
      return await connect(`unix:${socket}`);
    } catch (error) {
      if (tries > 300) throw error;
      await delay(20);
    }
  }
}

/** Resolves when an event is reported. */
function reported(client: QmpClient, name: string): Promise<void> {
  return new Promise((resolve) => void client.onUnknown(name, () => resolve()));
}

/** Shows what a guest notices of a backup, of ours and of the storage daemon's. */
async function latencies(): Promise<void> {
  if (!isThere('fio')) {
    console.log('fio is not installed: the latency of a guest is left out');
    return;
  }
  console.log('latency of a guest, 99th percentile:');
  for (const ours of [false, true]) {
    const turns: { readonly idle: number; readonly busy: number }[] = [];
    for (let turn = 0; turn < TURNS; turn++) turns.push(await latenciesOf(ours));
    const [idle, busy] = [median(turns.map((turn) => turn.idle)), median(turns.map((turn) => turn.busy))];
    const ratio = median(turns.map((turn) => turn.busy / turn.idle));
    console.log(
      `${(ours ? 'qapi-ts' : 'storage daemon').padEnd(24)} idle ${Math.round(idle)} µs, during a backup ${Math.round(busy)} µs, ` +
        `${ratio.toFixed(1)} ×${ours ? `   target at most ${MOST_LATENCY}: ${met(ratio <= MOST_LATENCY)}` : ''}`,
    );
  }
}

async function latenciesOf(ours: boolean): Promise<{ idle: number; busy: number }> {
  const place = join(folder, 'images');
  const kind = { format: 'qcow2', layers: 1 } as const;
  prepare(place, kind);
  const server = await started(place, kind, ours, true);
  try {
    const idle = await latency();
    const ended = reported(server.client, 'BLOCK_JOB_COMPLETED');
    // Slow enough that it runs as long as the guest.
    await server.client.executeUnknown('blockdev-backup', { ...whole, speed: 100 * MiB });
    const busy = await latency();
    await ended;
    return { idle, busy };
  } finally {
    await server.stop();
    rmSync(place, { recursive: true });
  }
}

/** Microseconds. */
async function latency(): Promise<number> {
  const { stdout } = await run('fio', [
    ...['--name=guest', '--ioengine=nbd', `--uri=nbd+unix:///top?socket=${join(folder, 'nbd')}`],
    ...[
      '--rw=randread',
      '--bs=4k',
      '--size=1G',
      '--rate_iops=200',
      '--time_based',
      '--runtime=6',
      '--output-format=json',
    ],
  ]);
  const parsed = JSON.parse(stdout.slice(stdout.indexOf('{'))) as {
    jobs: { read: { clat_ns: { percentile: { [point: string]: number } } } }[];
  };
  return (parsed.jobs[0]?.read.clat_ns.percentile['99.000000'] ?? Number.NaN) / 1000;
}
