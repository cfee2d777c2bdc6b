import { setTimeout as delay } from 'node:timers/promises';
import { isJsonObject, type JsonObject, type JsonValue } from '../json/value.js';

import { type WaitOptions, watch } from './deadline.js';

/** A client of a guest agent, as far as {@link guestExec} needs it. */
export interface GuestExecAgent {
  executeUnknown(command: string, args?: JsonObject, options?: { readonly signal?: AbortSignal }): Promise<JsonValue>;
}

/** How to run a program in a guest. Giving up waiting for it does not end it: the agent has no command for that. */
export interface GuestExecOptions extends WaitOptions {
  /** What the program reads from its standard input; text is sent as UTF-8. Default: nothing. */
  readonly input?: string | Uint8Array;
  /** Its environment, instead of the agent's. */
  readonly env?: Readonly<Record<string, string>>;
  /** How often to ask whether it has ended, at most, in milliseconds; at first it is asked more often. Default: 500. */
  readonly interval?: number;
}

/** How a program in a guest ended. */
export interface GuestExecResult {
  /** Its exit status; on Windows also an exception's code. `undefined` when a signal ended it. */
  readonly exitCode: number | undefined;
  /** The number of the signal that ended it. */
  readonly signal: number | undefined;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** Whether the agent kept only the first of what was written: it takes 16 MiB of each. */
  readonly truncated: boolean;
}

const FIRST_PAUSE = 5;
const INTERVAL = 500;

/**
 * Runs a program in a guest by its agent and waits for its end.
 *
 * @param path the program, by its path or its name
 * @param args its arguments
 * @throws {@link QmpError} when the agent cannot start it, or is forbidden to
 * @throws {@link QmpTimeoutError} when it has not ended within `timeout`; it goes on
 * @example
 * const { stdout } = await guestExec(agent, '/bin/uname', ['-r'], { timeout: 5000 });
 * console.log(stdout.toString());
 */
export async function guestExec(
  agent: GuestExecAgent,
  path: string,
  args: readonly string[] = [],
  options: GuestExecOptions = {},
): Promise<GuestExecResult> {
  const { input, env, interval = INTERVAL } = options;
  const stop = new AbortController();
  const unwatch = watch(
    options,
    () => `${path} did not end`,
    (error) => stop.abort(error),
  );
  const { signal } = stop;
  try {
    signal.throwIfAborted();
    const request = {
      path,
      arg: [...args],
      'capture-output': true,
      ...(env && { env: Object.entries(env).map(([name, value]) => `${name}=${value}`) }),
      ...(input !== undefined && { 'input-data': Buffer.from(input).toString('base64') }),
    };
    const { pid } = objectOf(await agent.executeUnknown('guest-exec', request, { signal }));
    for (let pause = FIRST_PAUSE; ; pause = Math.min(interval, pause * 2)) {
      const status = objectOf(await agent.executeUnknown('guest-exec-status', { pid: pid as JsonValue }, { signal }));
      if (status.exited === true) return resultOf(status);
      await delay(pause, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  } finally {
    unwatch();
  }
}

const objectOf = (value: JsonValue): JsonObject => (isJsonObject(value) ? value : {});

function resultOf(status: JsonObject): GuestExecResult {
  const output = (name: string): Buffer => Buffer.from(String(status[name] ?? ''), 'base64');
  const number = (name: string): number | undefined => (status[name] === undefined ? undefined : Number(status[name]));
  return {
    exitCode: number('exitcode'),
    signal: number('signal'),
    stdout: output('out-data'),
    stderr: output('err-data'),
    truncated: status['out-truncated'] === true || status['err-truncated'] === true,
  };
}
