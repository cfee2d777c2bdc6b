import { type Host, interrupts } from './host.js';
import { run } from './program.js';
import { programArguments } from './program-arguments.js';

/** Runs the command line of this process and sets its exit code; output still on its way is written before the process ends. */
export async function runInProcess(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // Another listener handles it.
      if (stream.listenerCount('error') > 1) return;
      // A reader that has seen enough (`| head`) is no error; what it left unread does not matter.
      if (error.code !== 'EPIPE') throw error;
      process.exit();
    });
  }
  const host: Host = {
    cwd: process.cwd(),
    env: process.env,
    // Not touched before it is asked for: opening it costs time and may fail.
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    ownsProcess: true,
    catchInterrupt,
  };
  process.exitCode = await run(programArguments(), host);
}

function catchInterrupt(): AbortSignal {
  const stop = new AbortController();
  // Once: who asks a second time is not made to wait.
  for (const signal of interrupts) process.once(signal, () => stop.abort());
  return stop.signal;
}
