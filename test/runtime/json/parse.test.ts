import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJson } from '../../../runtime/json/parse.js';
import { stringify } from '../../../runtime/json/stringify.js';
import { int64, jsonValue } from './arbitrary-json.js';

describe('reading without loss', () => {
  test.each<[string, unknown]>([
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['-9007199254740993', -9007199254740993n],
    ['18446744073709551615', 18446744073709551615n],
    ['-9223372036854775808', -9223372036854775808n],
    ['18446744073709551616', 18446744073709552000],
    ['-9223372036854775809', -(2 ** 63)],
    ['123456789012345678901234567890', 1.2345678901234568e29],
    ['9007199254740993.0', 9007199254740992],
    ['9007199254740993e0', 9007199254740992],
    ['0.12345678901234567', Number('0.12345678901234567')],
    [
      '[9007199254740993, 1e9007199254740993, 1E-9007199254740993, 1e+9007199254740993]',
      [9007199254740993n, Infinity, 0, Infinity],
    ],
    [
      '[-inf, 1234567890123456.5, 1234567890123456789.25, 12345678901234567e2]',
      [-Infinity, 1234567890123456.5, Number('1234567890123456789.25'), Number('12345678901234567e2')],
    ],
    ['[0,9007199254740993]', [0, 9007199254740993n]],
    ['"9007199254740993"', '9007199254740993'],
    ['" 9007199254740993 "', ' 9007199254740993 '],
    ['{"9007199254740993":1}', { '9007199254740993': 1 }],
    ['["#9007199254740993",9007199254740993]', ['#9007199254740993', 9007199254740993n]],
    ['["\\\\",9007199254740993,"\\\\\\"9007199254740993"]', ['\\', 9007199254740993n, '\\"9007199254740993']],
  ])('%s', (text, value) => {
    expect(parseJson(text)).toStrictEqual(value);
  });

  test('a key is data, whatever its name', () => {
    const value = parseJson('{"__proto__":9007199254740993}');
    expect(Object.entries(value as object)).toEqual([['__proto__', 9007199254740993n]]);
  });

  test('an unsafe integer is found wherever it stands', () => {
    const around = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 40 }));
    fc.assert(
      fc.property(int64, around, (value, [before, behind]) => {
        const list = [...Array(before).fill(1), value, ...Array(behind).fill(1)];
        expect(parseJson(`[${list.join(',')}]`)).toStrictEqual(list);
      }),
    );
  });

  test('what is written is read back', () => {
    fc.assert(
      fc.property(jsonValue(), (value) => {
        expect(isDeepStrictEqual(parseJson(stringify(value)), value)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('what JSON.parse reads is read alike, but for integers that it rounds', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(JSON.parse(stringify(parseJson(text)))).toEqual(JSON.parse(text));
      }),
    );
  });

  test.each(['', '{', '[1,]', "{'a':1}", '01', '[9007199254740993', 'inf1', 'infinity', '[inf,]', '"\n"'])(
    '%j is refused as by JSON.parse',
    (text) => {
      expect(() => parseJson(text)).toThrow(SyntaxError);
    },
  );
});
