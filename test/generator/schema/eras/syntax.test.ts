import { describe, expect, test } from 'vitest';
import { isError, loadSchema, memoryHost, placeOf } from '../../../../generator/index.js';
import { type Case, describeEras } from './eras.js';

const strings: readonly Case[] = [
  ['\\u with a letter', "{ 'event': ⟦'E\\u0056'⟧ }", { '2.4': 'accepted', '4.2': 'unknown-escape' }],
  ['\\u beyond ASCII', "{ 'event': ⟦'E\\u00e9'⟧ }", { '2.4': 'bad-unicode-escape', '4.2': 'unknown-escape' }],
  ['\\u with zero', "{ 'event': ⟦'E\\u0000'⟧ }", { '2.4': 'bad-unicode-escape', '4.2': 'unknown-escape' }],
  ['\\u with two digits', "{ 'event': ⟦'E\\u56'⟧ }", { '2.4': 'bad-unicode-escape', '4.2': 'unknown-escape' }],
  ['\\x', "{ 'event': ⟦'E\\x41'⟧ }", { '2.4': 'unknown-escape' }],
  ['\\/', "{ 'event': ⟦'E\\/V'⟧ }", { '2.4': 'malformed-name', '4.2': 'unknown-escape' }],
  ['\\\\', "{ 'event': ⟦'E\\\\V'⟧ }", { '2.4': 'malformed-name' }],
  ['a tab', "{ 'event': ⟦'E\tV'⟧ }", { '2.4': 'malformed-name', '4.2': 'unprintable-character' }],
  ['a letter beyond ASCII', "{ 'event': ⟦'Eé'⟧ }", { '2.4': 'malformed-name', '4.2': 'unprintable-character' }],
  ['no end', "{ 'event': ⟦'EV }⟧\n", { '2.4': 'unclosed-string' }],
];

const tokens: readonly Case[] = [
  ['null', "{ 'command': 'c', 'data': ⟦null⟧ }", { '2.4': 'accepted', '4.2': 'stray-text' }],
  ['letters after null', "{ 'event': ⟦null⟦x⟧⟧ }", { '2.4': ['stray-text', 2], '4.2': 'stray-text' }],
  ['two literals in one', "{ 'event': true⟦false⟧ }", { '2.4': 'unclosed' }],
  ['a number', "{ 'event': ⟦7⟧ }", { '2.4': 'stray-text' }],
  ['a double quote', '{ \'event\': ⟦"EV"⟧ }', { '2.4': 'stray-text' }],
  ['a byte order mark', "⟦\uFEFF⟧{ 'event': 'EV' }", { '2.4': 'stray-text' }],
  ['white space of Unicode', "{⟦\u00a0⟧'event':\u2028'EV' }", { '2.4': 'stray-text', '2.12': 'accepted' }],
  ['white space of ASCII', "{\t'event':\v'EV'\f}\r\n", { '2.4': 'accepted' }],
  ['a comment up to a carriage return', '# a\r⟦x⟧\n', { '2.4': 'accepted', '2.12': 'stray-text' }],
  [
    'documentation in an expression',
    "{ 'event': 'EV' ⟦## x⟧\n}",
    { '2.4': 'accepted', '2.9': 'comment-in-expression' },
  ],
];

const expressions: readonly Case[] = [
  ['no colon', "{ 'event' ⟦'EV'⟧ }", { '2.4': 'missing-colon' }],
  ['no value', "{ 'event': ⟦}⟧", { '2.4': 'expected-value' }],
  ['no comma in an object', "{ 'command': 'c' ⟦'data'⟧: {} }", { '2.4': 'missing-comma' }],
  ['no comma in an array', "{ 'enum': 'Ee', 'data': [ 'a' ⟦'b'⟧ ] }", { '2.4': 'missing-comma' }],
  ['a comma first', "{ 'enum': 'Ee', 'data': [ ⟦,⟧ 'a' ] }", { '2.4': 'extra-comma' }],
  ['a comma last in an array', "{ 'enum': 'Ee', 'data': [ 'a', ⟦]⟧ }", { '2.4': 'trailing-comma' }],
  ['a comma last in an object', "{ 'event': 'EV', ⟦}⟧", { '2.4': 'trailing-comma' }],
  ['a key twice', "{ 'event': 'EV', 'event': ⟦'EW'⟧ }", { '2.4': 'repeated-key' }],
  ['an array at the top level', "⟦[⟧ 'a' ]", { '2.4': 'expected-expression' }],
  [
    'an error inside an array at the top level',
    "⟦[⟧ 'a' ⟦x⟧ ]",
    { '2.4': 'expected-expression', '6.1': ['stray-text', 2] },
  ],
  ['a brace too many', "{ 'event': 'EV' } ⟦}⟧", { '2.4': 'expected-expression' }],
  ['several expressions in a line', "{ 'event': 'EV' }{ 'event': 'EW' }", { '2.4': 'accepted' }],
];

