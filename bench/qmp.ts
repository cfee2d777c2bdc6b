/**
 * How many round trips of `query-version` a second client and server make, in two processes over a unix socket, with one and with
 * eight requests in flight; beside a bare echo of the same bytes and, where it is installed, beside a real storage daemon. All
 * take turns in the same run, so that the ratios hold on a busy machine, too.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect as connectSocket, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../runtime/index.js';

/** The target: at least so much of the bare echo. */
const TARGET = 0.5;
const TURNS = 15;
const TURN_MS = 200;

const request = '{"execute":"query-version","id":"abcdef-12345"}\n';
const reply = '{"return": {"qemu": {"micro": 0, "minor": 2, "major": 7}, "package": ""}, "id": "abcdef-12345"}\r\n';

const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-bench-'));
const children: ChildProcess[] = [];

async function peer(role: 'server' | 'echo', path: string): Promise<void> {
  const runner = join(import.meta.dirname, '../build/run.mjs');
  const child = fork(runner, [join(import.meta.dirname, 'qmp-peer.ts'), role, path, reply]);
  children.push(child);
  await once(child, 'message');
}

/** One round trip after another, `inFlight` of them side by side, for a while. */
async function roundTrips(inFlight: number, once: () => Promise<unknown>): Promise<number> {
  const end = performance.now() + TURN_MS;
  let count = 0;
  const line = async (): Promise<void> => {
    while (performance.now() < end) {
      await once();
      count++;
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: inFlight }, line));
  return (count * 1000) / (performance.now() - start);
}

function echoing(socket: Socket): () => Promise<void> {
  const waiting: (() => void)[] = [];
  socket.on('data', (chunk) => {
    for (let at = chunk.indexOf(0x0a); at !== -1; at = chunk.indexOf(0x0a, at + 1)) waiting.shift()?.();
  });
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      socket.write(request);
    });
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] as number;

try {
  const [ours, bare, real] = ['ours', 'bare', 'real'].map((name) => join(folder, name)) as [string, string, string];
  await Promise.all([peer('server', ours), peer('echo', bare)]);
  const socket = connectSocket(bare);
  await once(socket, 'connect');
  const client = await connect(ours);
  const contestants: [name: string, once: () => Promise<unknown>][] = [
    ['bare echo', echoing(socket)],
    ['qapi-ts client and server', () => client.execute('query-version')],
  ];
  const daemon = spawn('qemu-storage-daemon', [
    '--chardev',
    `socket,id=c,path=${real},server=on,wait=off`,
    '--monitor',
    'chardev=c',
  ]);
  children.push(daemon);
  const missing = await Promise.race([once(daemon, 'error').then(() => true), waitFor(real).then(() => false)]);
  if (missing) console.log('qemu-storage-daemon is not installed: left out');
  else {
    const toDaemon = await connect(real);
    contestants.push(['qapi-ts client and qemu-storage-daemon', () => toDaemon.execute('query-version')]);
  }

  for (const inFlight of [1, 8]) {
    const rates = contestants.map(() => [] as number[]);
    for (let turn = 0; turn < TURNS; turn++) {
      for (const [index, [, once]] of contestants.entries()) rates[index]?.push(await roundTrips(inFlight, once));
    }
    const ratios = rates.map((list) => median(list.map((rate, turn) => rate / (rates[0]?.[turn] as number))));
    console.log(`\n${inFlight} in flight`);
    for (const [index, [name]] of contestants.entries()) {
      const rate = Math.round(median([...(rates[index] as number[])]));
      console.log(
        `  ${name.padEnd(40)} ${String(rate).padStart(7)} round trips/s   ${ratios[index]?.toFixed(2)} × bare echo`,
      );
    }
    const ratio = ratios[1] as number;
    console.log(`  target ${TARGET} × bare echo: ${ratio >= TARGET ? 'met' : 'missed'}`);
  }
} finally {
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true, force: true });
}
process.exit();

async function waitFor(path: string): Promise<void> {
  while (!existsSync(path)) await delay(20);
  await delay(50);
}
