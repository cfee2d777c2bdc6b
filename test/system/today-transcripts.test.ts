import { exec } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { isQmpFailure } from '../../runtime/qmp/error.js';
import { corpusPath, describeWithCorpus } from '../corpus.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms } from './programs.js';

/*
 * Recorded exchanges with the storage daemon of release 7.2 about bitmaps, filters and new images, made once more with a server of ours and
 * the same programs between them. Compared are the exit codes of programs, success and class of each reply, how jobs end, and what queries
 * say of nodes and bitmaps.
 */

interface Line {
  readonly dir: 'C' | 'S' | '-';
  readonly raw?: string;
  readonly note?: string;
}

interface Message {
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly event?: string;
  readonly data?: { readonly id?: string; readonly status?: string };
}

interface Bitmap {
  readonly name?: string;
  readonly count: number;
  readonly recording: boolean;
  readonly busy: boolean;
  readonly persistent: boolean;
}

interface Node {
  readonly 'node-name': string;
  readonly drv: string;
  readonly ro: boolean;
  readonly image: { readonly 'virtual-size': number };
  readonly 'dirty-bitmaps'?: readonly Bitmap[];
  readonly children?: readonly { readonly child: string; readonly 'node-name': string }[];
}

interface JobInfo {
  readonly id: string;
  readonly status: string;
  readonly error?: string;
}

/** A recording: what it does not say it had, what is left out of it and why, and how many replies are compared at least. */
interface Recording {
  readonly name: string;
  readonly files: readonly string[];
  readonly skipped: readonly (readonly [pattern: RegExp, why: string])[];
  /** Bitmaps that are not compared. */
  readonly unlike?: RegExp;
  readonly least: number;
}

const recordings: readonly Recording[] = [
  {
    name: 'bitmaps-merge-and-backup-modes',
    files: [],
    skipped: [],
    // A bitmap that 7.2 leaves disabled after a transaction that has failed, and one that depends on how far a backup had come.
    unlike: /^(q1|tt)$/,
    least: 140,
  },
  {
    name: 'filters',
    files: [],
    skipped: [],
    least: 55,
  },
  {
    name: 'permission-conflicts',
    files: [],
    skipped: [],
    least: 52,
  },
  {
    name: 'create-jobs',
    files: ['vmdk', 'vdi', 'vpc', 'vhdx', 'qed', 'parallels', 'qcow', 'luks']
      .map((format) => `f_${format}`)
      .concat('e1', 'e2'),
    skipped: [
      [/"hwversion":"x"/, 'a hardware version that is none is refused'],
      [/"driver":"qcow",.*"encrypt"/, 'no image is made that is encrypted in the old way'],
      [/"table-size":1\b/, 'QEMU makes such an image, and cannot open it'],
      [/"driver":"qed".*"size":1048576,"backing-fmt"/, 'a format of no backing file is refused'],
      [/"cipher-alg":"(serpent|cast5)/, 'ciphers that Node.js does not have'],
    ],
    least: 150,
  },
];

const shell = promisify(exec);
const before = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'today-transcripts-'));

/** What queries say of the nodes that have names of their own. */
function described(nodes: readonly Node[], unlike: RegExp | undefined): object {
  const named = nodes.filter((node) => !node['node-name'].startsWith('#'));
  return Object.fromEntries(
    named.map((node) => [
      node['node-name'],
      {
        drv: node.drv,
        ro: node.ro,
        // Files of images are longer here and shorter there until clusters are used, and so is what is raw over one.
        size: node.drv === 'file' || /^raw\d$/.test(node['node-name']) ? undefined : node.image['virtual-size'],
        bitmaps: (node['dirty-bitmaps'] ?? [])
          // Those without names are the daemon's own for its jobs.
          .filter(({ name }) => name !== undefined && !unlike?.test(name))
          .map(({ name, count, recording, busy, persistent }) =>
            JSON.stringify({ name, count, recording, busy, persistent }),
          )
          .sort(),
      },
    ]),
  );
}

const moving = ['created', 'running', 'aborting', 'waiting'];

const ended = (jobs: readonly JobInfo[]): boolean => jobs.every(({ status }) => status === 'concluded');

/** One pass through a recording. */
class Replay {
  compared = 0;
  /** A job of the recording is not there, and neither is what is asked of it. */
  #jobless = false;
  readonly #client = new LayerClient();
  readonly #recording: Recording;

  constructor(recording: Recording) {
    this.#recording = recording;
  }

  async run(lines: readonly Line[]): Promise<void> {
    await this.#client.execute('object-add', { 'qom-type': 'secret', id: 's0', data: 'abc' });
    let text: string | undefined;
    const statuses = new Map<string, string>();
    for (const { dir, raw = '', note = '' } of lines) {
      if (dir === '-') await this.#program(note);
      if (dir === 'C') {
        // Jobs that make images are waited for when they are asked about.
        if (this.#recording.name !== 'create-jobs') await this.#settle(statuses);
        text = raw;
      }
      if (dir !== 'S' || raw === '') continue;
      const message = JSON.parse(raw) as Message;
      if (message.event === 'JOB_STATUS_CHANGE') statuses.set(message.data?.id ?? '', message.data?.status ?? '');
      if (message.event !== undefined || text === undefined) continue;
      if (text.includes('"execute":"quit"')) break;
      await this.#exchange(text, message);
      text = undefined;
    }
  }

  close(): Promise<void> {
    return this.#client.layer.close();
  }

  /** Runs what the recording ran. */
  async #program(note: string): Promise<void> {
    const [, command, status] = /^in the folder of the images: ([\s\S]*?) -> status (\d+)/.exec(note) ?? [];
    if (command === undefined) return;
    const code = await shell(command).then(
      () => 0,
      (error: { code: number }) => error.code,
    );
    expect({ command, code }).toEqual({ command, code: Number(status) });
  }