const directives: readonly Case[] = [
  ['an include with another key', "{ 'include': 'a.json', ⟦'x'⟧: 'y' }", { '2.4': 'include-with-keys' }],
  ['an include of no string', "{ 'include': ⟦[]⟧ }", { '2.4': 'include-not-a-string' }],
  ['an include of no file', "{ 'include': ⟦'a.json'⟧ }", { '2.4': 'unreadable-include' }],
  ['an include of the file itself', "{ 'include': ⟦'schema.json'⟧ }", { '2.4': 'include-cycle' }],
  ['an empty pragma', "⟦{ 'pragma': {} }⟧", { '2.4': 'no-definition', '2.9': 'accepted' }],
  ['a pragma of no object', "⟦{ 'pragma': ⟦[]⟧ }⟧", { '2.4': 'no-definition', '2.9': ['pragma-not-an-object', 2] }],
  ['an unknown pragma', "⟦{ 'pragma': { ⟦'x'⟧: true } }⟧", { '2.4': 'no-definition', '2.9': ['unknown-pragma', 2] }],
  [
    'a pragma with another key',
    "{ ⟦'pragma'⟧: {}, ⟦'event'⟧: 'EV' }",
    { '2.4': 'unknown-key', '2.9': ['pragma-with-keys', 2] },
  ],
  [
    'a pragma that is no list',
    "⟦{ 'pragma': { ⟦'returns-whitelist'⟧: ⟦'a'⟧ } }⟧",
    { '2.4': 'no-definition', '2.9': ['pragma-not-a-list', 3], '6.0': ['unknown-pragma', 2] },
  ],
  [
    'a pragma of 9.0',
    "{ 'pragma': { ⟦'documentation-exceptions'⟧: [ 'a' ] } }",
    { '2.4': 'not looked at', '2.9': 'unknown-pragma', '9.0': 'accepted' },
  ],
];

describeEras('strings', strings);
describeEras('tokens', tokens);
describeEras('expressions', expressions);
describeEras('includes and pragmas', directives);

describe('positions', () => {
  test.each([
    ['a tab does not advance to a tab stop', "\t{ 'event'\t'EV' }", { '2.4': '1:2', '10.1': '1:2', auto: '1:12' }],
    ['a tab can go back', '         \tx', { '2.4': '1:2', '10.1': '1:2', auto: '1:11' }],
    ['up to 2.11 a column is a byte', "{ 'é' 'EV' }", { '2.11': '1:8', '3.0': '1:7', auto: '1:7' }],
    ['lone carriage returns end lines', "{ 'event': 'EV' }\r\rx", { '2.11': '1:20', '3.0': '3:1', auto: '3:1' }],
    ['the end of a file is its last line end', "{ 'event'\n\n", { '2.4': '2:1', '10.1': '2:1', auto: '2:1' }],
    ['a missing last line end is supplied', "{ 'event'", { '2.4': '1:10', '10.1': '1:10', auto: '1:10' }],
  ] as const)('%s', async (_title, text, expected) => {
    for (const [dialect, place] of Object.entries(expected)) {
      const { diagnostics } = await loadSchema('schema.json', { dialect, host: memoryHost({ 'schema.json': text }) });
      const first = diagnostics.find(isError);
      const position = first && placeOf(first);
      expect({ dialect, place: position && `${position.line}:${position.column}` }).toEqual({ dialect, place });
    }
  });
});

describe('includes', () => {
  const definition = "{ 'event': 'EV' }\n";

  test('a file is read once, but up to 2.11 again when it is spelled with ./', async () => {
    const files = { 'schema.json': "{ 'include': 'a.json' }\n{ 'include': './a.json' }\n", 'a.json': definition };
    for (const [dialect, names] of [
      ['2.4', ['redefinition']],
      ['2.11', ['redefinition']],
      ['2.12', []],
      ['10.1', []],
      ['auto', []],
    ] as const) {
      const { diagnostics } = await loadSchema('schema.json', { dialect, host: memoryHost(files) });
      expect({ dialect, names: diagnostics.filter(isError).map(({ name }) => name) }).toEqual({ dialect, names });
    }
  });

  test('a circle is an error where it closes, and comes with the includes that lead there', async () => {
    const files = {
      'schema.json': "{ 'include': 'sub/a.json' }\n",
      'sub/a.json': "\n{ 'include': 'b.json' }\n",
      'sub/b.json': "\n\n{ 'include': 'a.json' }\n",
    };
    for (const dialect of ['2.4', '2.12', '10.1']) {
      const { diagnostics } = await loadSchema('schema.json', { dialect, host: memoryHost(files) });
      const [first] = diagnostics.filter(isError);
      expect(first?.name).toBe('include-cycle');
      expect(first?.span?.file.path).toMatch(/sub\/b\.json$/);
      const lines = first?.related.map(({ span }) => span.file.lineAt(span.start));
      expect(lines).toEqual([1, 2]);
    }
  });
});
