import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadSchema } from '../../generator/schema/load.js';
import { qapiTs } from '../cli/command-line.js';
import { corpusPath, describeWithCorpus } from '../corpus.js';
import { type DocumentedExample, differences, documentedExamples } from './documented-examples.js';
import { type SetUp, setUps } from './documented-set-ups.js';
import { describeWithPrograms } from './programs.js';

/*
 * Each exchange that the documentation of a release shows for a command of ours is made with a server that has what it speaks of,
 * and answered as documented.
 */

const run = promisify(execFile);
const ownSchema = join(import.meta.dirname, '../../qapi/qapi-schema.json');
const before = process.cwd();
let folder: string;

type Message = { readonly [member: string]: unknown };

/** Where examples have their images. */
const here = (message: unknown): unknown =>
  JSON.parse(JSON.stringify(message).replaceAll(/\/(?:some\/place|tmp|srv\/images|dev\/fdset)\//g, `${folder}/`));

class Client {
  readonly #socket: Socket;
  readonly #received: AsyncIterator<string>;

  constructor(path: string) {
    this.#socket = connect(path);
    this.#received = createInterface(this.#socket)[Symbol.asyncIterator]();
  }

  async next(): Promise<Message> {
    const { value, done } = await this.#received.next();
    if (done) throw new Error('The server has closed the connection');
    return JSON.parse(value);
  }

  /** Makes a request. @returns what comes up to the reply, which is the last */
  async request(request: unknown): Promise<Message[]> {
    this.#socket.write(`${JSON.stringify(request)}\n`);
    const messages: Message[] = [];
    for (;;) {
      const message = await this.next();
      messages.push(message);
      if (message.event === undefined) return messages;
    }
  }

  async close(): Promise<void> {
    this.#socket.end();
    if (!this.#socket.closed) await once(this.#socket, 'close');
  }
}

/** Plays an example with a server set up for it. @returns what differs */
async function play({ name, messages }: DocumentedExample): Promise<string[]> {
  const { images = {}, links = {}, options = [], before: requests = [], greeted = false }: SetUp = setUps[name] ?? {};
  rmSync(folder, { recursive: true, force: true });
  folder = mkdtempSync(join(tmpdir(), 'documented-'));
  process.chdir(folder);
  for (const [file, [format, ...rest]] of Object.entries(images)) {
    const size = rest.filter((word) => /^\d/.test(word));
    await run('qemu-img', [
      'create',
      '-q',
      '-f',
      format,
      ...rest.filter((word) => !size.includes(word)),
      file,
      ...size,
    ]);
  }
  for (const [link, path] of Object.entries(links)) symlinkSync(path, join(folder, link));
  const stop = new AbortController();
  let ready = (): void => {};
  const started = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const ended = qapiTs(['serve', '--qmp', 'unix:qmp.sock', ...options], {
    signal: stop.signal,
    onOutput: (text) => {
      if (text.includes('"msg":"ready"')) ready();
    },
  });
  const early = await Promise.race([started, ended]);
  if (early !== undefined) return [`the server does not start: ${early.stderr}`];
  const client = new Client('qmp.sock');
  const found: string[] = [];
  try {
    await client.next();
    if (!greeted) await client.request({ execute: 'qmp_capabilities' });
    for (const [execute, args] of requests) {
      const reply = (await client.request({ execute, arguments: args })).at(-1);
      if (reply?.error !== undefined) return [`${execute} fails: ${JSON.stringify(reply.error)}`];
    }
    let received: Message[] = [];
    for (const { sent, message } of messages) {
      if (sent) received = await client.request(here(message));
      else if (message !== undefined) found.push(...unlike(message, received));
    }
    return found;
  } finally {
    await client.close();
    stop.abort();
    await ended;
  }
}

/** What is documented, and was not received. */
function unlike(documented: Message, received: readonly Message[]): string[] {
  if (typeof documented.event === 'string') {
    const sent = received.find(({ event }) => event === documented.event);
    return sent === undefined ? [`no ${documented.event}`] : differences(here(documented.data), sent.data, 'data');
  }
  const reply = received.at(-1);
  const kind = 'error' in documented ? 'error' : 'return';
  if (!reply || !(kind in reply)) return [`${kind} is documented, not ${JSON.stringify(reply)}`];
  return differences(here(documented[kind]), reply[kind], kind);
}

/** Examples that are answered otherwise, how, and why. */
const exceptions: { readonly [example: string]: readonly [difference: RegExp, why: string] } = {
  'query-block': [
    /^(return\[0\]\.inserted\.(\w+_max|iops_size|image\.backing_file) is missing\n?)+$/,
    'QEMU, too, shows bursts and sizes only where they are set, and `backing-filename` in the place of `backing_file`',
  ],
  'query-blockstats': [
    /^(return\[\d\]\.(parent\.)?stats\.(\w+_total_times_ns is missing|idle_time_ns is missing|account_invalid.*)(\n|$))+$/,
    'the members are `…_time_ns` in schema and programs; nodes have no idle times and do not account, as in QEMU',
  ],
  'query-named-block-nodes': [
    /^(return\[0\]\.(\w+_max|iops_size|image\.backing_file) is missing\n?|return\[0\]\.(bps|iops): 1000000 is documented, not 0\n?)+$/,
    'nodes themselves have no limits, as in QEMU',
  ],
  'blockdev-snapshot-delete-internal-sync': [
    /^return\.icount is missing$/,
    'QEMU shows instructions only where it counts them for a replay',
  ],
  'block_set_io_throttle 1': [/bps-total-max-length is 0/, 'QEMU does not take a burst of 0 seconds either'],
  transaction: [/"write\\" lock/, 'two of the overlays are one file, which QEMU locks, too'],
  'qom-list': [/"DeviceNotFound/, 'character devices are not in the tree of objects'],
  'qom-get 1': [/"DeviceNotFound/, 'a processor, of which there are none'],
  'qom-get 2': [/"DeviceNotFound/, 'a bus, of which there are none'],
  'qom-set': [/'container\.graphics' not found/, 'there are no graphics'],
  'object-add': [/qom-type: expected one of/, 'there is no guest that needs random numbers'],
  device_add: [/'e1000' is not a valid device model name/, 'there are disks only'],
  'device_del 2': [/"DeviceNotFound/, 'a device without an id has that of its drive, or a free one'],
  'query-tpm': [/1 elements are documented/, 'there is no such thing without a guest'],
  'query-tpm-models': [/3 elements are documented/, 'the same'],
  'query-tpm-types': [/2 elements are documented/, 'the same'],
  'query-cpus-fast': [/2 elements are documented/, 'there are no processors'],
  'human-monitor-command': [/unknown command: 'info kvm'/, 'there are no processors'],
  'query-command-line-options': [/There is no option 'option-rom'/, 'there are no devices with ROMs'],
};

const played = new Set<string>();

describeWithPrograms('documented examples', ['qemu-img'], () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'documented-'));
  });
  afterAll(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  });

  describeWithCorpus('of releases', 'releases', () => {
    it.each(['10.1', '11.1'])(
      'the server answers each exchange that the documentation of %s shows',
      async (release) => {
        const { schema: own } = await loadSchema(ownSchema, { advice: false });
        if (!own) throw new Error('The own schema is wrong');
        const examples = await documentedExamples(corpusPath('releases', release, 'qapi/qapi-schema.json'), own);
        expect(examples.length).toBeGreaterThan(67);
        const unexpected: string[] = [];
        for (const example of examples) {
          // Most are the same in both releases.
          const text = JSON.stringify(example);
          if (played.has(text)) continue;
          played.add(text);
          const found = await play(example);
          const [expected] = exceptions[example.name] ?? [/^$/];
          if (expected.test(found.join('\n'))) continue;
          unexpected.push(`${example.name}: ${found.join('; ') || 'is answered as documented now'}`);
        }
        expect(unexpected).toEqual([]);
      },
      120_000,
    );
  });
});
