import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDouble } from '../../../runtime/json/double.js';
import { stringify } from '../../../runtime/json/stringify.js';
import { stringifyReply } from '../../../runtime/json/stringify-reply.js';
import type { JsonValue } from '../../../runtime/json/value.js';
import { jsonText } from './arbitrary-json.js';

describe('requests', () => {
  test('64-bit integers are exact', () => {
    expect(stringify([2n ** 64n - 1n, -(2n ** 63n), 1n, -0])).toBe(
      '[18446744073709551615,-9223372036854775808,1,-0.0]',
    );
  });

  test('members that are undefined are left out', () => {
    expect(stringify({ a: undefined, b: 1 } as unknown as JsonValue)).toBe('{"b":1}');
  });

  test('strings are written as JSON.stringify writes them', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(stringify(text)).toBe(JSON.stringify(text));
      }),
    );
  });

  test('a circular value is refused', () => {
    const list: JsonValue[] = [];
    list.push(list);
    expect(() => stringify(list)).toThrow(/nested too deeply, or circular/);
  });

  test.each<[unknown, string]>([
    [Number.NaN, 'NaN has no form in JSON'],
    [Number.POSITIVE_INFINITY, 'Infinity has no form in JSON'],
    [() => 1, 'a value of type function has no form in JSON'],
    [[undefined], 'a value of type undefined has no form in JSON'],
    [Symbol('s'), 'a value of type symbol has no form in JSON'],
  ])('%s is refused', (value, message) => {
    expect(() => stringify(value as JsonValue)).toThrow(new TypeError(message));
  });
});

describe('replies', () => {
  test('writes one space after colons and commas', () => {
    expect(stringifyReply({ return: [{ a: 1, b: [] }, {}], id: 'x' })).toBe(
      '{"return": [{"a": 1, "b": []}, {}], "id": "x"}',
    );
  });

  test('pretty output has four spaces, CR LF, and empty brackets on two lines', () => {
    expect(stringifyReply({ a: [1, {}], b: [] }, { pretty: true }).split('\r\n')).toEqual([
      '{',
      '    "a": [',
      '        1,',
      '        {',
      '        }',
      '    ],',
      '    "b": [',
      '    ]',
      '}',
    ]);
  });

  test('writes members in the order of the hash table of QEMU', () => {
    const reply = { data: {}, event: 'E', timestamp: { seconds: 1, microseconds: 2 } };
    expect(Object.keys(JSON.parse(stringifyReply(reply, { hashOrder: true })) as object)).toEqual([
      'timestamp',
      'event',
      'data',
    ]);
    const error = { error: { desc: 'd', class: 'c' }, id: 1 };
    expect(stringifyReply(error, { hashOrder: true })).toBe('{"id": 1, "error": {"class": "c", "desc": "d"}}');
  });

  test.each([
    ['\u0001\u001f\u007f\u0080', '\\u0001\\u001F\\u007F\\u0080'],
    ['"\\/\'\b\f\n\r\t', '\\"\\\\/\'\\b\\f\\n\\r\\t'],
    ['€😀', '\\u20AC\\uD83D\\uDE00'],
    ['\ud800x\udc00', '\\uFFFDx\\uFFFD'],
    ['\uffff\ufdd0\u{1fffe}', '\\uFFFD\\uFFFD\\uFFFD'],
  ])('%j is escaped', (text, escaped) => {
    expect(stringifyReply(text)).toBe(`"${escaped}"`);
  });

  test('writes ASCII that parses to the same value', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        const written = stringifyReply(text);
        expect(written).toMatch(/^[ -~]*$/);
        expect(JSON.parse(written)).toBe(text);
      }),
    );
  });
});

describe('doubles as %.17g', () => {
  test.each<[number, string]>([
    [0.1, '0.10000000000000001'],
    [1.5, '1.5'],
    [100, '100'],
    [-0, '-0'],
    [1e15, '1000000000000000'],
    [1e16, '10000000000000000'],
    [1e17, '1e+17'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
    [5e-324, '4.9406564584124654e-324'],
    [0.0001, '0.0001'],
    [0.00001, '1.0000000000000001e-05'],
    [-12345678.9, '-12345678.9'],
    [2 ** 63, '9.2233720368547758e+18'],
    // Midway between two numbers of 17 digits: to the even one.
    [12345678 + 2 ** -10, '12345678.000976562'],
    [12345678 + 3 * 2 ** -10, '12345678.002929688'],
    [Number.NaN, 'nan'],
    [Number.POSITIVE_INFINITY, 'inf'],
    [Number.NEGATIVE_INFINITY, '-inf'],
  ])('%d', (value, text) => {
    expect(formatDouble(value)).toBe(text);
  });

  test('17 digits are enough to read a double back', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(formatDouble(value))).toBe(value);
      }),
    );
  });
});
