import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { onTestFinished, vi } from 'vitest';

/** SO_ACCEPTCON as the kernel prints it: a socket has its name from bind(), and takes connections only after listen(). */
const acceptsConnections = '00010000';

/** Whether a program listens on a unix socket. Does not connect: some servers end with their first client. */
function isListening(socket: string): boolean {
  return readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .some((line) => line.split(' ')[3] === acceptsConnections && line.endsWith(` ${socket}`));
}

/** Ends a program, and waits until it has. Programs of QEMU can miss a SIGTERM that comes while they start. */
export async function endChild(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

/** Starts a program that listens on a unix socket, waits until it does, and kills it when the test is over. */
export async function startUnixServer(
  socket: string,
  [program = '', ...args]: readonly string[],
  options: SpawnOptions = { stdio: ['ignore', 'ignore', 'inherit'] },
): Promise<ChildProcess> {
  const child = spawn(program, args, options);
  onTestFinished(() => endChild(child));
  await vi.waitFor(
    () => {
      if (!isListening(socket)) throw new Error(`${program} does not listen on ${socket}`);
    },
    { timeout: 25_000 },
  );
  return child;
}
