import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { loadSchema } from '../../../../generator/index.js';
import { type CommandContext, QmpError } from '../../../../runtime/index.js';
import { parseJson } from '../../../../runtime/json/parse.js';
import { createQmpServer, type QmpServer, type QmpServerOptions } from '../../../../runtime/qmp/server/server.js';
import { corpusPath, describeWithCorpus } from '../../../corpus.js';
import { importGenerated } from '../../../generated-code.js';
import {
  bytesOf,
  isReply,
  isTurnedDown,
  leftOut,
  type RecordedConnection,
  type RecordedLine,
  readRecording,
} from './recording.js';

/*
 * Recorded exchanges with real servers of release 7.2, replayed: a client sends ours the same bytes. What a command does is not
 * the protocol's business, so handlers answer as the recording does: its result, or its error. What is compared is the
 * server's own: whether a request reaches its handler or is turned down before, the class of the error, the `id`, the order of
 * replies, and the form of every message to the byte. Not compared are
 *
 * - the descriptions of errors that the server itself words,
 * - the order of members that share a bucket of the reference's hash table, which depends on how its handlers made the object,
 * - what `query-version` and `query-commands` tell, and events.
 *
 * `words` are descriptions that look like the server's but come from a handler that checks its own arguments.
 */
interface Exchange {
  readonly file: string;
  readonly words?: RegExp;
  readonly options?: Partial<QmpServerOptions<object>>;
}

const exchanges: readonly Exchange[] = [
  { file: 'qsd-greeting-negotiation' },
  { file: 'qsd-before-negotiation' },
  { file: 'qsd-dispatch-checks' },
  { file: 'qsd-malformed-json' },
  { file: 'qsd-split-writes-and-resync' },
  { file: 'qsd-limits' },
  { file: 'qsd-id-echo-numbers-strings' },
  { file: 'qsd-pretty-output', options: { layout: { hashOrder: true, pretty: true } } },
  { file: 'integer-and-scalar-types' },
  { file: 'x86-error-classes', words: /'driver' is missing/ },
  { file: 'x86-oob' },
  { file: 'x86-oob-queue-limit' },
  { file: 'x86-in-band-only-pipelining' },
  { file: 'x86-preconfig', options: { preconfig: true } },
  {
    file: 'x86-compat-policy-reject-hide',
    options: {
      policy: { deprecatedInput: 'reject', unstableInput: 'reject', deprecatedOutput: 'hide', unstableOutput: 'hide' },
    },
  },
  { file: 'x86-compat-policy-default' },
  { file: 'qsd-blockdev-add' },
  { file: 'qsd-misc-block-commands' },
  { file: 'qsd-transaction' },
  { file: 'qsd-dirty-bitmaps' },
  { file: 'qsd-nbd-server-and-exports' },
  { file: 'qsd-job-blockdev-backup' },
  { file: 'qsd-job-commit' },
  { file: 'qsd-job-drive-backup' },
  { file: 'qsd-job-drive-mirror' },
  { file: 'qsd-job-io-errors' },
  { file: 'qsd-job-mirror-cancel-and-errors' },
  { file: 'qsd-job-mirror-complete' },
  { file: 'qsd-job-stream' },
  { file: 'x86-qom-and-object-add', words: /'(?:poll-max-ns|share|policy)'/ },
  { file: 'x86-device-add-runstate-events', words: /'vectors'/ },
  { file: 'x86-block-backend-commands' },
  { file: 'qsd-quit' },
  { file: 'x86-quit' },
];

/** A connection that is replayed. */
class Replay {
  /** The recorded replies, in order. */
  readonly wanted: readonly string[];
  /** What our server has sent in their place. */
  readonly got: string[] = [];
  /** The replies that a handler has given. */
  readonly handled = new Set<number>();
  /** Requests that were sent for out-of-band execution: their command by their `id`. */
  readonly #outOfBand: ReadonlyMap<unknown, string>;
  /** The indexes of the replies to requests in-band. */
  readonly #inBand: readonly number[];
  #inBandSent = 0;
  #wake: () => void = () => {};

  constructor(connection: RecordedConnection) {
    this.wanted = connection.lines.filter(isReply).map((line) => line.raw || leftOut);
    this.#outOfBand = new Map(connection.lines.filter((line) => line.dir === 'C').flatMap(outOfBandRequests));
    this.#inBand = [...this.wanted.keys()].filter((index) => this.#isInBand(this.wanted[index] as string));
  }

  sent(text: string): true {
    if (isReply({ dir: 'S', raw: text })) {
      this.got.push(text);
      if (this.#isInBand(text)) this.#inBandSent++;
    }
    this.#wake();
    return true;
  }

  async until(count: number): Promise<void> {
    const deadline = Date.now() + 3000;
    while (this.got.length < count && Date.now() < deadline) {
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
        delay(50),
      ]);
    }
  }

  /** Answers as the recording does: out-of-band at once, in-band when its turn has come. */
  async answer(context: CommandContext): Promise<unknown> {
    const index = (context.outOfBand ? this.#outOfBandIndex(context.command) : this.#inBand[this.#inBandSent]) ?? -1;
    const reply = this.wanted[index];
    if (reply === undefined) throw new Error('the recording has no more replies');
    this.handled.add(index);
    if (!context.outOfBand) while (this.got.length < index) await delay(1);
    const message = parseJson(reply) as { return?: unknown; error?: { class: string; desc: string } };
    if (message.error) throw new QmpError(message.error.desc, { class: message.error.class });
    return message.return;
  }

  /** The reply to the command that is due next; to one without `id`, the next reply of all. */
  #outOfBandIndex(command: string): number {
    const due = this.wanted.findIndex(
      (reply, index) => this.#outOfBand.get(idOf(reply)) === command && !this.handled.has(index),
    );
    return due === -1 ? this.got.length : due;
  }

  #isInBand(reply: string): boolean {
    return !this.#outOfBand.has(idOf(reply));
  }
}

