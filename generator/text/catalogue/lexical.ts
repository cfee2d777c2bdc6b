import type { DiagnosticKind } from '../diagnostic.js';

/** `QAPI1xxx`: characters and strings that are not QAPI. */
export const lexical = {
  'stray-text': {
    code: 'QAPI1001',
    severity: 'error',
    message: ({ text }: { text: string }) => `${text} has no meaning here`,
    explanation:
      'Outside strings and comments there are only `{` `}` `[` `]` `:` `,` and the words `true` and `false` (from 2.4 to 4.1 also `null`). There are no numbers, and strings stand in single quotes.',
    example: {
      wrong: "{ 'enum': 'Retries', 'data': [ 1, 2 ] }",
      right: "{ 'enum': 'Retries', 'data': [ '1', '2' ] }",
    },
  },
  'unclosed-string': {
    code: 'QAPI1002',
    severity: 'error',
    message: () => "this string is not closed: a ' is missing before the end of the line",
    explanation: 'A string begins and ends with a single quote, both on the same line.',
    example: {
      wrong: "{ 'struct': 'Disk,\n  'data': {} }",
      right: "{ 'struct': 'Disk',\n  'data': {} }",
    },
  },
  'unknown-escape': {
    code: 'QAPI1003',
    severity: 'error',
    message: ({ sequence, known }: { sequence: string; known: string }) =>
      `'${sequence}' is not an escape sequence; in strings there ${known}`,
    explanation:
      'From 4.2 the only escape is `\\\\`, a backslash. From 2.4 to 4.1 there are also `\\b`, `\\f`, `\\n`, `\\r`, `\\t`, `\\/`, `\\\'`, `\\"` and `\\uXXXX` from `\\u0001` to `\\u007f`.',
    example: {
      wrong: "{ 'enum': 'Path', 'data': [ 'a\\x61' ] }",
      right: "{ 'enum': 'Path', 'data': [ 'aa' ] }",
    },
  },
  'bad-unicode-escape': {
    code: 'QAPI1004',
    severity: 'error',
    message: ({ sequence }: { sequence: string }) =>
      `'${sequence}' is not a usable escape: '\\u' takes four hexadecimal digits, from 0001 to 007f`,
    explanation: 'Releases from 2.4 to 4.1 read `\\uXXXX` in strings, but only for the characters of ASCII.',
    example: {
      dialect: '2.8',
      wrong: "{ 'enum': 'Letter', 'data': [ 'a', '\\u00e4' ] }",
      right: "{ 'enum': 'Letter', 'data': [ 'a', '\\u0062' ] }",
    },
  },
  'unprintable-character': {
    code: 'QAPI1005',
    severity: 'error',
    message: ({ character }: { character: string }) =>
      `a string must consist of printable ASCII characters, but this one contains ${character}`,
    explanation: 'From 4.2 strings hold the characters from blank (32) to tilde (126) only. Comments may hold any.',
    example: {
      dialect: '11.1',
      wrong: "{ 'enum': 'Fruit', 'data': [ 'acaí' ] }",
      right: "{ 'enum': 'Fruit', 'data': [ 'acai' ] }",
    },
  },
  'malformed-encoding': {
    code: 'QAPI1006',
    severity: 'error',
    message: () => 'this file is not valid UTF-8 from here on: save it in that encoding',
    explanation: 'A schema is text in UTF-8. Releases up to 2.11 did not look at the encoding of comments.',
    example: {
      wrong: '# caf\\xe9 (a byte of another encoding)',
      right: '# café',
    },
  },
} satisfies Record<string, DiagnosticKind<never>>;
