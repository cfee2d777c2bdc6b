import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { type JsonLimits, REPLY_LIMITS, REQUEST_LIMITS } from '../../../runtime/json/limits.js';
import { MessageReader, type ReaderOptions } from '../../../runtime/json/reader.js';
import { stringify, stringifyReply } from '../../../runtime/json/stringify.js';
import type { JsonValue } from '../../../runtime/json/value.js';
import { jsonValue } from './arbitrary-json.js';

const SERVER: ReaderOptions = { strict: true, limits: REQUEST_LIMITS };
const CLIENT: ReaderOptions = { strict: false, limits: REPLY_LIMITS };

/** Everything a reader makes of some chunks: values, and the texts of errors behind a "!". */
function readAll(options: ReaderOptions, ...chunks: (string | Uint8Array)[]): JsonValue[] {
  const reader = new MessageReader(options);
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
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  const chunks: Buffer[] = [];
  let start = 0;
  for (const end of [...ends, bytes.length]) {
    chunks.push(bytes.subarray(start, end));
    start = end;
  }
  return chunks;
}

describe.each([
  ['a server', SERVER],
  ['a client', CLIENT],
])('what %s reads', (_, options) => {
  test('several messages in one chunk, with anything white between them', () => {
    expect(readAll(options, '{"a":1}{"b":2}\r\n\n [3] "4"')).toEqual([{ a: 1 }, { b: 2 }, [3], '4']);
  });

  test('a message is complete at its closing bracket, without a line end', () => {
    expect(readAll(options, '{"exec', 'ute":"query-', 'jobs","id', '":1', '2', '}')).toEqual([
      { execute: 'query-jobs', id: 12 },
    ]);
  });

  test('a message may be spread over lines', () => {
    expect(readAll(options, '{\r\n    "return": [\r\n    ]\r\n}\r\n{"a":\n1}\n')).toEqual([{ return: [] }, { a: 1 }]);
  });

  test('a number or word ends with the byte behind it', () => {
    expect(readAll(options, '42', ' ', 'true', '\n', '-7', '\n')).toEqual([42, true, -7]);
  });

  test('a character and an escape may be cut', () => {
    const euro = Buffer.from('"€"');
    expect(readAll(options, euro.subarray(0, 2), euro.subarray(2, 3), euro.subarray(3))).toEqual(['€']);
    expect(readAll(options, '"\\', 'u20', 'AC"')).toEqual(['€']);
  });

  test('integers of 64 bits are exact', () => {
    expect(readAll(options, '[9007199254740993,-9223372036854775808,18446744073709551615]\n')).toEqual([
      [9007199254740993n, -(2n ** 63n), 2n ** 64n - 1n],
    ]);
  });

  test('keys are data', () => {
    const [value] = readAll(options, '{"__proto__":{"polluted":1},"constructor":2,"hasOwnProperty":3}\n') as object[];
    expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor', 'hasOwnProperty']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test('single quotes delimit strings too', () => {
    expect(readAll(options, `{'a':'it\\'s "b"'}\n`)).toEqual([{ a: 'it\'s "b"' }]);
  });

  test('junk costs one error and is skipped to the line end', () => {
    expect(readAll(options, '@@@ "junk" 12\n{"a":1}')).toEqual(["! stray '@'", { a: 1 }]);
  });

  test('0xFF drops an unfinished message', () => {
    expect(readAll(options, '{"execute":"x","id":[1,', Buffer.from([0xff]), '{"a":1}')).toEqual([
      "! stray '\ufffd'",
      { a: 1 },
    ]);
    expect(readAll(options, '{"id":"cut', Buffer.from([0xff]), '{"a":1}')).toEqual([`! stray '"cut\ufffd'`, { a: 1 }]);
  });

  test('brackets and braces are counted apart', () => {
    expect(readAll(options, '[}{"a":1}')).toEqual(["! expected a value, found '}'", { a: 1 }]);
    expect(readAll(options, '{"a":[1}', ']')).toEqual(["! expected ',' or ']' after an array element"]);
  });

  test('any cut gives the same values', () => {
    const places = fc.array(fc.nat(), { maxLength: 12 });
    const writer = fc.constantFrom(stringify, stringifyReply, (value: JsonValue) =>
      stringifyReply(value, { pretty: true }),
    );
    fc.assert(
      fc.property(
        fc.array(jsonValue(), { maxLength: 4 }),
        writer,
        fc.constantFrom('\n', ' ', '\r\n'),
        places,
        (values, write, separator, where) => {
          const bytes = Buffer.from(values.map((value) => write(value) + separator).join(''));
          const whole = readAll(options, bytes);
          expect(whole).toEqual(values.map((value) => readAll(options, `${write(value)}\n`)[0]));
          expect(readAll(options, ...cut(bytes, where))).toEqual(whole);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('any cut of any bytes gives the same values and errors, and a 0xFF brings it back', () => {
    const piece = fc.oneof(
      jsonValue().map((value) => stringify(value)),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"',
        "'",
        '\\',
        '-',
        '.',
        'e',
        '0',
        '1',
        'null',
        'nan',
        '\n',
        '\t',
        '\u0001',
      ),
    );
    const bytes = fc.oneof(
      fc.array(piece, { maxLength: 20 }).map((pieces) => Buffer.from(pieces.join(''))),
      fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array)),
    );
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(), { maxLength: 8 }), (noise, where) => {
        const whole = readAll(options, noise);
        // The short way of the client looks at lines, so a cut may change which of two texts describes one fault.
        const kind = (found: JsonValue[]) =>
          found.map((value) => (typeof value === 'string' && value[0] === '!' ? '!' : value));
        expect(kind(readAll(options, ...cut(noise, where)))).toEqual(kind(whole));
        const after = readAll(options, noise, Buffer.from([0xff]), '{"alive":true}\n');
        expect(after.at(-1)).toEqual({ alive: true });
      }),
      { numRuns: 1000 },
    );
  });
});

