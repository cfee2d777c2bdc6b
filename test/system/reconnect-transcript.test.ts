import { type ChildProcess, exec, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it, onTestFinished, vi } from 'vitest';
import { isQmpFailure } from '../../runtime/qmp/error.js';
import { corpusPath, describeWithCorpus } from '../corpus.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { SimulatedClock } from '../runtime/block/simulated-clock.js';
import { describeWithPrograms } from './programs.js';

/*
 * The recorded exchange with the storage daemon of 7.2 about an NBD server that goes away and comes back, and about ends with jobs, made once
 * more. Time stands still but where the recording says that it passes, so that a node is connected again when it was there.
 */

interface Line {
  readonly dir: 'C' | 'S' | '-';
  readonly raw?: string;
  readonly note?: string;
}

interface Event {
  readonly event?: string;
  readonly data?: { readonly id?: string; readonly device?: string; readonly status?: string };
}

const second = 1e9;
const shell = promisify(exec);
const before = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'reconnect-'));

/** A server that the nodes are clients of, which is killed and started. */
class Server {
  #child: ChildProcess | undefined;

  async start(): Promise<void> {
    rmSync('n.sock', { force: true });
    this.#child = spawn('qemu-nbd', ['-t', '-e', '9', '-k', join(folder, 'n.sock'), '-x', 'ex', '-f', 'raw', 's.img']);
    await vi.waitFor(() => expect(existsSync('n.sock')).toBe(true), { timeout: 20_000 });
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}

/** What of an event is compared. Jobs pause and go on while others end, as often as it takes. */
function outline({ event, data }: Event): string | undefined {
  if (event === 'JOB_STATUS_CHANGE' && ['paused', 'running', 'standby', 'ready'].includes(data?.status ?? '')) {
    return undefined;
  }
  return `${event} ${data?.id ?? data?.device} ${data?.status ?? ''}`;
}

class Replay {
  compared = 0;
  readonly server = new Server();
  #clock = new SimulatedClock();
  #client = new LayerClient({ clock: this.#clock });
  #text: string | undefined;
  #expected: string[] = [];
  /** Reads since the server was killed, and before which of them it comes back. */
  #reads = 0;
  #backAt = 0;

  async run(lines: readonly Line[]): Promise<void> {
    for (const { dir, raw = '', note = '' } of lines) {
      if (dir === '-') await this.#note(note);
      if (dir === 'C') {
        await this.#come(this.#expected);
        this.#text = raw.includes('"quit"') ? undefined : raw;
      }
      if (dir !== 'S' || raw === '') continue;
      const message = JSON.parse(raw) as Event & { readonly return?: unknown; readonly error?: { class: string } };
      const known = message.event === undefined ? undefined : outline(message);
      if (known !== undefined) this.#expected.push(known);
      if (message.event === undefined && this.#text !== undefined) await this.#exchange(this.#text, message);
    }
    await this.#end();
  }

  async close(): Promise<void> {
    await this.server.kill();
    await this.#client.layer.close();
  }

  async #note(note: string): Promise<void> {
    const [, command = '', status] = /^in the folder of the images: ([\s\S]*?) -> status (\d+)/.exec(note) ?? [];
    if (command.startsWith('timeout')) return this.#read(command, Number(status));
    if (command !== '') {
      await shell(command);
      await this.server.start();
    }
    if (note.startsWith('qemu-storage-daemon') && this.compared > 0) await this.#end();
    if (note === 'killed and back at once') {
      await this.#kill();
      await this.server.start();
    }
    if (note === 'killed, back after delay passed' || note === 'comes back during delay') {
      await this.#kill();
      this.#reads = 0;
      this.#backAt = note === 'comes back during delay' ? 1 : 5;
    }
    if (note === 'safe del with client') await this.#connect('n2');
  }

  async #kill(): Promise<void> {
    this.#client.warnings.length = 0;
    await this.server.kill();
    await vi.waitFor(() => expect(this.#warned('connection is lost')).toBe(2), { timeout: 20_000 });
  }

  #warned(text: string): number {
    return this.#client.warnings.filter((warning) => warning.includes(text)).length;
  }

