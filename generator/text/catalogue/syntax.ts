import type { DiagnosticKind } from '../diagnostic.js';

/** `QAPI2xxx`: text that is not a sequence of QAPI expressions, includes and pragmas. */
export const syntax = {
  'expected-key': {
    code: 'QAPI2001',
    severity: 'error',
    message: ({ found }: { found: string }) => `expected a key (a string) or '}' here, but found ${found}`,
    explanation: 'An object consists of pairs `KEY: VALUE`, separated by commas. Keys are strings.',
    example: {
      wrong: "{ 'command': 'reset', 'data': { [] } }",
      right: "{ 'command': 'reset', 'data': {} }",
    },
  },
  'missing-colon': {
    code: 'QAPI2002',
    severity: 'error',
    message: ({ key, found }: { key: string; found: string }) =>
      `expected ':' after the key '${key}', but found ${found}`,
    explanation: 'Between the key and the value of a pair stands a colon.',
    example: {
      wrong: "{ 'command' 'reset' }",
      right: "{ 'command': 'reset' }",
    },
  },
  'repeated-key': {
    code: 'QAPI2003',
    severity: 'error',
    message: ({ key }: { key: string }) => `the key '${key}' already has a value in this object`,
    explanation: 'The keys of an object differ from each other. The place reported is the value of the second one.',
    example: {
      wrong: "{ 'struct': 'Disk', 'data': { 'size': 'int', 'size': 'str' } }",
      right: "{ 'struct': 'Disk', 'data': { 'size': 'int', 'label': 'str' } }",
    },
  },
  'missing-comma': {
    code: 'QAPI2004',
    severity: 'error',
    message: ({ container, found }: { container: string; found: string }) =>
      `a comma is missing before ${found} in this ${container}`,
    explanation: 'The pairs of an object and the elements of an array are separated by commas.',
    example: {
      wrong: "{ 'enum': 'Color', 'data': [ 'red' 'blue' ] }",
      right: "{ 'enum': 'Color', 'data': [ 'red', 'blue' ] }",
    },
  },
  'trailing-comma': {
    code: 'QAPI2005',
    severity: 'error',
    message: ({ close, item }: { close: string; item: string }) =>
      `expected another ${item} before '${close}': there must be no comma after the last one`,
    explanation: 'Unlike JavaScript and Python, QAPI has no trailing commas.',
    example: {
      wrong: "{ 'enum': 'Color', 'data': [ 'red', 'blue', ] }",
      right: "{ 'enum': 'Color', 'data': [ 'red', 'blue' ] }",
    },
  },
  'extra-comma': {
    code: 'QAPI2006',
    severity: 'error',
    message: ({ item }: { item: string }) => `expected ${item} before this comma`,
    explanation: 'A comma stands between two pairs or two elements: none comes first, and no two follow each other.',
    example: {
      wrong: "{ 'enum': 'Color', 'data': [ , 'red' ] }",
      right: "{ 'enum': 'Color', 'data': [ 'red' ] }",
    },
  },
  'expected-value': {
    code: 'QAPI2007',
    severity: 'error',
    message: ({ after, found }: { after: string; found: string }) =>
      `expected a value after ${after}, but found ${found}`,
    explanation: 'A value is a string, an object, an array, `true` or `false`.',
    example: {
      wrong: "{ 'command': 'reset', 'data': }",
      right: "{ 'command': 'reset' }",
    },
  },
  unclosed: {
    code: 'QAPI2008',
    severity: 'error',
    message: ({ container, close, found }: { container: string; close: string; found: string }) =>
      `${container} is not closed: expected ',' or '${close}' here, but found ${found}`,
    explanation: 'Every `{` needs its `}`, every `[` its `]`.',
    example: {
      wrong: "{ 'struct': 'Disk', 'data': { 'size': 'int' }\n\n{ 'command': 'reset' }",
      right: "{ 'struct': 'Disk', 'data': { 'size': 'int' } }\n\n{ 'command': 'reset' }",
    },
  },
  'comment-in-expression': {
    code: 'QAPI2009',
    severity: 'error',
    message: () =>
      "a comment that starts with '##' is documentation, which stands before a definition, not inside it: write a single '#'",
    explanation:
      'From 2.9 a comment that starts with `##` opens a documentation block, and these stand between expressions.',
    example: {
      dialect: '11.1',
      wrong: "{ 'command': 'reset',\n  ## at once\n  'data': {} }",
      right: "{ 'command': 'reset',\n  # at once\n  'data': {} }",
    },
  },
  'expected-expression': {
    code: 'QAPI2010',
    severity: 'error',
    message: ({ found }: { found: string }) => `expected a definition, which starts with '{', but found ${found}`,
    explanation: 'A schema is a sequence of objects: definitions, includes and pragmas.',
    example: {
      wrong: "'command': 'reset'",
      right: "{ 'command': 'reset' }",
    },
  },
  'nested-too-deeply': {
    code: 'QAPI2011',
    severity: 'error',
    message: ({ limit }: { limit: number }) => `more than ${limit} arrays and objects are nested here`,
    explanation: 'The reference gives up at about five hundred levels. No definition needs more than ten.',
    example: {
      wrong: '[[[[…',
      right: "{ 'command': 'reset' }",
    },
  },
  'include-with-keys': {
    code: 'QAPI2101',
    severity: 'error',
    message: ({ key }: { key: string }) => `an include has no other keys, but this one has '${key}'`,
    explanation: 'The expression that includes a file has the single key `include`.',
    example: {
      wrong: "{ 'include': 'block.json', 'if': 'CONFIG_BLOCK' }",
      right: "{ 'include': 'block.json' }",
    },
  },
  'include-not-a-string': {
    code: 'QAPI2102',
    severity: 'error',
    message: ({ found }: { found: string }) => `'include' takes the name of one file as a string, not ${found}`,
    explanation: 'Every included file has an include of its own. Its name is relative to the file with the include.',
    example: {
      wrong: "{ 'include': [ 'block.json' ] }",
      right: "{ 'include': 'block.json' }",
    },
  },
  'include-cycle': {
    code: 'QAPI2103',
    severity: 'error',
    message: ({ path }: { path: string }) => `'${path}' includes itself, by way of this include`,
    explanation:
      'A file may be included several times (it is read once), but not by itself or by a file that it includes.',
    example: {
      wrong: "# in block.json\n{ 'include': 'block.json' }",
      right: "# in block.json\n{ 'include': 'common.json' }",
    },
  },
  'unreadable-include': {
    code: 'QAPI2104',
    severity: 'error',
    message: ({ path, reason }: { path: string; reason: string }) => `cannot read '${path}': ${reason}`,
    explanation: 'The name of an included file is relative to the folder of the file with the include.',
    example: {
      wrong: "{ 'include': 'missing.json' }",
      right: "{ 'include': 'common.json' }",
    },
  },
  'unreadable-schema': {
    code: 'QAPI2105',
    severity: 'error',
    message: ({ path, reason }: { path: string; reason: string }) => `cannot read '${path}': ${reason}`,
    explanation: 'The root schema must be a file that can be read.',
    example: {
      wrong: 'qapi-ts check missing.json',
      right: 'qapi-ts check qapi/qapi-schema.json',
    },
  },
  'newer-release': {
    code: 'QAPI2106',
    severity: 'warning',
    message: ({ release, newest }: { release: string; newest: string }) =>
      `release ${release} is newer than ${newest}, the newest whose rules are known: the schema is checked by those`,
    explanation:
      'The language grows by a few constructs a year. A newer version of this program knows the rules of newer releases.',
    example: {
      wrong: 'qapi-ts check --dialect 99.0 qapi/qapi-schema.json',
      right: 'qapi-ts check --dialect 11.1 qapi/qapi-schema.json',
    },
  },
  'pragma-with-keys': {
    code: 'QAPI2201',
    severity: 'error',
    message: ({ key }: { key: string }) => `a pragma expression has no other keys, but this one has '${key}'`,
    explanation:
      'The expression that sets pragmas has the single key `pragma`. Its value is an object with the settings.',
    example: {
      wrong: "{ 'pragma': { 'doc-required': true }, 'if': 'CONFIG_DOC' }",
      right: "{ 'pragma': { 'doc-required': true } }",
    },
  },
  'pragma-not-an-object': {
    code: 'QAPI2202',
    severity: 'error',
    message: ({ found }: { found: string }) => `'pragma' takes an object with the settings, not ${found}`,
    explanation: 'Pragmas are settings of the schema as a whole, given as the pairs of an object.',
    example: {
      wrong: "{ 'pragma': 'doc-required' }",
      right: "{ 'pragma': { 'doc-required': true } }",
    },
  },
  'unknown-pragma': {
    code: 'QAPI2203',
    severity: 'error',
    message: ({ key, known }: { key: string; known: string }) => `there is no pragma '${key}'; there are ${known}`,
    explanation:
      'The pragmas are `doc-required` and lists of exceptions from rules. In 6.0 `returns-whitelist` became `command-returns-exceptions`, and `name-case-whitelist` became `member-name-exceptions`.',
    example: {
      wrong: "{ 'pragma': { 'documentation-required': true } }",
      right: "{ 'pragma': { 'doc-required': true } }",
    },
  },
  'pragma-not-a-boolean': {
    code: 'QAPI2204',
    severity: 'error',
    message: ({ key, found }: { key: string; found: string }) => `the pragma '${key}' is true or false, not ${found}`,
    explanation: '`doc-required` is switched on or off.',
    example: {
      wrong: "{ 'pragma': { 'doc-required': 'yes' } }",
      right: "{ 'pragma': { 'doc-required': true } }",
    },
  },
  'pragma-not-a-list': {
    code: 'QAPI2205',
    severity: 'error',
    message: ({ key, found }: { key: string; found: string }) =>
      `the pragma '${key}' is an array of names, so ${found} cannot stand here`,
    explanation: 'Pragmas that make exceptions list the names of the definitions that are excepted.',
    example: {
      dialect: '11.1',
      wrong: "{ 'pragma': { 'command-returns-exceptions': 'query-version' } }",
      right: "{ 'pragma': { 'command-returns-exceptions': [ 'query-version' ] } }",
    },
  },
} satisfies Record<string, DiagnosticKind<never>>;
