import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { prettyValue, visible } from '../../../cli/shell/pretty.js';
import { noColours, terminalColours } from '../../../generator/text/report/colours.js';
import { parseJson } from '../../../runtime/json/parse.js';
import { stringify } from '../../../runtime/json/stringify.js';
import type { JsonValue } from '../../../runtime/json/value.js';

describe('prettyValue', () => {
  test('puts what is short on one line, the rest on several', () => {
    const value = { name: 'disk0', size: 2n ** 63n, list: [1, 2], cache: { direct: false, 'no-flush': true } };
    expect(prettyValue(value, noColours)).toBe(
      '{\n  "name": "disk0",\n  "size": 9223372036854775808,\n  "list": [1, 2],\n' +
        '  "cache": { "direct": false, "no-flush": true }\n}',
    );
    expect(prettyValue({}, noColours)).toBe('{}');
    expect(prettyValue([], noColours)).toBe('[]');
  });

  test('prints text that parses to the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = prettyValue(value as JsonValue, noColours);
        expect(parseJson(text)).toEqual(parseJson(stringify(value as JsonValue)));
      }),
    );
  });

  test('lets no text control the terminal', () => {
    const text = prettyValue({ 'k\u009b': 'a\u001b[2J\u202e\u007f' }, terminalColours);
    const [on = '', off = ''] = terminalColours.hint('|').split('|');
    expect(text).toBe(`{ ${on}"k\\u009b"${off}: "a\\u001b[2J\\u202e\\u007f" }`);
    expect(visible('a\rb')).toBe('a\\u000db');
  });
});
