/* What benchmarks of servers share: starting programs, their memory and processor time, and how results are shown. */

import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

/** Bytes. */
export const MiB = 2 ** 20;

/** Runs a program to its end. */
export const run = promisify(execFile);

const children = new Set<ChildProcess>();

/** Whether a program is installed. */
export function isThere(program: string): boolean {
  return spawnSync('which', [program]).status === 0;
}

/** Starts a program that is ended by a signal. */
export function start(program: string, options: readonly string[]): ChildProcess {
  const child = spawn(program, options, { stdio: ['ignore', 'ignore', 'inherit'] });
  children.add(child);
  child.on('exit', (code, signal) => {
    children.delete(child);
    if (code !== 0 && signal === null) throw new Error(`${program} ended with ${code}`);
  });
  return child;
}

/** Ends all that was started and runs still. */
export function stopAll(): void {
  for (const child of children) child.kill();
}

/** Resolves when there is a socket. */
export async function listening(path: string): Promise<void> {
  while (!existsSync(path)) await delay(20);
  await delay(100);
}

/** Bytes that a process has had in memory at most. */
export function peakMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/** Seconds that all threads of a process have run, in user and system mode. Linux counts hundredths. */
export function cpuTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name of the program, in brackets, may contain anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Requests that `qemu-img bench` makes. */
export interface Requests {
  readonly count: number;
  /** How many are made at a time. */
  readonly depth: number;
  /** Bytes of each. */
  readonly bytes: number;
  /** Bytes from the beginning of one to that of the next. */
  readonly stride: number;
  readonly write?: boolean;
}

/** @returns the seconds that the requests took */
export async function runQemuImg(uri: string, { count, depth, bytes, stride, write }: Requests): Promise<number> {
  const shape = ['-c', count, '-d', depth, '-s', bytes, '-S', stride].map(String);
  const args = ['bench', '-f', 'raw', ...(write ? ['-w'] : []), ...shape, uri];
  const { stdout } = await run('qemu-img', args, { timeout: 60_000 });
  const seconds = /completed in ([\d.]+) seconds/.exec(stdout)?.[1];
  if (seconds === undefined) throw new Error(`qemu-img bench said: ${stdout}`);
  return Number(seconds);
}

/** The middle of several measurements. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** How it is shown whether a target was met. */
export function met(reached: boolean): string {
  return reached ? 'met' : 'MISSED';
}
