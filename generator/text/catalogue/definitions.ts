import type { DiagnosticKind } from '../diagnostic.js';

/** More features than a schema can have, for an example. */
const FEATURES = Array.from({ length: 63 }, (_, index) => `'feature-${index}'`);

/** `QAPI3xxx`: definitions whose keys, values or names break the rules. */
export const definitions = {
  'no-definition': {
    code: 'QAPI3001',
    severity: 'error',
    message: ({ known }: { known: string }) => `this expression defines nothing: it has none of the keys ${known}`,
    explanation:
      'Every expression is a definition, an `include` or (2.9 and later) a `pragma`. The key that says which is the one whose value is the name.',
    example: { wrong: "{ 'name': 'Disk', 'data': {} }", right: "{ 'struct': 'Disk', 'data': {} }" },
  },
  'several-definitions': {
    code: 'QAPI3002',
    severity: 'error',
    message: ({ first, second }: { first: string; second: string }) =>
      `an expression defines one thing: it cannot have both '${first}' and '${second}'`,
    explanation: 'Every definition is an expression of its own.',
    example: {
      wrong: "{ 'struct': 'Disk', 'event': 'GONE', 'data': {} }",
      right: "{ 'struct': 'Disk', 'data': {} }\n{ 'event': 'GONE', 'data': {} }",
    },
  },
  'name-not-a-string': {
    code: 'QAPI3003',
    severity: 'error',
    message: ({ meta, found }: { meta: string; found: string }) =>
      `'${meta}' must be followed by the name that it defines, a string, not by ${found}`,
    explanation: 'The value of the key that says what is defined is the name of the definition.',
    example: { wrong: "{ 'command': {} }", right: "{ 'command': 'reset' }" },
  },
  'missing-key': {
    code: 'QAPI3004',
    severity: 'error',
    message: ({ what, key }: { what: string; key: string }) => `${what} must have the key '${key}'`,
    explanation:
      'Some keys may not be left out: `data` of types, `type` and `name` in the long forms of members and values, and from 6.2 `base` and `discriminator` of unions.',
    example: { wrong: "{ 'struct': 'Disk' }", right: "{ 'struct': 'Disk', 'data': {} }" },
  },
  'unknown-key': {
    code: 'QAPI3005',
    severity: 'error',
    message: ({ what, key, known }: { what: string; key: string; known: string }) =>
      `${what} has no key '${key}'; its keys are ${known}`,
    explanation: 'Which keys exist depends on what is defined, and on the release: later ones know more.',
    example: { wrong: "{ 'struct': 'Disk', 'data': {}, 'boxed': true }", right: "{ 'struct': 'Disk', 'data': {} }" },
  },
  'fixed-flag': {
    code: 'QAPI3006',
    severity: 'error',
    message: ({ key, literal }: { key: string; literal: string }) =>
      `the only value of '${key}' is ${literal}; leave the key out otherwise`,
    explanation:
      'Flags are written only where they differ from what is usual: `gen` and `success-response` are `false`, `boxed`, `allow-oob`, `allow-preconfig` and `coroutine` are `true`.',
    example: { wrong: "{ 'command': 'reset', 'gen': true }", right: "{ 'command': 'reset' }" },
  },
  redefinition: {
    code: 'QAPI3007',
    severity: 'error',
    message: ({ name, earlier }: { name: string; earlier: string }) => `'${name}' is already the name of ${earlier}`,
    explanation:
      'Types, commands and events share one namespace, together with the built-in types. Conditions that exclude each other do not help.',
    example: {
      wrong: "{ 'struct': 'Disk', 'data': {} }\n{ 'enum': 'Disk', 'data': [] }",
      right: "{ 'struct': 'Disk', 'data': {} }\n{ 'enum': 'DiskKind2', 'data': [] }",
    },
  },
  'wrong-value': {
    code: 'QAPI3008',
    severity: 'error',
    message: ({ what, expected, found }: { what: string; expected: string; found: string }) =>
      `${what} must be ${expected}, not ${found}`,
    explanation:
      'Every key has a kind of value: the `data` of an enum is an array, that of a struct an object, and so on.',
    example: {
      wrong: "{ 'enum': 'Color', 'data': { 'red': 'str' } }",
      right: "{ 'enum': 'Color', 'data': [ 'red' ] }",
    },
  },
  'member-clash': {
    code: 'QAPI3009',
    severity: 'error',
    message: ({ what, earlier }: { what: string; earlier: string }) => `${what} clashes with ${earlier}`,
    explanation:
      'Members of an object (inherited ones and those of a union’s branch included), enum values, branches and features must differ also when every character that C does not allow in names counts as `_`. Releases 2.4 and 2.5 compare enum values and branches in the upper-case form of C constants instead, and members as they are written.',
    example: {
      wrong: "{ 'struct': 'Disk', 'data': { 'sector-size': 'int', 'sector_size': 'int' } }",
      right: "{ 'struct': 'Disk', 'data': { 'sector-size': 'int' } }",
    },
  },
  'conflicting-flags': {
    code: 'QAPI3010',
    severity: 'error',
    message: (_: object) => "a command cannot have both 'allow-oob' and 'coroutine'",
    explanation: 'Commands that run out of band must not wait, which is what coroutines are for.',
    example: {
      wrong: "{ 'command': 'reset', 'allow-oob': true, 'coroutine': true }",
      right: "{ 'command': 'reset', 'allow-oob': true }",
    },
  },
  'feature-of-types': {
    code: 'QAPI3011',
    severity: 'error',
    message: ({ name }: { name: string }) =>
      `the feature '${name}' cannot be given to a type: give it to the commands, events, members or values concerned`,
    explanation:
      '`deprecated` (from 5.0) and `unstable` (from 6.2) make a difference for the users of something, so that they belong to commands, events, members and enum values.',
    example: {
      dialect: '11.1',
      wrong: "{ 'struct': 'Disk', 'data': { 'size': 'int' }, 'features': [ 'deprecated' ] }",
      right: "{ 'struct': 'Disk', 'data': { 'size': { 'type': 'int', 'features': [ 'deprecated' ] } } }",
    },
  },
  'too-many-features': {
    code: 'QAPI3012',
    severity: 'error',
    message: ({ name, limit }: { name: string; limit: number }) =>
      `feature '${name}' is one too many: a schema can have ${limit} different features, 'deprecated' and 'unstable' included`,
    explanation: 'From 10.0 every feature of a schema has a bit in a word of 64.',
    example: {
      dialect: '11.1',
      wrong: `{ 'command': 'reset', 'features': [ ${FEATURES.join(', ')} ] }`,
      right: "{ 'command': 'reset', 'features': [ 'quick' ] }",
    },
  },
  'empty-condition': {
    code: 'QAPI3020',
    severity: 'error',
    message: (_: object) => "an empty condition says nothing: leave 'if' out where there is no condition",
    explanation: 'A condition needs at least one symbol. This is true also inside `all`, `any` and `not`.',
    example: { wrong: "{ 'event': 'GONE', 'if': '' }", right: "{ 'event': 'GONE' }" },
  },
  'malformed-condition': {
    code: 'QAPI3021',
    severity: 'error',
    message: ({ found, expected }: { found: string; expected: string }) =>
      `a condition must be ${expected}, not ${found}`,
    explanation:
      "From 6.2 a condition is a configuration symbol or an object `{ 'all': […] }`, `{ 'any': […] }`, `{ 'not': … }`; from 3.0 to 6.1 it is a C preprocessor expression or an array of them, meaning all.",
    example: {
      dialect: '11.1',
      wrong: "{ 'event': 'GONE', 'if': { 'all': 'CONFIG_LINUX' } }",
      right: "{ 'event': 'GONE', 'if': { 'all': [ 'CONFIG_LINUX' ] } }",
    },
  },
  'condition-symbol': {
    code: 'QAPI3022',
    severity: 'error',
    message: ({ text }: { text: string }) =>
      `'${text}' is no configuration symbol: they have uppercase letters, digits and '_', and a letter first`,
    explanation: 'From 6.2 conditions name symbols; operators are spelled `all`, `any` and `not`.',
    example: {
      dialect: '11.1',
      wrong: "{ 'event': 'GONE', 'if': 'defined(CONFIG_LINUX)' }",
      right: "{ 'event': 'GONE', 'if': 'CONFIG_LINUX' }",
    },
  },
  'condition-operator': {
    code: 'QAPI3023',
    severity: 'error',
    message: ({ key }: { key: string }) => `'${key}' is no operator of conditions; they are 'all', 'any' and 'not'`,
    explanation: 'An object as condition has exactly one key, its operator.',
    example: {
      dialect: '11.1',
      wrong: "{ 'event': 'GONE', 'if': { 'none': [ 'CONFIG_LINUX' ] } }",
      right: "{ 'event': 'GONE', 'if': { 'not': 'CONFIG_LINUX' } }",
    },
  },
  'condition-operators': {
    code: 'QAPI3024',
    severity: 'error',
    message: ({ first, second }: { first: string; second: string }) =>
      `a condition has one operator: join '${first}' and '${second}' by an 'all' or 'any' around both`,
    explanation: 'An object as condition has exactly one key, its operator.',
    example: {
      dialect: '11.1',
      wrong: "{ 'event': 'GONE', 'if': { 'any': [ 'CONFIG_A', 'CONFIG_B' ], 'not': 'CONFIG_C' } }",
      right: "{ 'event': 'GONE', 'if': { 'all': [ { 'any': [ 'CONFIG_A', 'CONFIG_B' ] }, { 'not': 'CONFIG_C' } ] } }",
    },
  },
  'reserved-constant': {
    code: 'QAPI3501',
    severity: 'error',
    message: ({ what, name }: { what: string; name: string }) =>
      `'${name}' is not free as the name of ${what}: generated C needs its constant for itself`,
    explanation:
      'Up to 2.5 the number of values of an enum is the constant `MAX`, so that no enum value, branch or event can have that name; in 2.5 the branches of simple unions cannot be `kind` or `type` either.',
    example: {
      dialect: '2.4',
      wrong: "{ 'enum': 'Limit', 'data': [ 'min', 'max' ] }",
      right: "{ 'enum': 'Limit', 'data': [ 'minimum', 'maximum' ] }",
    },
  },
} satisfies Record<string, DiagnosticKind<never>>;
