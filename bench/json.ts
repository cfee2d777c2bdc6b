/**
 * What reading without loss costs beside `JSON.parse`, and that the time to read a message grows with its length alone, however
 * many chunks it comes in. Everything is measured in the same process, in turns, so that the ratios hold on a busy machine, too.
 */
import { REPLY_LIMITS, REQUEST_LIMITS } from '../runtime/json/limits.js';
import { parseJson } from '../runtime/json/parse.js';
import { ReplyReader } from '../runtime/json/reply-reader.js';
import { RequestReader } from '../runtime/json/request-reader.js';
import { stringify } from '../runtime/json/stringify.js';
import { stringifyReply } from '../runtime/json/stringify-reply.js';
import type { JsonValue } from '../runtime/json/value.js';

const TURNS = 15;
const TURN_MS = 20;
const MEBIBYTE = 2 ** 20;
const CHUNK = 64 * 1024;

const blockStats = (unsafe: boolean): JsonValue => ({
  return: Array.from({ length: 200 }, (_, index) => ({
    device: `drive-virtio-disk${index}`,
    'node-name': `libvirt-${index}-format`,
    stats: { rd_bytes: 123456789 * index, wr_bytes: 987654321, rd_operations: 4711, idle_time_ns: 1234567890123 },
    'avg-queue-depth': 0.30000000000000004,
    size: unsafe && index === 100 ? 2n ** 64n - 1n : 2 ** 40,
    inserted: { file: `/var/lib/libvirt/images/vm-${index}.qcow2`, ro: false, encrypted: false, backing: null },
  })),
});

/** The median time of each contestant, in milliseconds, taking turns. */
function race(contestants: Record<string, () => unknown>): Record<string, number> {
  const times: Record<string, number[]> = {};
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [name, run] of Object.entries(contestants)) {
      const start = performance.now();
      let count = 0;
      do {
        run();
        count++;
      } while (performance.now() - start < TURN_MS);
      times[name] = [...(times[name] ?? []), (performance.now() - start) / count];
    }
  }
  return Object.fromEntries(
    Object.entries(times).map(([name, all]) => [name, all.sort((a, b) => a - b)[TURNS >> 1] as number]),
  );
}

function print(title: string, times: Record<string, number>, base: string): void {
  console.log(title);
  for (const [name, time] of Object.entries(times)) {
    console.log(
      `  ${name.padEnd(40)}${time.toFixed(3).padStart(9)} ms ${(time / (times[base] as number)).toFixed(2).padStart(7)} x`,
    );
  }
}

/** Reads a message in chunks of a size that sockets deliver. */
function readInChunks(reader: ReplyReader | RequestReader, bytes: Buffer): JsonValue | undefined {
  for (let at = 0; at < bytes.length; at += CHUNK) {
    reader.push(bytes.subarray(at, at + CHUNK));
    const incoming = reader.next();
    if (incoming) return incoming.value;
  }
  return undefined;
}

for (const unsafe of [false, true]) {
  const value = blockStats(unsafe);
  const text = stringify(value);
  const bytes = Buffer.from(`${stringifyReply(value)}\r\n`);
  const title = `reading ${text.length} characters, ${unsafe ? 'one integer beyond the safe range' : 'all integers safe'}`;
  const times = race({
    'JSON.parse': () => JSON.parse(text),
    parseJson: () => parseJson(text),
    'JSON.parse of the bytes': () => JSON.parse(bytes.toString()),
    'a reply, whole': () => {
      const reader = new ReplyReader(REPLY_LIMITS);
      reader.push(bytes);
      return reader.next();
    },
    'a request, whole': () => {
      const reader = new RequestReader(REQUEST_LIMITS);
      reader.push(bytes);
      return reader.next();
    },
  });
  print(title, times, 'JSON.parse');
}

const value = blockStats(false);
print(
  'writing',
  race({
    'JSON.stringify': () => JSON.stringify(value),
    stringify: () => stringify(value),
    stringifyReply: () => stringifyReply(value),
  }),
  'JSON.stringify',
);

console.log(
  'long messages in chunks of 64 KiB: milliseconds for each MiB, and how many times JSON.parse of the whole text',
);
for (const [name, make] of [
  ['a reply of one string', (size: number) => `{"return": "${'x'.repeat(size)}"}\r\n`],
  [
    'a reply of small members',
    (size: number) =>
      `{"return": [${Array(size / 16)
        .fill('{"n": "x", "m": 1}')
        .join(', ')}]}\r\n`,
  ],
] as const) {
  const figures = [1, 4, 16, 64].map((size) => {
    const text = make(size * MEBIBYTE);
    const bytes = Buffer.from(text);
    const reading = fastest(() => readInChunks(new ReplyReader(REPLY_LIMITS), bytes));
    return `${size} MiB: ${(reading / size).toFixed(2)} (${(reading / fastest(() => JSON.parse(text))).toFixed(2)} x)`;
  });
  console.log(`  ${name.padEnd(28)}${figures.join('   ')}`);
}

/** The shortest of some runs, in milliseconds. */
function fastest(run: () => unknown): number {
  const times = Array.from({ length: 3 }, () => {
    const start = performance.now();
    if (run() === undefined) throw new Error('nothing was read');
    return performance.now() - start;
  });
  return Math.min(...times);
}
