import type { ChildProcess } from 'node:child_process';
import type { QmpClient } from './client.js';
import { after } from './deadline.js';
import type { ProgramExit } from './running-program.js';

/** How a program is ended: it is asked, then sent SIGTERM, then SIGKILL, until it has ended. */
export interface EndOptions {
  /**
   * What it is asked for first. `powerdown` presses the power button (`system_powerdown`), and lets the guest shut down; a guest that
   * does not is followed by `quit`, which ends the program without the guest. Default: `quit`.
   */
  readonly endBy?: 'quit' | 'powerdown';
  /** How long the guest may take to shut down, in milliseconds. Default: 60000. */
  readonly powerdownTimeout?: number;
  /** How long the program may take to end after `quit`, in milliseconds, before it is sent SIGTERM. Default: 5000. */
  readonly quitTimeout?: number;
  /** How long it may take after SIGTERM, in milliseconds, before it is sent SIGKILL. Default: 2000. */
  readonly terminateTimeout?: number;
}

const POWERDOWN_TIMEOUT = 60_000;
const QUIT_TIMEOUT = 5000;
const TERMINATE_TIMEOUT = 2000;

/** Ends a program by ever stronger means, and waits for it. */
export async function endProgram(
  client: QmpClient,
  child: ChildProcess,
  exited: Promise<ProgramExit>,
  options: EndOptions,
): Promise<ProgramExit> {
  const {
    powerdownTimeout = POWERDOWN_TIMEOUT,
    quitTimeout = QUIT_TIMEOUT,
    terminateTimeout = TERMINATE_TIMEOUT,
  } = options;
  const steps = [
    ...(options.endBy === 'powerdown' ? [() => powerDown(client, exited, powerdownTimeout)] : []),
    () => within(quitTimeout, exited, client.executeUnknown('quit', undefined, { timeout: quitTimeout })),
    () => {
      child.kill('SIGTERM');
      return within(terminateTimeout, exited);
    },
  ];
  for (const step of steps) {
    const exit = await step();
    if (exit) return exit;
  }
  child.kill('SIGKILL');
  return exited;
}

/** The guest shuts down, and with it the program, unless that was started with `-no-shutdown`. */
async function powerDown(
  client: QmpClient,
  exited: Promise<ProgramExit>,
  timeout: number,
): Promise<ProgramExit | undefined> {
  const stop = new AbortController();
  const stays = client
    .waitFor('SHUTDOWN', undefined, { signal: stop.signal })
    .then(() => within(GOING_DOWN, exited))
    .catch(() => new Promise<undefined>(() => {}));
  const asked = client.executeUnknown('system_powerdown', undefined, { timeout });
  try {
    return await Promise.race([within(timeout, exited, asked), stays]);
  } finally {
    stop.abort();
  }
}

/** How long a program may take to end once its guest is down, in milliseconds, before it is taken to stay. */
const GOING_DOWN = 2000;

/** How the program ended, if it did in time. A request that fails makes waiting pointless. */
function within(
  timeout: number,
  exited: Promise<ProgramExit>,
  request?: Promise<unknown>,
): Promise<ProgramExit | undefined> {
  return new Promise((resolve) => {
    const giveUp = (): void => resolve(undefined);
    const timer = after(timeout, giveUp);
    exited.then((exit) => {
      clearTimeout(timer);
      resolve(exit);
    });
    request?.catch(giveUp);
  });
}
