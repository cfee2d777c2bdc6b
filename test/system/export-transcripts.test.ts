import { exec } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isQmpFailure } from '../../runtime/qmp/error.js';
import { corpusPath, describeWithCorpus } from '../corpus.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms } from './programs.js';

/*
 * Recorded exchanges with the storage daemon of release 7.2 about exports, TLS and objects, made once more with a server of ours: the same
 * commands, and between them the same programs with the same images. Compared are success, class and text of errors, results,
 * events up to each reply, and what nbdinfo shows.
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
  readonly data?: unknown;
}

/** What is not compared, and why. */
const skipped: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/"execute":"(qmp_capabilities|quit|query-commands)"/, 'of the connection'],
  [/"execute":"(block-latency-histogram-set|human-monitor-command|query-iothreads)"/, 'the daemon has it not'],
  [/"execute":"query-blockstats"/, 'compared elsewhere'],
  [/"execute":"qom-list-types"/, 'other types'],
  [/"props"/, 'the older form, which this server takes'],
];

/** Texts of errors that are ours, by what the daemon says. */
const words: readonly (readonly [daemon: RegExp, ours: RegExp])[] = [
  [/^Permission conflict on node '(.*)': permissions 'resize'/, /resize/],
];

const folder = mkdtempSync(join(tmpdir(), 'export-transcripts-'));
const shell = promisify(exec);

function linesOf(name: string, images: string): Line[] {
  const text = readFileSync(corpusPath('transcripts', `${name}.jsonl`), 'utf8');
  return text
    .replaceAll('/images', images)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

/** What nbdinfo says of a server that wants TLS: before libnbd 1.24 in general words, and with what it found out before. */
const refusedBeforeTls =
  /^(?:protocol: .* without TLS, .*\n)?(nbdinfo: nbd_opt_go: )(?:server replied with error to opt_go request|the server requires TLS encryption first: .*TLS): /;

/** Runs what the recording ran, and compares what nbdinfo showed. Its line on the contents depends on the version of `file`. */
async function runNote(note: string, images: string): Promise<void> {
  const [, command, status, output = ''] =
    /^in the folder of the images: ([\s\S]*?) -> status (\d+)(?:: ([\s\S]*))?$/.exec(note) ?? [];
  if (command === undefined) return;
  const ended = await shell(command, { cwd: images, encoding: 'utf8' }).then(
    ({ stdout, stderr }) => ({ code: 0, text: stdout + stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      text: error.stdout + error.stderr,
    }),
  );
  expect({ command, code: ended.code }).toEqual({ command, code: Number(status) });
  if (!command.includes('nbdinfo') || command.includes('>')) return;
  const facts = (text: string): string =>
    text
      .replaceAll(images, 'DIR')
      .replace(/content: .*?(?= contexts:|$)/s, '')
      .replace(/^\S*\/(?=nbdinfo: )/gm, '')
      .replace(refusedBeforeTls, '$1refused before TLS')
      .trim();
  expect({ command, text: facts(ended.text) }).toEqual({ command, text: facts(output) });
}

/** A result without what depends on chance. */
function comparable(value: unknown): unknown {
  return Array.isArray(value) ? new Set(value.map((item) => JSON.stringify(item, Object.keys(item).sort()))) : value;
}

async function replay(name: string): Promise<number> {
  const images = join(folder, name);
  mkdirSync(images, { recursive: true });
  const cwd = process.cwd();
  process.chdir(images);
  const client = new LayerClient();
  let compared = 0;
  let events: Message[] = [];
  let pending: string | undefined;
  try {
    for (const { dir, raw = '', note = '' } of linesOf(name, images)) {
      // From here on, with exports that are not built in.
      if (note === 'fuse/vhost') break;
      if (dir === '-' && note.includes('--object secret,id=sec0')) {
        await client.execute('object-add', { 'qom-type': 'secret', id: 'sec0', data: 'x' });
      }
      if (dir === '-') await runNote(note, images);
      if (dir === 'C') pending = raw;
      if (dir !== 'S' || raw === '' || pending === undefined) continue;
      const message = JSON.parse(raw) as Message;
      if (message.event !== undefined) {
        events.push({ event: message.event, data: message.data });
        continue;
      }
      const text = pending;
      const before = events;
      pending = undefined;
      events = [];
      if (skipped.some(([pattern]) => pattern.test(text))) continue;
      compared++;
      await compare(client, text, message, before);
    }
  } finally {
    process.chdir(cwd);
    await client.layer.close();
  }
  return compared;
}

async function compare(client: LayerClient, text: string, reply: Message, events: readonly Message[]): Promise<void> {
  const { execute, arguments: args = {} } = JSON.parse(text);
  client.events.length = 0;
  const ours: Message = await client.execute(execute, args).then(
    (result) => ({ return: result ?? {} }),
    (error: unknown) => {
      if (!isQmpFailure(error)) throw error;
      return { error: { class: error.class, desc: error.message } };
    },
  );
  const sent = client.events.filter(({ name }) => name === 'BLOCK_EXPORT_DELETED');
  expect({ text, events: sent.map(({ name, data }) => ({ event: name, data })) }).toEqual({ text, events });
  if (reply.error === undefined) {
    expect({ text, ...ours, return: comparable(ours.return) }).toEqual({ text, return: comparable(reply.return) });
    return;
  }
  expect({ text, class: ours.error?.class }).toEqual({ text, class: reply.error.class });
  const { desc } = reply.error;
  const [, own] = words.find(([daemon]) => daemon.test(desc)) ?? [];
  if (own !== undefined) expect(ours.error?.desc).toMatch(own);
  else expect(`${text}: ${ours.error?.desc}`).toContain(`${text}: ${desc}`);
}

describeWithPrograms('recorded exchanges about exports', ['qemu-img', 'qemu-io', 'nbdinfo', 'timeout'], () => {
  describeWithCorpus('of 7.2', 'transcripts', () => {
    beforeAll(() => void mkdirSync(folder, { recursive: true }));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it.each(['qsd-today-exports', 'qsd-today-tls-and-objects'])(
      '%s',
      async (name) => {
        expect(await replay(name)).toBeGreaterThan(10);
      },
      60_000,
    );
  });
});
