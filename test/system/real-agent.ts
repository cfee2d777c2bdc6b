import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { endChild, startUnixServer } from './unix-server.js';

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
  const start = () => startUnixServer(socket, ['qemu-ga', ...files, ...args], { stdio: 'ignore' });
  onTestFinished(() => rmSync(folder, { recursive: true }));
  let agent = await start();
  const restart = async (): Promise<void> => {
    await endChild(agent);
    rmSync(socket, { force: true });
    agent = await start();
  };
  return { socket, restart };
}