describe('what only a server refuses', () => {
  test.each([
    ['{"a":1,"a":2}', "duplicate key 'a'"],
    ['{"a":1,"\\u0061":2}', "duplicate key 'a'"],
    ['["\\ud800"]', '\\ud800 is half of a surrogate pair without its other half'],
    ['["\\udc00\\ud800"]', '\\udc00 is half of a surrogate pair without its other half'],
    ['["\\uffff"]', 'a string holds a code point that is not for interchange'],
    ['["\ufdd0"]', 'a string holds a code point that is not for interchange'],
    ['["\\ud83f\\udffe"]', 'a string holds a code point that is not for interchange'],
    [Buffer.from([0x22, 0xe9, 0x22]), 'a string is not valid UTF-8'],
    [Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'a string is not valid UTF-8'],
    ['[0e1]', "expected ',' or ']' after an array element"],
    ['[nan]', "unknown word 'nan'"],
  ])('%s', (text, message) => {
    expect(readAll(SERVER, text)).toEqual([`! ${message}`]);
    const [taken] = readAll(CLIENT, text, '\n');
    expect(taken).not.toSatisfy((value) => typeof value === 'string' && value.startsWith('!'));
  });

  test('a NUL may be the two bytes C0 80', () => {
    expect(readAll(SERVER, Buffer.from([0x22, 0xc0, 0x80, 0x22]))).toEqual(['\0']);
  });

  test('an integral double is not an integer', () => {
    const [value] = readAll(SERVER, '[1.0,1e3,-0.0,1.5,1,-0,9007199254740993.0]') as JsonValue[][];
    expect(value?.map((element) => typeof element)).toEqual([
      'object',
      'object',
      'object',
      'number',
      'number',
      'number',
      'number',
    ]);
    expect(stringifyReply(value as JsonValue)).toBe('[1, 1000, -0, 1.5, 1, 0, 9007199254740992]');
  });

  test('a client takes the doubles that JSON has no form for', () => {
    expect(readAll(CLIENT, '{"a": inf, "b": [-inf, nan, -nan]}\r\n')).toEqual([
      { a: Infinity, b: [-Infinity, NaN, NaN] },
    ]);
  });
});

