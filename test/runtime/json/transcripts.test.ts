import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { REQUEST_LIMITS } from '../../../runtime/json/limits.js';
import { RequestReader } from '../../../runtime/json/request-reader.js';
import { stringifyReply } from '../../../runtime/json/stringify-reply.js';
import { isJsonObject, type JsonObject } from '../../../runtime/json/value.js';
import { corpusPath, describeWithCorpus } from '../../corpus.js';

interface Line {
  dir: 'C' | 'S' | '-';
  conn?: string;
  raw?: string;
  b64?: string;
  repeat?: number;
}

/** What a QMP server makes of one message before it looks at the command: it can read it or it cannot. */
type Verdict = { unreadable: true } | { id: string | undefined };

const UNREADABLE = /"desc": "(?:JSON |QMP input must be a JSON object)/;

/** What the recorded server made of the messages, in order. */
function recorded(lines: readonly Line[]): Verdict[] {
  const verdicts: Verdict[] = [];
  for (const { dir, raw = '', repeat = 1 } of lines) {
    if (dir !== 'S' || raw === '' || raw.startsWith('{"QMP"') || raw.startsWith('{"timestamp"')) continue;
    for (let times = 0; times < repeat; times++)
      verdicts.push(UNREADABLE.test(raw) ? { unreadable: true } : { id: echoed(raw) });
  }
  return verdicts;
}

/** The `id` member of a recorded reply, as text: some hold `inf`. */
function echoed(reply: string): string | undefined {
  return (/^\{"id": (.*), "error": \{/.exec(reply) ?? /"id": (.*)\}\s*$/.exec(reply))?.[1];
}

function ours(lines: readonly Line[]): Verdict[] {
  const verdicts: Verdict[] = [];
  const readers = new Map<string, RequestReader>();
  for (const { dir, conn = '', raw = '', b64 } of lines) {
    if (dir !== 'C') continue;
    const reader = readers.get(conn) ?? new RequestReader(REQUEST_LIMITS);
    readers.set(conn, reader);
    reader.push(b64 === undefined ? Buffer.from(raw) : Buffer.from(b64, 'base64'));
    for (let incoming = reader.next(); incoming; incoming = reader.next()) {
      const { value } = incoming;
      verdicts.push(isJsonObject(value) ? { id: idOf(value) } : { unreadable: true });
    }
  }
  return verdicts;
}

const idOf = (request: JsonObject): string | undefined =>
  request.id === undefined ? undefined : stringifyReply(request.id, { hashOrder: true });

describeWithCorpus('requests as recorded', 'transcripts', () => {
  test.each([
    'qsd-malformed-json',
    'qsd-split-writes-and-resync',
    'qsd-limits',
    'qsd-id-echo-numbers-strings',
    'qsd-before-negotiation',
    'qsd-dispatch-checks',
    'qsd-blockdev-add',
    'qsd-transaction',
  ])('%s: the same messages are read, the same are not, and ids are echoed alike', (name) => {
    const lines = readFileSync(corpusPath('transcripts', `${name}.jsonl`), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Line);
    expect(ours(lines)).toEqual(recorded(lines));
  });
});
