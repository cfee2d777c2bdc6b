import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { isQmpFailure } from '../../runtime/qmp/error.js';
import { corpusPath, describeWithCorpus } from '../corpus.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { withoutDrains } from './job-events.js';
import { describeWithPrograms } from './programs.js';

/*
 * Recorded exchanges with a real storage daemon of release 7.2 about jobs, bitmaps and transactions, on images like those that it had. Compared
 * are success, the class of errors, and the events of each step in the order of each job, with their members,
 * JOB_STATUS_CHANGE included. What is not compared: pairs of paused and running that come of a drained section of the graph.
 */

interface Message {
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly event?: string;
  readonly data?: { readonly [member: string]: unknown };
  readonly execute?: string;
  readonly arguments?: { readonly [member: string]: unknown };
}

interface Step {
  readonly request: Message;
  readonly text: string;
  readonly reply: Message;
  /** Events from this request on to the next one. */
  readonly events: readonly Message[];
}

/** Where a recording is not followed any further, and why. */
const until: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/"execute":"quit"/, 'the server itself executes it, not the block layer'],
  [
    /"node-name":"top","file":"topf","backing":"mid"/,
    'there, a drained section ends the wait for a speed: the job is done early',
  ],
  [/"target":"bad"/, 'blkdebug fails requests of a kind here only at an event'],
];

/** Steps that are left out, and why. */
const unlike: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/"execute":"x-debug-query-block-graph"/, 'ids and names in it are its own affair'],
  [/"(drop-cache|x-check-cache-dropped)"/, 'the file driver here has no such options'],
];

/** Members that depend on how far a job had come. */
const timed = new Set(['BLOCK_JOB_CANCELLED']);

const folder = mkdtempSync(join(tmpdir(), 'job-transcripts-'));
const here = (text: string): string => text.replaceAll('/images', folder);

interface Line {
  readonly dir: string;
  readonly raw?: string;
  readonly note?: string;
}

function recording(name: string): Line[] {
  const lines = readFileSync(corpusPath('transcripts', `${name}.jsonl`), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line) => JSON.parse(line));
}

/** Makes the images that a recording says it had. */
function prepare(name: string): void {
  for (const { note = '' } of recording(name)) {
    const command = /^in the folder of the images: ([\s\S]*?) -> status 0/.exec(note)?.[1];
    if (command === undefined) continue;
    for (const image of ['base', 'mid', 'top']) rmSync(join(folder, `${image}.qcow2`), { force: true });
    execFileSync('sh', ['-c', command], { cwd: folder });
  }
}

/** Relative names of images are those in the folder. */
function inFolder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inFolder);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      key === 'filename' && typeof item === 'string' && !item.startsWith('/') ? join(folder, item) : inFolder(item),
    ]),
  );
}

function steps(name: string): Step[] {
  const found: { request: Message; text: string; reply?: Message; events: Message[] }[] = [];
  for (const { dir, raw = '' } of recording(name)) {
    const last = found.at(-1);
    if (dir === 'C') found.push({ request: JSON.parse(here(raw)), text: raw, events: [] });
    else if (dir === 'S' && last !== undefined && raw !== '') {
      const message = JSON.parse(here(raw)) as Message;
      if (message.event === undefined) last.reply = message;
      else last.events.push(message);
    }
  }
  return found.flatMap(({ request, text, reply, events }) =>
    reply === undefined || request.execute === 'qmp_capabilities' ? [] : [{ request, text, reply, events }],
  );
}

const described = ({ event, data = {} }: Message): object => {
  const { device, len, offset, ...others } = data;
  if (event === 'JOB_STATUS_CHANGE') return { event, ...data };
  if (timed.has(event ?? '')) return { event, device, type: data.type };
  // Since 10.1, a mirror to what is zero does not count what its source has not; the recordings are older.
  if (data.type === 'mirror') return { event, device, ...others };
  // How far the others had come when one failed is a matter of time.
  const done = data.error === undefined ? { offset } : {};
  return { event, device, len, ...done, ...others };
};

/** Events as they are compared; those without data are of no job. */
const comparable = (events: readonly Message[]): object[] =>
  withoutDrains(events.map((message) => ({ ...message, data: message.data ?? {} }))).map(described);

describeWithPrograms('recorded exchanges about jobs', ['qemu-img', 'qemu-io'], () => {
  describeWithCorpus('of 7.2', 'transcripts', () => {
    beforeEach(() => {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
      const run = (program: string, ...args: string[]) => execFileSync(program, args, { cwd: folder });
      run('qemu-img', 'create', '-q', '-f', 'qcow2', 'base.qcow2', '4M');
      for (const [overlay, base] of [
        ['mid', 'base'],
        ['top', 'mid'],
      ] as const) {
        const backing = join(folder, `${base}.qcow2`);
        run('qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', backing, `${overlay}.qcow2`);
      }
      for (const target of ['target', 'target2']) {
        run('qemu-img', 'create', '-q', '-f', 'qcow2', `${target}.qcow2`, '4M');
      }
      run('qemu-io', '-c', 'write -P 1 0 1M', 'base.qcow2');
      run('qemu-io', '-c', 'write -P 2 1M 512k', 'mid.qcow2');
      run('qemu-io', '-c', 'write -P 3 2M 256k', 'top.qcow2');
    }, 60_000);
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it.each([
      ['qsd-job-blockdev-backup', 30],
      ['qsd-job-commit', 8],
      ['qsd-job-drive-backup', 10],
      ['qsd-job-drive-mirror', 5],
      ['qsd-job-io-errors', 11],
      ['qsd-job-mirror-cancel-and-errors', 14],
      ['qsd-job-mirror-complete', 6],
      ['qsd-job-stream', 8],
      ['qsd-transaction', 28],
      ['qsd-dirty-bitmaps', 15],
      ['qsd-today-job-lifecycle', 120],
      ['qsd-today-grouped-transactions', 20],
      ['qsd-today-job-argument-errors', 20],
      ['qsd-today-reopen', 70],
    ])(
      '%s',
      async (file, least) => {
        const client = new LayerClient();
        prepare(file);
        let compared = 0;
        try {
          for (const { request, text, reply, events } of steps(file)) {
            if (until.some(([pattern]) => pattern.test(text))) break;
            if (text.includes('"event":"none"') || unlike.some(([pattern]) => pattern.test(text))) continue;
            client.events.length = 0;
            const { execute: command = '', arguments: args = {} } = request;
            const ours = await client.execute(command, inFolder(args) as object).then(
              () => undefined,
              (error: unknown) => {
                if (!isQmpFailure(error)) throw error;
                return error.class;
              },
            );
            expect({ text, class: ours }).toEqual({ text, class: reply.error?.class });
            const wanted = comparable(events);
            const seen = () =>
              comparable(client.events.map(({ name, data }) => ({ event: name, data: data as never })));
            const deadline = Date.now() + 10_000;
            while (seen().length < wanted.length && Date.now() < deadline) {
              await new Promise((resolve) => setTimeout(resolve, 5));
            }
            expect({ text, events: seen() }).toEqual({ text, events: wanted });
            compared++;
          }
        } finally {
          await client.layer.close();
        }
        expect(compared).toBeGreaterThanOrEqual(least);
      },
      120_000,
    );
  });
});
