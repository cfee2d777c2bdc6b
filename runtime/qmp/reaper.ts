import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

/**
 * Waits for the end of its input. Unless it has been relieved, the process that started it is gone then, by a signal or in whatever
 * way, and the program and folder that it has left behind go, too. It takes no notice of signals itself: those that end services and
 * sessions reach all their processes.
 */
const SCRIPT = `
trap '' INT TERM HUP
read -r relieved && exit
kill -TERM "$1"
rm -rf "$2"
for pause in 0.1 0.1 0.2 0.2 0.4 0.5 0.5; do
  kill -0 "$1" || exit
  sleep $pause
done
kill -KILL "$1"
`;

/** Those on duty: one listener for all, since a process warns of more than ten. */
const onDuty = new Set<Reaper>();

function endAll(): void {
  for (const reaper of onDuty) reaper.end();
}

/** Sees to it that a program and the folder of its socket do not outlive this process, without a listener for its signals. */
export class Reaper {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #shell: ChildProcess | undefined;

  constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
    if (onDuty.size === 0) process.once('exit', endAll);
    onDuty.add(this);
    if (process.platform === 'win32' || child.pid === undefined) return;
    this.#shell = spawn('/bin/sh', ['-c', SCRIPT, 'qapi-ts', String(child.pid), folder], {
      // In a session of its own, so that it outlives a terminal that is closed.
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    // Where there is no shell, an orderly exit is all that is seen to.
    this.#shell.on('error', () => {});
    this.#shell.stdin?.on('error', () => {});
    this.#shell.unref();
    (this.#shell.stdin as { unref?(): void } | null)?.unref?.();
  }

  /** This process ends: so does the program. */
  end(): void {
    this.#child.kill('SIGTERM');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** The program has ended. */
  relieve(): void {
    onDuty.delete(this);
    if (onDuty.size === 0) process.off('exit', endAll);
    this.#shell?.stdin?.end('relieved\n');
  }
}
