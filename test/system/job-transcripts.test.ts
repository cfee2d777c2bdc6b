import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { isQmpFailure } from '../../runtime/qmp/error.js';
import { corpusPath, describeWithCorpus } from '../corpus.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms } from './programs.js';

/*
 * Recorded exchanges with a real storage daemon of release 7.2 about jobs, bitmaps and transactions, on images like those that it had. Requests
 * are put into the shape of 2.8, and what differs between the two releases is listed here. Compared are success, the class of errors,
 * and the events of each job in their order, with their members.
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

/** What 2.8 does not have, or does otherwise, and why. A request that matches is not made, nor is the rest of its life compared. */
const newer: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/"execute":"(query-jobs|job-|block-job-(finalize|dismiss)|x-debug)/, 'later commands'],
  [/"execute":"query-(named|block-jobs)/, 'later members, compared elsewhere'],
  [/auto-finalize|auto-dismiss|"(bk1|e1|m4)"/, 'jobs that wait to be finalized are later'],
  [/"sync":"bitmap"|bitmap-mode|bitmap-(merge|enable|disable)|x-perf|copy-mode|persistent|"name":"b1"/, 'later'],
  [
    /bottom|"base-node":"nope"|"top-node":"nope"|"base":"[^"]*","base-node"|"on-error":"bogus"/,
    'arguments of later releases',
  ],
  [/"type":"block-dirty-bitmap-remove"/, 'an action of later releases'],
  [/"block-job-pause","arguments":\{"device":"bk2"\}/, 'pausing twice is an error later, and no event comes of it'],
  [/"block-job-resume","arguments":\{"device":"bk2"\}/, 'resuming what is not paused is an error later'],
  [
    /"block-job-cancel","arguments":\{"device":"m2","force":true\}|"job-id":"m2"/,
    'force is for paused jobs only in 2.8',
  ],
  [
    /"job-id":"bk5"|"job-id":"i[1-5]"|"device":"i4"/,
    'ended by a later command, or with bitmaps of nodes in the later way',
  ],
  [/"job-id":"bk3","device":"top","target":"tgt","sync":"full","bitmap"/, 'blockdev-backup has no bitmap in 2.8'],
  [/"sync":"full","bitmap":"b"/, 'blockdev-backup has no bitmap in 2.8'],
  [/"job-id":"g0"|"device":"mid","target"|"k0"/, 'a node below another is no root node, which jobs want in 2.8'],
  [
    /"job-id":"h0"/,
    'a backup of a transaction that is aborted is cancelled in 2.8, with an event, and never begins later',
  ],
  [
    /"top-node":"base"/,
    'without base-node, the base is the deepest file below the top in both; refused with another text',
  ],
];

/** Values that differ, by job and event, and why. */
const different: { readonly [key: string]: { readonly [member: string]: unknown } } = {
  // 2.8 counts the whole disk for sync=top, and does not count what is skipped.
  'bk4 BLOCK_JOB_COMPLETED': { len: 4_194_304 },
  'db1 BLOCK_JOB_COMPLETED': { len: 4_194_304 },
};

/** Members that depend on how far a job had come. */
const timed = new Set(['BLOCK_JOB_CANCELLED']);

const folder = mkdtempSync(join(tmpdir(), 'job-transcripts-'));
const here = (text: string): string => text.replaceAll('/images', folder);

function translated({ execute = '', arguments: args = {} }: Message): { command: string; args: object } {
  const command = execute === 'blockdev-del' ? 'x-blockdev-del' : execute;
  if (command === 'blockdev-add') return { command, args: { options: args } };
  const { 'base-node': base, 'top-node': top, ...others } = args;
  const file = (node: unknown): string => join(folder, `${node}.qcow2`);
  return {
    command,
    args: {
      ...others,
      ...(base === undefined ? {} : { base: file(base) }),
      ...(top === undefined ? {} : { top: file(top) }),
    },
  };
}

function steps(name: string): Step[] {
  const found: { request: Message; text: string; reply?: Message; events: Message[] }[] = [];
  for (const line of readFileSync(corpusPath('transcripts', `${name}.jsonl`), 'utf8')
    .trim()
    .split('\n')) {
    const { dir, raw } = JSON.parse(line) as { dir: string; raw: string };
    const last = found.at(-1);
    if (dir === 'C') found.push({ request: JSON.parse(here(raw)), text: raw, events: [] });
    else if (dir === 'S' && last !== undefined) {
      const message = JSON.parse(here(raw)) as Message;
      if (message.event === undefined) last.reply = message;
      else if (message.event !== 'JOB_STATUS_CHANGE') last.events.push(message);
    }
  }
  return found.flatMap(({ request, text, reply, events }) =>
    reply === undefined || request.execute === 'qmp_capabilities' ? [] : [{ request, text, reply, events }],
  );
}

const described = ({ event, data = {} }: Message): object => {
  const { device, len, offset, ...others } = data;
  if (timed.has(event ?? '')) return { event, device, type: data.type };
  // How far the others had come when one failed is a matter of time.
  const done = data.error === undefined ? { offset } : {};
  return { event, device, len, ...done, ...others, ...different[`${device} ${event}`] };
};

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
    ])(
      '%s',
      async (file, least) => {
        const client = new LayerClient();
        let compared = 0;
        try {
          for (const { request, text, reply, events } of steps(file)) {
            if (newer.some(([pattern]) => pattern.test(text))) continue;
            client.events.length = 0;
            const { command, args } = translated(request);
            const ours = await client.execute(command, args).then(
              () => undefined,
              (error: unknown) => {
                if (!isQmpFailure(error)) throw error;
                return error.class;
              },
            );
            expect({ text, class: ours }).toEqual({ text, class: reply.error?.class });
            const wanted = events.map(described);
            const deadline = Date.now() + 30_000;
            while (client.events.length < wanted.length && Date.now() < deadline) {
              await new Promise((resolve) => setTimeout(resolve, 5));
            }
            const seen = client.events.map(({ name, data }) => described({ event: name, data: data as never }));
            expect({ text, events: seen }).toEqual({ text, events: wanted });
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