  /** A guest reads. Time passes where it waits, or where the server is found again before. */
  async #read(command: string, status: number): Promise<void> {
    this.#reads++;
    // QEMU connects a node when a request comes, which fails: here both have been connected by then.
    if (this.#backAt === 5 && this.#reads === 6) return;
    if (this.#backAt === 5 && this.#reads === 5) {
      await this.server.start();
      while (this.#warned('connected again') < 2) await this.#passes(1);
    }
    let done = false;
    const read = shell(command)
      .then(
        () => 0,
        (error: { code: number }) => error.code,
      )
      .finally(() => {
        done = true;
      });
    if (this.#backAt === 1) {
      await this.#passes(0.5);
      expect(done).toBe(false);
      await this.server.start();
    }
    // The first after the server is gone for long waits in vain.
    const waits = status === 0 || (this.#backAt === 5 && this.#reads === 1);
    while (waits && !done) await this.#passes(0.1);
    expect({ command, status: await read }).toEqual({ command, status });
    this.compared++;
  }

  async #passes(seconds: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 30));
    await this.#clock.advance(seconds * second);
  }

  async #connect(name: string): Promise<void> {
    const client = spawn('qemu-io', ['-f', 'raw', `nbd+unix:///${name}?socket=${join(folder, 'm.sock')}`]);
    onTestFinished(() => void client.kill('SIGKILL'));
    await once(client.stdout, 'data');
  }

  async #exchange(
    text: string,
    reply: { readonly return?: unknown; readonly error?: { class: string } },
  ): Promise<void> {
    const { execute, arguments: args = {} } = JSON.parse(text) as { execute: string; arguments?: object };
    this.#text = undefined;
    if (execute === 'qmp_capabilities') return;
    const ours = await this.#client.execute(execute, args).then(
      (result) => ({ return: result ?? {} }),
      (error: unknown) => {
        if (!isQmpFailure(error)) throw error;
        return { error: { class: error.class } };
      },
    );
    const theirs = reply.error === undefined ? { return: reply.return } : { error: { class: reply.error.class } };
    expect({ text, ...ours }).toEqual({ text, ...theirs });
    this.compared++;
  }

  /** The daemon ends, with what still runs. A mirror is ready before. */
  async #end(): Promise<void> {
    await this.#come(this.#expected.filter((event) => event.startsWith('BLOCK_JOB_READY')));
    await this.#client.layer.close();
    expect(this.#outlines().sort()).toEqual(this.#expected.sort());
    this.compared += this.#expected.length;
    this.#expected = [];
    this.#clock = new SimulatedClock();
    this.#client = new LayerClient({ clock: this.#clock });
  }

  /** Waits for events. */
  async #come(expected: readonly string[]): Promise<void> {
    await vi.waitFor(() => expect(this.#outlines()).toEqual(expect.arrayContaining([...expected])), {
      timeout: 20_000,
    });
  }

  #outlines(): string[] {
    return this.#client.events.flatMap(
      ({ name, data }) => outline({ event: name, data: (data ?? {}) as NonNullable<Event['data']> }) ?? [],
    );
  }
}

describeWithPrograms(
  'a recorded exchange about an NBD server that comes back',
  ['qemu-nbd', 'qemu-img', 'qemu-io'],
  () => {
    describeWithCorpus('of 7.2', 'transcripts', () => {
      afterAll(() => {
        process.chdir(before);
        rmSync(folder, { recursive: true, force: true });
      });

      it('requests wait or fail, and jobs and exports end with the server, as they did there', async () => {
        process.chdir(folder);
        const path = corpusPath('transcripts', 'qsd-today-nbd-client-reconnect-and-shutdown.jsonl');
        const lines = readFileSync(path, 'utf8').replaceAll('/images', folder).trim().split('\n');
        const replay = new Replay();
        try {
          await replay.run(lines.map((line) => JSON.parse(line) as Line));
        } finally {
          await replay.close();
        }
        expect(replay.compared).toBeGreaterThan(40);
      }, 120_000);
    });
  },
);
