import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Listener, listen } from '../../runtime/qmp/server/listen.js';
import type { MockAddress } from '../mock/door.js';
import { MockError } from '../mock/script.js';
import { type RecordedMessage, readRecording } from './recording.js';
import { ReplaySession } from './session.js';

/** How a recording is replayed. */
export interface ReplayOptions {
  /** Where clients are taken. Default: a unix socket in a temporary folder, gone when the replay is closed. */
  readonly listen?: MockAddress;
  /**
   * Names of members of arguments that are another value each time, such as paths of temporary files: their JSON types are
   * compared, and not the values.
   */
  readonly volatile?: readonly string[];
}

/** A server that plays the part of the program in a recorded session. Made by {@link replayQmp}. */
export class Replay implements AsyncDisposable {
  readonly #messages: readonly RecordedMessage[];
  readonly #volatile: ReadonlySet<string>;
  readonly #sessions: ReplaySession[] = [];
  readonly #sockets = new Set<Socket>();
  #listener: Listener | undefined;
  #folder: string | undefined;

  private constructor(messages: readonly RecordedMessage[], { volatile = [] }: ReplayOptions) {
    this.#messages = messages;
    this.#volatile = new Set(volatile);
  }

  /** @internal */
  static async start(messages: readonly RecordedMessage[], options: ReplayOptions): Promise<Replay> {
    const replay = new Replay(messages, options);
    if (!options.listen) replay.#folder = await mkdtemp(join(tmpdir(), 'qapi-ts-replay-'));
    const where = options.listen ?? { path: join(replay.#folder as string, 'qmp.sock') };
    replay.#listener = await listen(where, ({ writable }) => replay.#accept(writable as Socket));
    return replay;
  }

  /** Where it takes clients, as `connect` understands it. */
  get address(): string {
    return (this.#listener as Listener).address;
  }

  /**
   * Checks that a client went through the session to its end, and that none left it.
   *
   * @throws {@link MockError} that names what was sent instead of what was recorded, or what was not sent any more
   */
  verify(): void {
    const problems = this.#sessions.flatMap((session) => session.problems);
    const rests = this.#sessions.map((session) => session.rest);
    if (rests.length === 0) problems.push('no client connected');
    else if (!rests.includes(undefined)) problems.push(`not sent any more: ${rests.at(-1)}`);
    if (problems.length === 0) return;
    throw new MockError(['the session is not as recorded', ...problems.map((problem) => `  ${problem}`)].join('\n'));
  }

  /** Disconnects all clients and takes no more. */
  async close(): Promise<void> {
    const closed = this.#listener?.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    socket.once('end', () => socket.end());
    const session = new ReplaySession(this.#messages, this.#volatile, (text) => void socket.write(text));
    this.#sessions.push(session);
    socket.on('data', (chunk: Buffer) => session.receive(chunk));
    session.start();
  }
}

/**
 * Starts a server that plays the part of the program in a session that a {@link Recorder} has recorded: each client that sends
 * what was sent then is sent what was received then. What differs is answered with an error.
 *
 * @param recording what {@link Recorder} wrote, or its messages
 * @throws SyntaxError when the text is no recording
 * @throws ListenError when the address is malformed or not available
 * @example
 * await using qemu = await replayQmp(await readFile('session.jsonl', 'utf8'), { volatile: ['filename'] });
 * await programUnderTest(await connect(qemu.address));
 * qemu.verify();
 */
export async function replayQmp(
  recording: string | readonly RecordedMessage[],
  options: ReplayOptions = {},
): Promise<Replay> {
  return Replay.start(typeof recording === 'string' ? readRecording(recording) : recording, options);
}
