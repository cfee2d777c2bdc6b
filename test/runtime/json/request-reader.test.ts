import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { type JsonLimits, REQUEST_LIMITS } from '../../../runtime/json/limits.js';
import { RequestReader } from '../../../runtime/json/request-reader.js';
import { stringifyReply } from '../../../runtime/json/stringify-reply.js';
import type { JsonValue } from '../../../runtime/json/value.js';
import { checkCuts, cut, noise, readAll } from './reading.js';

const read = (...chunks: (string | Uint8Array)[]): JsonValue[] => readAll(new RequestReader(REQUEST_LIMITS), ...chunks);

describe('requests', () => {
  test('reads several messages in one chunk, with any white space between them', () => {
    expect(read('{"a":1}{"b":2}\r\n\n [3] "4"')).toEqual([{ a: 1 }, { b: 2 }, [3], '4']);
  });

  test('a message is complete at its closing bracket, without a line end', () => {
    expect(read('{"exec', 'ute":"query-', 'jobs","id', '":1', '2', '}')).toEqual([{ execute: 'query-jobs', id: 12 }]);
  });

  test('a line end behind the last message is pending, but nothing to wait for', () => {
    const reader = new RequestReader(REQUEST_LIMITS);
    reader.push(Buffer.from('{"a":1} {"b":2}\r\n'));
    expect([reader.exhausted, reader.next()?.value, reader.exhausted]).toEqual([false, { a: 1 }, false]);
    expect([reader.next()?.value, reader.exhausted, reader.pending]).toEqual([{ b: 2 }, true, true]);
    reader.push(Buffer.from('{'));
    expect([reader.exhausted, reader.next(), reader.exhausted, reader.pending]).toEqual([
      false,
      undefined,
      true,
      false,
    ]);
  });

  test('a message may be spread over lines', () => {
    expect(read('{\r\n    "return": [\r\n    ]\r\n}\r\n{"a":\n1}\n')).toEqual([{ return: [] }, { a: 1 }]);
  });

  test('a number or word ends with the byte behind it', () => {
    expect(read('42', ' ', 'true', '\n', '-7', '\n')).toEqual([42, true, -7]);
  });

  test('a character and an escape may be cut', () => {
    const euro = Buffer.from('"€"');
    expect(read(euro.subarray(0, 2), euro.subarray(2, 3), euro.subarray(3))).toEqual(['€']);
    expect(read('"\\', 'u20', 'AC"')).toEqual(['€']);
  });

  test('integers of 64 bits are exact', () => {
    expect(read('[9007199254740993,-9223372036854775808,18446744073709551615]\n')).toEqual([
      [9007199254740993n, -(2n ** 63n), 2n ** 64n - 1n],
    ]);
  });

  test('any key is data, also __proto__', () => {
    const [value] = read('{"__proto__":{"polluted":1},"constructor":2,"hasOwnProperty":3}\n') as object[];
    expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor', 'hasOwnProperty']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test('single quotes delimit strings too', () => {
    expect(read(`{'a':'it\\'s "b"'}\n`)).toEqual([{ a: 'it\'s "b"' }]);
  });

  test('junk costs one error and is skipped to the line end', () => {
    expect(read('@@@ "junk" 12\n{"a":1}')).toEqual(["! stray '@'", { a: 1 }]);
  });

  test('0xFF drops an unfinished message', () => {
    expect(read('{"execute":"x","id":[1,', Buffer.from([0xff]), '{"a":1}')).toEqual(["! stray '\ufffd'", { a: 1 }]);
    expect(read('{"id":"cut', Buffer.from([0xff]), '{"a":1}')).toEqual([`! stray '"cut\ufffd'`, { a: 1 }]);
  });

  test('brackets and braces are counted apart', () => {
    expect(read('[}{"a":1}')).toEqual(["! expected a value, found '}'", { a: 1 }]);
    expect(read('{"a":[1}', ']')).toEqual(["! expected ',' or ']' after an array element"]);
  });

  test('any cut gives the same values', () => {
    checkCuts(() => new RequestReader(REQUEST_LIMITS));
  });

  test('any cut of any bytes gives the same values and errors, and a 0xFF brings it back', () => {
    fc.assert(
      fc.property(noise, fc.array(fc.nat(), { maxLength: 8 }), (bytes, where) => {
        expect(read(...cut(bytes, where))).toEqual(read(bytes));
        expect(read(bytes, Buffer.from([0xff]), '{"alive":true}\n').at(-1)).toEqual({ alive: true });
      }),
      { numRuns: 1000 },
    );
  });
});

describe('what is refused', () => {
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
    expect(read(text)).toEqual([`! ${message}`]);
  });

  test('a NUL may be the two bytes C0 80', () => {
    expect(read(Buffer.from([0x22, 0xc0, 0x80, 0x22]))).toEqual(['\0']);
  });

  test('an integral double is not an integer', () => {
    const [value] = read('[1.0,1e3,-0.0,1.5,1,-0,9007199254740993.0]') as JsonValue[][];
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
});

describe('limits', () => {
  const limited = (limits: Partial<JsonLimits>) => new RequestReader({ ...REQUEST_LIMITS, ...limits });

  test('nesting has a limit, and the rest of the message is read as new input', () => {
    const [deep, tooDeep] = [1024, 1025].map((depth) => '['.repeat(depth) + ']'.repeat(depth));
    expect(read(deep as string)).toHaveLength(1);
    expect(read(tooDeep as string)).toEqual([
      '! a message is nested too deeply',
      ...Array(1025).fill("! expected a value, found ']'"),
    ]);
  });

  test('a message has a limited number of tokens', () => {
    expect(readAll(limited({ tokens: 5 }), '[1,2]')).toEqual([[1, 2]]);
    expect(readAll(limited({ tokens: 5 }), '[1,2,3]')).toEqual([
      '! a message has too many tokens',
      "! expected a value, found ']'",
    ]);
  });

  test('a message has a limited length, white space left out', () => {
    expect(readAll(limited({ text: 10 }), '[    "1234" ,1 ]')).toEqual(['! a message is too long']);
    expect(readAll(limited({ text: 11 }), '[    "1234" ,1 ]')).toEqual([['1234', 1]]);
  });

  test('a token has a limited length, even before it ends', () => {
    expect(readAll(limited({ text: 10 }), '"123456789', '0')).toEqual(['! a message is too long']);
    expect(readAll(limited({ text: 10 }), '1'.repeat(11))).toEqual(['! a message is too long']);
  });

  test('white space inside a message is bounded too', () => {
    expect(readAll(limited({ text: 10 }), `[${' '.repeat(11)}`)).toEqual(['! a message is too long']);
    expect(readAll(limited({ text: 10 }), `${' '.repeat(100)}[]`)).toEqual([[]]);
  });
});

describe('long messages', () => {
  test('copies a long message once, however many chunks it comes in', () => {
    const megabytes = 16;
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const concat = vi.spyOn(Buffer, 'concat');
    const reader = new RequestReader(REQUEST_LIMITS);
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
    // The short first piece is joined with the chunk behind it.
    expect(copied - megabytes * 1024 * 1024).toBeLessThan(chunk.length + 100);
  });

  test('a caller that stops reading leaves the rest unread', () => {
    const reader = new RequestReader(REQUEST_LIMITS);
    reader.push(Buffer.from('{"a":1}{"b":2}'));
    expect(reader.next()).toEqual({ value: { a: 1 } });
    expect(reader.pending).toBe(true);
    expect(reader.next()).toEqual({ value: { b: 2 } });
    expect(reader.pending).toBe(false);
  });
});
