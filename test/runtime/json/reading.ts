import fc from 'fast-check';
import { expect } from 'vitest';
import type { Incoming } from '../../../runtime/json/incoming.js';
import { stringify } from '../../../runtime/json/stringify.js';
import { stringifyReply } from '../../../runtime/json/stringify-reply.js';
import type { JsonValue } from '../../../runtime/json/value.js';
import { jsonText, jsonValue } from './arbitrary-json.js';

/** What readers of streams have in common. */
interface Reader {
  push(chunk: Uint8Array): void;
  next(): Incoming | undefined;
}

/** Everything a reader makes of some chunks: values, and the texts of errors behind a "!". */
export function readAll(reader: Reader, ...chunks: (string | Uint8Array)[]): JsonValue[] {
  const found: JsonValue[] = [];
  for (const chunk of chunks) {
    reader.push(Buffer.from(chunk as string));
    for (let incoming = reader.next(); incoming; incoming = reader.next()) {
      found.push(incoming.error ? `! ${incoming.error.message}` : incoming.value);
    }
  }
  return found;
}

/** Cuts bytes at the given places. */
export function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  const chunks: Buffer[] = [];
  let start = 0;
  for (const end of [...ends, bytes.length]) {
    chunks.push(bytes.subarray(start, end));
    start = end;
  }
  return chunks;
}

/** Objects and lists: a client cannot distinguish what else JSON has from junk. */
const container = fc.oneof(
  fc.array(jsonValue(), { maxLength: 3 }),
  fc.dictionary(jsonText, jsonValue(), { maxKeys: 3 }),
);

/** Holds that a reader finds the same values in a stream however it is cut and laid out. */
export function checkCuts(makeReader: () => Reader): void {
  const writer = fc.constantFrom(stringify, stringifyReply, (value: JsonValue) =>
    stringifyReply(value, { pretty: true }),
  );
  const places = fc.array(fc.nat(), { maxLength: 12 });
  const separator = fc.constantFrom('\n', ' ', '\r\n', '');
  fc.assert(
    fc.property(fc.array(container, { maxLength: 4 }), writer, separator, places, (values, write, between, where) => {
      const bytes = Buffer.from(values.map((value) => write(value) + between).join(''));
      const whole = readAll(makeReader(), bytes);
      expect(whole).toEqual(values.map((value) => readAll(makeReader(), write(value))[0]));
      expect(readAll(makeReader(), ...cut(bytes, where))).toEqual(whole);
    }),
    { numRuns: 300 },
  );
}

/** Bytes that are nearly messages, or nothing like it. */
export const noise: fc.Arbitrary<Buffer> = fc.oneof(
  fc
    .array(
      fc.oneof(
        jsonValue().map((value) => stringify(value)),
        fc.string({ unit: 'binary' }),
        fc.constantFrom(...'{}[],:"\'\\-.e01', 'null', 'nan', '\n', '\t', '\u0001'),
      ),
      { maxLength: 20 },
    )
    .map((pieces) => Buffer.from(pieces.join(''))),
  fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array)),
);
