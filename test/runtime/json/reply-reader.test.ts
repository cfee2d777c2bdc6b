import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { REPLY_LIMITS } from '../../../runtime/json/limits.js';
import { ReplyReader } from '../../../runtime/json/reply-reader.js';
import type { JsonValue } from '../../../runtime/json/value.js';
import { checkCuts, cut, noise, readAll } from './reading.js';

const read = (...chunks: (string | Uint8Array)[]): JsonValue[] => readAll(new ReplyReader(REPLY_LIMITS), ...chunks);

describe('replies', () => {
  test('reads one message per line, as servers write them', () => {
    expect(read('{"a": 1}\r\n{"b": ', '2}\r\n', '{"c": 3}\r', '\n')).toEqual([{ a: 1 }, { b: 2 }, { c: 3 }]);
  });

  test('a message is complete at its closing bracket, without a line end', () => {
    expect(read('{"a":1}{"b":[{"c":"}"}]}', '[1]')).toEqual([{ a: 1 }, { b: [{ c: '}' }] }, [1]]);
  });

  test('a message may be spread over lines', () => {
    expect(read('{\r\n    "return": [\r\n', '    ]\r\n}\r\n')).toEqual([{ return: [] }]);
    expect(read('{"return": [\n{"a":1},\n', '{"b":2}\n]}')).toEqual([{ return: [{ a: 1 }, { b: 2 }] }]);
  });

  test('a character and an escape may be cut', () => {
    const euro = Buffer.from('["€\\\\\\""]');
    for (let at = 1; at < euro.length; at++) expect(read(euro.subarray(0, at), euro.subarray(at))).toEqual([['€\\"']]);
  });

  test('integers of 64 bits are exact, also among doubles that JSON has no form for', () => {
    expect(read('{"a": [18446744073709551615, 0.12345678901234567]}\r\n')).toEqual([
      { a: [2n ** 64n - 1n, Number('0.12345678901234567')] },
    ]);
    expect(read('{"a": inf, "b": [-inf, nan, -nan, "inf", 9007199254740993]}\r\n')).toEqual([
      { a: Infinity, b: [-Infinity, NaN, NaN, 'inf', 9007199254740993n] },
    ]);
  });

  test('any cut gives the same values', () => {
    checkCuts(() => new ReplyReader(REPLY_LIMITS));
  });

  test('copies a message once, however many chunks it comes in', () => {
    const megabytes = 16;
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const concat = vi.spyOn(Buffer, 'concat');
    const reader = new ReplyReader(REPLY_LIMITS);
    expect(readAll(reader, '{"return": "', ...Array<Buffer>(megabytes * 16).fill(chunk))).toEqual([]);
    const [value] = readAll(reader, '"}\r\n') as { return: string }[];
    const copied = concat.mock.results.reduce((sum, result) => sum + (result.value as Buffer).length, 0);
    concat.mockRestore();
    expect(value?.return).toHaveLength(megabytes * 2 ** 20);
    // The short first piece is joined with the chunk behind it.
    expect(copied - megabytes * 2 ** 20).toBeLessThan(chunk.length + 100);
  });
});

describe('what cannot be read', () => {
  test('junk between messages is passed over', () => {
    expect(read('QEMU 7.2 monitor\r\n{"a": 1}\r\n')).toEqual(["! stray 'QEMU 7.2 monitor\r'", { a: 1 }]);
  });

  test('a line that is no JSON is dropped', () => {
    const [error, value] = read('{"a": oops}\r\n{"b": 1}\r\n');
    expect(error).toMatch(/^! .*oops/);
    expect(value).toEqual({ b: 1 });
  });

  test('a string ends on its line', () => {
    expect(read('{"a": "cut\r\n{"b": 1}\r\n')).toEqual(['! a message does not end', { b: 1 }]);
  });

  test.each([
    ['whole', ['{"return": {"a": 1}, "id": 1}\r\n']],
    ['cut', ['{"ret', 'urn": {"a"', ': 1}, "id": 1}', '\r\n']],
    ['cut before the line', ['', '{', '"return": {"a": 1}, "id": 1}\r\n']],
  ])('a message that does not end ends where a line is a message of its own: %s', (_, chunks) => {
    expect(read('{"event": [1, {\r\n', ...chunks)).toEqual(['! a message does not end', { return: { a: 1 }, id: 1 }]);
  });

  test('nesting and length have limits; the rest of the line goes with them', () => {
    const tooMuch = '! a message is too long or nested too deeply';
    expect(read(`${'['.repeat(3000)}{"event": 1}\r\n{"a": 1}\r\n`)).toEqual([tooMuch, { a: 1 }]);
    const small = new ReplyReader({ nesting: 10, text: 20 });
    expect(readAll(small, '{"a": "0123456789', '0123456789', '{"event": 1}"}', '\r\n{"b": 1}\r\n')).toEqual([
      tooMuch,
      { b: 1 },
    ]);
  });

  test('nesting up to the limit stays within the stack, with integers to be restored', () => {
    const deep = `${'['.repeat(2048)}12345678901234567890${']'.repeat(2048)}`;
    expect(read(deep)).not.toContainEqual(expect.stringMatching('!'));
    expect(read(`{"a":${'['.repeat(30_000)}12345678901234567890${']'.repeat(30_000)}}\n{"b":1}\n`)).toEqual([
      '! a message is too long or nested too deeply',
      { b: 1 },
    ]);
  });

  test('whatever came, the next line is read', () => {
    fc.assert(
      fc.property(noise, fc.array(fc.nat(), { maxLength: 8 }), (bytes, where) => {
        expect(read(...cut(bytes, where), '\r\n{"event": "ALIVE"}\r\n').at(-1)).toEqual({ event: 'ALIVE' });
      }),
      { numRuns: 1000 },
    );
  });
});