function idOf(reply: string): unknown {
  return /"id": "[^"]*"\}\s*$|^\s*\{"id"/.test(reply) ? (parseJson(reply) as { id?: unknown }).id : undefined;
}

/** The requests for out-of-band execution that a client sent with an `id`, each on a line of its own: `id` and command. */
function outOfBandRequests(line: RecordedLine): [id: unknown, command: string][] {
  return bytesOf(line)
    .toString()
    .split('\n')
    .flatMap((text): [unknown, string][] => {
      if (!text.includes('"exec-oob"')) return [];
      const request = JSON.parse(text) as { execute?: unknown; 'exec-oob'?: string; id?: unknown };
      const command = request['exec-oob'];
      return typeof command === 'string' && !('execute' in request) && 'id' in request ? [[request.id, command]] : [];
    });
}

describeWithCorpus('recorded exchanges', 'transcripts', () => {
  let generated: Record<string, never>;
  let current: Replay | undefined;
  const problems: unknown[] = [];

  beforeAll(async () => {
    const { schema } = await loadSchema(corpusPath('releases/7.2/qapi/qapi-schema.json'));
    if (!schema) throw new Error('the schema of 7.2 is not valid');
    generated = await importGenerated(schema);
  }, 120_000);

  async function start(options: Partial<QmpServerOptions<object>>): Promise<QmpServer> {
    const handler = async (_args: unknown, context: CommandContext) => {
      const result = await current?.answer(context);
      if (context.command === 'x-exit-preconfig') server.completePreconfig();
      return result;
    };
    const server = await createQmpServer<object>({
      dispatch: generated.commands as never,
      events: generated.events as never,
      handlers: new Proxy({}, { get: () => handler }) as never,
      introspection: [],
      version: { major: 7, minor: 2, micro: 22, package: 'Debian 1:7.2+dfsg-7+deb12u18+b3' },
      layout: { hashOrder: true },
      onProblem: (problem) => problems.push(problem),
      ...options,
    });
    return server;
  }

  async function replay(server: QmpServer, connection: RecordedConnection): Promise<Replay> {
    const replaying = new Replay(connection);
    current = replaying;
    const readable = new PassThrough();
    // What the server sends counts from the moment at which it sends it, not when it is written out.
    const writable = Object.assign(new PassThrough(), { write: (text: string) => replaying.sent(text) });
    server.serve({ readable, writable });
    let due = 0;
    for (const line of connection.lines) {
      if (isReply(line)) due++;
      else if (line.dir === 'C') {
        await replaying.until(due);
        readable.write(bytesOf(line));
      }
    }
    await replaying.until(replaying.wanted.length);
    readable.destroy();
    return replaying;
  }

  it.each(exchanges)('$file', async ({ file, words, options = {} }) => {
    const server = await start(options);
    try {
      const differences: unknown[] = [];
      for (const connection of readRecording(file)) {
        const { got, wanted, handled } = await replay(server, connection);
        for (const [index, reply] of wanted.entries()) {
          const difference = compare(reply, got[index], handled.has(index), words);
          if (difference)
            differences.push({
              connection: connection.name,
              index,
              difference,
              wanted: reply.slice(0, 300),
              got: got[index]?.slice(0, 300),
            });
        }
        if (got.length > wanted.length) differences.push({ more: got.slice(wanted.length) });
      }
      expect(problems.splice(0)).toEqual([]);
      expect(differences).toEqual([]);
    } finally {
      await server.close();
    }
  });
});

/** What differs between a recorded reply and ours. */
function compare(
  wanted: string,
  got: string | undefined,
  handled: boolean,
  words: RegExp | undefined,
): string | undefined {
  if (got === undefined) return 'no reply';
  if (wanted === leftOut) return undefined;
  const { kind, description } = errorOf(wanted);
  // A program may lack a command that its schema has.
  if (description !== undefined && kind !== 'CommandNotFound' && !words?.test(description)) {
    const down = isTurnedDown(description);
    if (down && handled) return 'a handler was called';
    if (!down && !handled) return 'no handler was called';
  }
  const [a, b] = [comparable(wanted), comparable(got)];
  if (a === b || ownWords.test(wanted)) return undefined;
  return a.length === b.length && isDeepStrictEqual(parseJson(a), parseJson(b)) ? undefined : 'the bytes differ';
}

/** Results of `query-version` and `query-commands`. */
const ownWords = /"qemu": \{|"name": "query-commands"/;

function errorOf(reply: string): { kind?: string; description?: string } {
  const [, kind] = /"class": "(\w+)"/.exec(reply) ?? [];
  const [, text] = /"desc": ("(?:[^"\\]|\\.)*")/.exec(reply) ?? [];
  return {
    ...(kind !== undefined && { kind }),
    ...(text !== undefined && { description: JSON.parse(text) as string }),
  };
}

/** A reply without the description of its error. */
function comparable(reply: string): string {
  return reply.replace(/("desc": )"(?:[^"\\]|\\.)*"/, '$1"…"');
}
