import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Host } from '../host.js';
import { exitCodes } from '../subcommand.js';
import { UserError } from '../user-error.js';

/** Set for the process that goes on in the background. */
const mark = 'QAPI_TS_DAEMON';

/** Whether this process is the one in the background. */
export function isDaemon({ env, ownsProcess }: Host): boolean {
  return ownsProcess === true && env[mark] === '1' && process.send !== undefined;
}

/**
 * Starts this program once more, in a session of its own, and waits until it serves or gives up. What it says until then is passed on.
 *
 * @returns the exit code
 */
export async function startDaemon(host: Host): Promise<number> {
  if (!host.ownsProcess) throw new UserError('--daemonize needs a process of its own');
  const [program = process.execPath, ...args] = process.argv;
  const child = spawn(program, [...process.execArgv, ...args], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...host.env, [mark]: '1' },
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => host.stderr.write(text));
  const ready = once(child, 'message').then(() => exitCodes.ok);
  const ended = once(child, 'close').then(([code]) => (code === exitCodes.ok ? exitCodes.problems : Number(code ?? 1)));
  const code = await Promise.race([ready, ended]);
  child.stderr?.destroy();
  if (child.connected) child.disconnect();
  child.unref();
  return code;
}

/** Reports to the process in the foreground that it may end. */
export function tellForeground(): Promise<void> {
  return new Promise((resolve) => {
    process.send?.('ready', () => {
      process.disconnect?.();
      resolve();
    });
  });
}