describe('limits', () => {
  const limited = (limits: Partial<JsonLimits>): ReaderOptions => ({
    strict: true,
    limits: { ...REQUEST_LIMITS, ...limits },
  });

  test('nesting: the rest of the message is read as new input', () => {
    const [deep, tooDeep] = [1024, 1025].map((depth) => '['.repeat(depth) + ']'.repeat(depth));
    expect(readAll(SERVER, deep as string)).toHaveLength(1);
    expect(readAll(SERVER, tooDeep as string)).toEqual([
      '! a message is nested too deeply',
      ...Array(1025).fill("! expected a value, found ']'"),
    ]);
  });

  test('nesting as a client takes it stays within the stack', () => {
    const deep = `${'['.repeat(2048)}12345678901234567890${']'.repeat(2048)}`;
    expect(readAll(CLIENT, deep)).not.toContainEqual(expect.any(String));
    expect(readAll(CLIENT, `{"a":${'['.repeat(30_000)}12345678901234567890${']'.repeat(30_000)}}\n`)[0]).toBe(
      '! a message is nested too deeply',
    );
  });

  test('tokens', () => {
    expect(readAll(limited({ tokens: 5 }), '[1,2]')).toEqual([[1, 2]]);
    expect(readAll(limited({ tokens: 5 }), '[1,2,3]')).toEqual([
      '! a message has too many tokens',
      "! expected a value, found ']'",
    ]);
  });

  test('text, white space left out', () => {
    expect(readAll(limited({ text: 10 }), '[    "1234" ,1 ]')).toEqual(['! a message is too long']);
    expect(readAll(limited({ text: 11 }), '[    "1234" ,1 ]')).toEqual([['1234', 1]]);
  });

  test('one token, while it still grows', () => {
    expect(readAll(limited({ text: 10 }), '"123456789', '0')).toEqual(['! a message is too long']);
    expect(readAll(limited({ text: 10 }), '1'.repeat(11))).toEqual(['! a message is too long']);
  });

  test('white space inside a message is bounded too', () => {
    expect(readAll(limited({ text: 10 }), `[${' '.repeat(11)}`)).toEqual(['! a message is too long']);
    expect(readAll(limited({ text: 10 }), `${' '.repeat(100)}[]`)).toEqual([[]]);
  });
});

describe('long messages', () => {
  test('are copied once, however many chunks they come in', () => {
    const megabytes = 16;
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const concat = vi.spyOn(Buffer, 'concat');
    const reader = new MessageReader(CLIENT);
    reader.push(Buffer.from('{"return": "'));
    for (let count = 0; count < megabytes * 16; count++) {
      reader.push(chunk);
      expect(reader.next()).toBeUndefined();
    }
    reader.push(Buffer.from('"}\r\n'));
    const { value } = reader.next() as { value: { return: string } };
    expect(value.return).toHaveLength(megabytes * 1024 * 1024);
    const copied = concat.mock.results.reduce((sum, { value }) => sum + (value as Buffer).length, 0);
    concat.mockRestore();
    expect(copied).toBe(megabytes * 1024 * 1024 + '{"return": ""}'.length);
  });

  test('whoever stops reading leaves the rest unread', () => {
    const reader = new MessageReader(SERVER);
    reader.push(Buffer.from('{"a":1}{"b":2}'));
    expect(reader.next()).toEqual({ value: { a: 1 } });
    expect(reader.pending).toBe(true);
    expect(reader.next()).toEqual({ value: { b: 2 } });
    expect(reader.pending).toBe(false);
  });
});