  /** Waits until each job has come as far as it had in the recording, or is not going to come any further. */
  async #settle(statuses: Map<string, string>): Promise<void> {
    const reached = ([id, status]: readonly [string, string]): boolean =>
      this.#client.events.some(({ name, data }) => {
        const change = data as Message['data'];
        return name === 'JOB_STATUS_CHANGE' && change?.id === id && change.status === status;
      });
    for (let waited = 0; waited < 500 && ![...statuses].every(reached); waited++) {
      const jobs = (await this.#client.execute('query-jobs')) as JobInfo[];
      // One that is ready is about to end when the recording shows that it did.
      const ends = ({ id, status }: JobInfo): boolean => status === 'ready' && statuses.get(id) === 'null';
      if (!jobs.some((job) => moving.includes(job.status) || ends(job))) break;
      await pause();
    }
    statuses.clear();
    this.#client.events.length = 0;
  }

  async #exchange(text: string, reply: Message): Promise<void> {
    const { execute, arguments: args = {} } = JSON.parse(text);
    const { skipped, unlike } = this.#recording;
    if (execute === 'qmp_capabilities' || execute === 'x-debug-query-block-graph') return;
    const left = skipped.some(([pattern]) => pattern.test(text));
    if (execute === 'blockdev-create') this.#jobless = left;
    if (left || (this.#jobless && ['query-jobs', 'job-dismiss'].includes(execute))) return;
    if (execute === 'query-jobs') return this.#jobs(reply.return as JobInfo[]);
    // How fast keys are derived is a matter of the machine.
    if (args.options?.driver === 'luks') args.options['iter-time'] ??= 10;
    if (execute === 'blockdev-reopen') await this.#renamed(args.options);
    const ours: Message = await this.#client.execute(execute, args).then(
      (result) => ({ return: result ?? {} }),
      (error: unknown) => {
        if (!isQmpFailure(error)) throw error;
        return { error: { class: error.class, desc: error.message } };
      },
    );
    this.compared++;
    const class_ = (message: Message) => message.error?.class ?? 'success';
    expect({ text, class: class_(ours), said: ours.error?.desc }).toEqual({
      text,
      class: class_(reply),
      said: ours.error?.desc,
    });
    if (execute === 'blockdev-backup' && reply.error === undefined) await this.#begun();
    if (execute !== 'query-named-block-nodes') return;
    expect({ text, ...described(ours.return as Node[], unlike) }).toEqual({
      text,
      ...described(reply.return as Node[], unlike),
    });
  }

  /** A limited job copies once, and then waits: for as long as the recording did nothing. */
  async #begun(): Promise<void> {
    for (let waited = 0; waited < 30; waited++) {
      const jobs = (await this.#client.execute('query-block-jobs')) as { readonly offset: number }[];
      if (jobs.every(({ offset }) => offset > 0)) return;
      await pause();
    }
  }

  /** The recording asked for jobs until they had ended. */
  async #jobs(theirs: readonly JobInfo[]): Promise<void> {
    if (!ended(theirs)) return;
    let ours: JobInfo[] = [];
    for (let waited = 0; waited < 500; waited++) {
      ours = (await this.#client.execute('query-jobs')) as JobInfo[];
      if (ended(ours)) break;
      await pause();
    }
    // It failed for want of time.
    if (theirs.some(({ error }) => error?.includes('accurate CPU usage'))) return;
    this.compared++;
    const outcome = ({ id, error }: JobInfo) => ({ id, failed: error !== undefined });
    expect(ours.map(outcome)).toEqual(theirs.map(outcome));
  }

  /** A name that was made for a file is another one here. */
  async #renamed(all: { file?: string; 'node-name': string }[]): Promise<void> {
    const nodes = (await this.#client.execute('query-named-block-nodes')) as Node[];
    for (const options of all) {
      if (!options.file?.startsWith('#')) continue;
      const node = nodes.find((each) => each['node-name'] === options['node-name']);
      options.file = node?.children?.find(({ child }) => child === 'file')?.['node-name'] ?? options.file;
    }
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10));
}

describeWithPrograms('recorded exchanges about bitmaps, filters and new images', ['qemu-img', 'qemu-io'], () => {
  describeWithCorpus('of 7.2', 'transcripts', () => {
    afterAll(() => {
      process.chdir(before);
      rmSync(folder, { recursive: true, force: true });
    });

    it.each(recordings)(
      'qsd-today-$name',
      async (recording) => {
        const images = join(folder, recording.name);
        mkdirSync(images, { recursive: true });
        process.chdir(images);
        for (const file of recording.files) writeFileSync(file, '');
        const text = readFileSync(corpusPath('transcripts', `qsd-today-${recording.name}.jsonl`), 'utf8');
        const lines = text.replaceAll('/images', images).trim().split('\n');
        const replay = new Replay(recording);
        try {
          await replay.run(lines.map((line) => JSON.parse(line) as Line));
        } finally {
          await replay.close();
        }
        expect(replay.compared).toBeGreaterThanOrEqual(recording.least);
      },
      60_000,
    );
  });
});
