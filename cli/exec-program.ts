import { spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openAgent } from '../runtime/qmp/agent.js';
import type { QmpClient } from '../runtime/qmp/client.js';
import { QmpConnectionError } from '../runtime/qmp/failure.js';
import { RunningProgram } from '../runtime/qmp/running-program.js';
import type { AnySchema } from '../runtime/qmp/schema.js';
import type { Host } from './host.js';
import { explained } from './program-client.js';
import { startProgram, wordsOf } from './shell/started-program.js';
import { UserError } from './user-error.js';

/** The program of a command line. */
export function programIn(commandLine: string): string {
  const [program] = wordsOf(commandLine);
  if (program === undefined) throw new UserError('exec: needs the command line of a program');
  return program;
}

/** A program that is asked something, and a client that is connected to it. */
export interface AskedProgram {
  readonly client: QmpClient;
  /** Closes the connection; ends a program that was started to be asked, and waits for that. */
  close(): Promise<unknown>;
}

/** A program that runs already, and goes on when it has been asked. */
export async function alreadyRunning(connecting: Promise<QmpClient>): Promise<AskedProgram> {
  const client = await connecting;
  return { client, close: () => client.close() };
}

/**
 * Starts the program of a command line to ask it something. It is given a QMP socket of its own, or asked at the one that its command line makes
 * with `-qmp`; a system emulator opens no window. It ends with this process at the latest, however that ends.
 *
 * @throws UserError when it does not start, or does not greet
 */
export async function execProgram(commandLine: string, host: Host): Promise<AskedProgram> {
  const words = wordsOf(commandLine);
  const program = programIn(commandLine);
  const silence = { silence: 'the program was ended: it must speak QMP' };
  const own = ownSocket(words);
  if (own !== undefined) return explained(atOwnSocket(words, own, host), silence);
  const isEmulator = /qemu-system|^qemu|kvm/.test(basename(program)) && !/storage-daemon/.test(program);
  const hidden = isEmulator && !words.some((word) => /^--?(display|nographic|vnc|daemonize)$/.test(word));
  const whole = hidden ? `${commandLine} -display none` : commandLine;
  return explained(startProgram(whole, {}, host), silence);
}

/** Where the command line itself makes a monitor that listens: the value of `-qmp`. */
function ownSocket(words: readonly string[]): string | undefined {
  const at = words.findIndex((word) => /^--?qmp(-pretty)?$/.test(word));
  const [address = '', ...options] = at < 0 ? [] : (words[at + 1] ?? '').split(',');
  const listens = options.some((option) => /^server(=on)?$/.test(option));
  const [, path, port] = /^(?:unix:(.+)|tcp:(.+:\d+))$/.exec(address) ?? [];
  return listens ? (path ?? port) : undefined;
}

async function atOwnSocket(words: readonly string[], address: string, host: Host): Promise<AskedProgram> {
  const running = await start(words[0] as string, words.slice(1), host);
  try {
    const place = /^[^/]*:\d+$/.test(address) ? address : resolve(host.cwd, address);
    const client = await running.connect<AnySchema>(place, {});
    return { client, close: () => end(running, client) };
  } catch (error) {
    await end(running);
    throw error;
  }
}

/**
 * Starts a guest agent on this machine, with a socket and files of its own.
 *
 * @throws UserError when it does not start, or does not answer
 */
export async function execAgent(commandLine: string, host: Host): Promise<AskedProgram> {
  const program = programIn(commandLine);
  const [, ...args] = wordsOf(commandLine);
  const folder = await mkdtemp(join(tmpdir(), 'qapi-ts-'));
  const socket = join(folder, 'qga.sock');
  const files = ['-m', 'unix-listen', '-p', socket, '-t', folder, '-f', join(folder, 'pid')];
  const running = startIn(folder, program, [...args, ...files], host);
  try {
    const client = await explained(agentAt(socket, running));
    return { client, close: () => end(running, client) };
  } catch (error) {
    await end(running);
    throw error;
  }
}

/** How long an agent may take until it listens, in milliseconds. */
const timeToListen = 10_000;

async function agentAt(socket: string, running: RunningProgram): Promise<QmpClient> {
  let ended = false;
  void running.exited.then(() => {
    ended = true;
  });
  for (const deadline = Date.now() + timeToListen; ; ) {
    try {
      return await openAgent(socket, {});
    } catch (error) {
      if (!(error instanceof QmpConnectionError) || Date.now() > deadline) throw error;
      if (ended) throw new UserError(`the guest agent has ended: ${running.stderr.trim() || 'it does not say why'}`);
    }
    await Promise.race([delay(50), running.exited]);
  }
}

async function start(program: string, args: readonly string[], host: Host): Promise<RunningProgram> {
  return startIn(await mkdtemp(join(tmpdir(), 'qapi-ts-')), program, args, host);
}

function startIn(folder: string, program: string, args: readonly string[], { cwd }: Host): RunningProgram {
  return new RunningProgram(program, spawn(program, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] }), folder);
}

/** Ends a program in order, so that it removes what it has made; and then for sure. */
async function end(running: RunningProgram, client?: QmpClient): Promise<void> {
  await client?.close();
  running.child.kill('SIGTERM');
  await Promise.race([running.exited, delay(5000, undefined, { ref: false })]);
  await running.kill();
}
