import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';

/** Where a real agent listens, and how to end it and start it again. */
export interface RealAgent {
  readonly socket: string;
  restart(): Promise<void>;
}

/** Starts a real guest agent that listens on a unix socket, and ends it when the test is over. */
export async function realAgent(...args: string[]): Promise<RealAgent> {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-qga-'));
  const socket = join(folder, 'qga.sock');
  const files = ['-m', 'unix-listen', '-p', socket, '-t', folder, '-f', join(folder, 'pid')];
  let stop = async (): Promise<void> => {};
  const start = async (): Promise<void> => {
    const child = spawn('qemu-ga', [...files, ...args], { stdio: 'ignore' });
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    stop = async () => {
      child.kill();
      // The agent ends its main loop from the signal's handler, where it can wait for a lock that it holds itself.
      const patience = setTimeout(() => child.kill('SIGKILL'), 2_000);
      await ended;
      clearTimeout(patience);
    };
    await vi.waitFor(() => existsSync(socket) || Promise.reject(new Error('the agent does not listen')), 10_000);
  };
  onTestFinished(async () => {
    await stop();
    rmSync(folder, { recursive: true });
  });
  await start();
  const restart = async (): Promise<void> => {
    await stop();
    rmSync(socket, { force: true });
    await start();
  };
  return { socket, restart };
}
