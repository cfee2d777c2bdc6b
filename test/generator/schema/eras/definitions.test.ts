import { A, type Case, describeEras, E } from './eras.js';

const kinds: readonly Case[] = [
  ['nothing is defined', "⟦{ 'data': {} }⟧", { '2.4': 'no-definition' }],
  ['the name is no string', "{ 'command': ⟦{}⟧ }", { '2.4': 'name-not-a-string' }],
  ['the name is empty', "{ 'command': ⟦''⟧ }", { '2.4': 'malformed-name' }],
  ['the name has a star', "{ 'event': ⟦'*A'⟧ }", { '2.4': 'malformed-name' }],
  [
    'two kinds at once',
    "{ 'struct': 'Aa', 'data': {}, ⟦'event'⟧: 'B' }",
    { '2.4': 'unknown-key', '6.2': 'several-definitions' },
  ],
  [
    'enum comes before struct',
    "{ ⟦'struct'⟧: 'Aa', ⟦'enum'⟧: 'Bb', 'data': [] }",
    { '2.4': 'unknown-key', '6.2': ['several-definitions', 2] },
  ],
  [
    'the name of a built-in type',
    "{ 'struct': ⟦'int'⟧, 'data': {} }",
    { '2.4': 'redefinition', '6.0': 'type-name-style' },
  ],
  ['a name twice', "{ 'enum': 'Aa', 'data': [] }\n{ 'struct': ⟦'Aa'⟧, 'data': {} }", { '2.4': 'redefinition' }],
  ['QType', "{ 'struct': ⟦'QType'⟧, 'data': {} }", { '2.4': 'accepted', '2.6': 'redefinition' }],
  ['reserved suffix Kind', "{ 'struct': ⟦'AaKind'⟧, 'data': {} }", { '2.4': 'reserved-suffix', '6.2': 'accepted' }],
  ['reserved suffix List', "{ 'struct': ⟦'AaList'⟧, 'data': {} }", { '2.4': 'accepted', '2.5': 'reserved-suffix' }],
];

const keys: readonly Case[] = [
  ['prefix', "{ 'enum': 'Ee', 'data': [], ⟦'prefix'⟧: 'X' }", { '2.4': 'unknown-key', '2.5': 'accepted' }],
  ['boxed', `${A}{ 'command': 'c', 'data': 'Aa', ⟦'boxed'⟧: true }`, { '2.4': 'unknown-key', '2.7': 'accepted' }],
  ['allow-oob', "{ 'command': 'c', ⟦'allow-oob'⟧: true }", { '2.4': 'unknown-key', '2.12': 'accepted' }],
  ['allow-preconfig', "{ 'command': 'c', ⟦'allow-preconfig'⟧: true }", { '2.4': 'unknown-key', '3.0': 'accepted' }],
  ['coroutine', "{ 'command': 'c', ⟦'coroutine'⟧: true }", { '2.4': 'unknown-key', '5.2': 'accepted' }],
  ['if', "{ 'event': 'EV', ⟦'if'⟧: 'CONFIG_A' }", { '2.4': 'unknown-key', '3.0': 'accepted' }],
  [
    'features of a struct',
    "{ 'struct': 'Aa', 'data': {}, ⟦'features'⟧: [] }",
    { '2.4': 'unknown-key', '4.1': 'accepted' },
  ],
  ['features of a command', "{ 'command': 'c', ⟦'features'⟧: [] }", { '2.4': 'unknown-key', '4.2': 'accepted' }],
  ['features of an event', "{ 'event': 'EV', ⟦'features'⟧: [] }", { '2.4': 'unknown-key', '5.0': 'accepted' }],
  ['a missing key', "{ 'enum': ⟦'Ee'⟧ }", { '2.4': 'missing-key' }],
  ['a flag with the value that goes without saying', "{ 'command': 'c', 'gen': ⟦true⟧ }", { '2.4': 'fixed-flag' }],
  ['a flag that is null', "{ 'command': 'c', 'gen': ⟦null⟧ }", { '2.4': 'fixed-flag', '4.2': 'not looked at' }],
  [
    'a flag before an unknown key',
    "{ 'command': 'c', 'gen': ⟦true⟧, ⟦'bogus'⟧: 'x' }",
    { '2.4': 'fixed-flag', '4.0': ['unknown-key', 2] },
  ],
  [
    'a missing and an unknown key',
    "{ 'struct': ⟦'Aa'⟧, ⟦'bogus'⟧: 'x' }",
    { '2.4': ['unknown-key', 2], '4.0': 'missing-key' },
  ],
];

const conditions: readonly Case[] = [
  [
    'empty',
    "{ 'event': 'EV', ⟦'if'⟧: ⟦''⟧ }",
    { '2.4': 'unknown-key', '3.0': ['empty-condition', 2], '6.2': ['condition-symbol', 2] },
  ],
  [
    'blank',
    "{ 'event': 'EV', ⟦'if'⟧: ⟦' '⟧ }",
    { '2.4': 'unknown-key', '3.0': 'accepted', '4.2': ['empty-condition', 2], '6.2': ['condition-symbol', 2] },
  ],
  [
    'array',
    "{ 'event': 'EV', ⟦'if'⟧: ⟦[ 'CONFIG_A', 'CONFIG_B' ]⟧ }",
    { '2.4': 'unknown-key', '3.0': 'accepted', '6.2': ['malformed-condition', 2] },
  ],
  [
    'empty array',
    "{ 'event': 'EV', ⟦'if'⟧: ⟦[]⟧ }",
    { '2.4': 'unknown-key', '3.0': ['empty-condition', 2], '6.2': ['malformed-condition', 2] },
  ],
  [
    'array with something else',
    "{ 'event': 'EV', ⟦'if'⟧: ⟦[ 'CONFIG_A', ⟦true⟧ ]⟧ }",
    { '2.4': 'unknown-key', '3.0': ['malformed-condition', 3], '6.2': ['malformed-condition', 2] },
  ],
  [
    'tree',
    "{ 'event': 'EV', ⟦'if'⟧: ⟦{ 'not': 'CONFIG_A' }⟧ }",
    { '2.4': 'unknown-key', '3.0': ['malformed-condition', 2], '6.2': 'accepted' },
  ],
  ['null', "{ 'event': 'EV', ⟦'if'⟧: null }", { '2.4': 'unknown-key', '3.0': 'accepted', '4.2': 'not looked at' }],
  [
    'of a member',
    "{ 'struct': 'Aa', 'data': { 'x': ⟦{ 'type': 'int', 'if': ⟦true⟧ }⟧ } }",
    { '2.4': 'not-a-type', '4.0': 'accepted', '4.2': ['malformed-condition', 2] },
  ],
  [
    'of an enum value',
    "{ 'enum': 'Ee', 'data': [ ⟦{ 'name': 'x', 'if': ⟦''⟧ }⟧ ] }",
    { '2.4': 'wrong-value', '4.0': ['empty-condition', 2], '6.2': ['condition-symbol', 2] },
  ],
];

const features: readonly Case[] = [
  [
    'an empty value of another kind',
    "{ 'struct': 'Aa', 'data': {}, ⟦'features'⟧: ⟦{}⟧ }",
    { '2.4': 'unknown-key', '4.1': 'accepted', '4.2': ['wrong-value', 2] },
  ],
  [
    'a value of another kind',
    "{ 'struct': 'Aa', 'data': {}, ⟦'features'⟧: ⟦'f'⟧ }",
    { '2.4': 'unknown-key', '4.1': ['wrong-value', 2] },
  ],
  [
    'uppercase',
    "{ 'struct': 'Aa', 'data': {}, ⟦'features'⟧: [ ⟦'F'⟧ ] }",
    {
      '2.4': 'unknown-key',
      '4.1': ['uppercase-name', 2],
      '6.0': ['lowercase-name-style', 2],
      '6.1': 'accepted',
      '7.1': ['lowercase-name-style', 2],
    },
  ],
  [
    'clash',
    "{ 'struct': 'Aa', 'data': {}, ⟦'features'⟧: [ 'f-g', ⟦'f_g'⟧ ] }",
    {
      '2.4': 'unknown-key',
      '4.1': ['member-clash', 2],
      '6.0': ['lowercase-name-style', 2],
      '6.1': ['member-clash', 2],
      '7.1': ['lowercase-name-style', 2],
    },
  ],
  [
    'empty condition',
    "{ 'struct': 'Aa', 'data': {}, ⟦'features'⟧: [ { 'name': 'f', 'if': ⟦''⟧ } ] }",
    { '2.4': 'unknown-key', '4.1': ['empty-condition', 2], '6.2': ['condition-symbol', 2] },
  ],
];

function excepting(owner: string, definition: string): string {
  return `{ 'pragma': { 'name-case-whitelist': [ '${owner}' ] } }\n${definition}`;
}

const exceptions: readonly Case[] = [
  [
    'a struct',
    excepting('Ss', "{ 'struct': 'Ss', 'data': { 'A': 'int' } }"),
    { '2.4': 'not looked at', '2.9': 'accepted', '6.0': 'not looked at' },
  ],
  [
    'an enum',
    excepting('Ee', "{ 'enum': 'Ee', 'data': [ 'A' ] }"),
    { '2.4': 'not looked at', '2.9': 'accepted', '6.0': 'not looked at' },
  ],
  [
    'the implicit type of arguments',
    excepting('q_obj_c-arg', "{ 'command': 'c', 'data': { ⟦'A'⟧: 'int' } }"),
    { '2.4': 'not looked at', '2.9': 'accepted', '4.2': 'uppercase-name', '6.0': 'not looked at' },
  ],
  [
    'a command',
    excepting('c', "{ 'command': 'c', 'data': { ⟦'A'⟧: 'int' } }"),
    { '2.4': 'not looked at', '2.9': 'uppercase-name', '6.0': 'not looked at' },
  ],
  [
    'the implicit type of a base',
    excepting(
      'q_obj_Vv-base',
      `${E}${A}{ 'union': 'Vv', 'base': { ⟦'Ee'⟧: 'Ee' }, 'discriminator': 'Ee', 'data': { 'a': 'Aa', 'b': 'Aa' } }`,
    ),
    { '2.4': 'not looked at', '2.9': 'accepted', '4.2': 'uppercase-name', '6.0': 'not looked at' },
  ],
  [
    'a union with an inline base',
    excepting(
      'Vv',
      `${E}${A}{ 'union': 'Vv', 'base': { ⟦'Ee'⟧: 'Ee' }, 'discriminator': 'Ee', 'data': { 'a': 'Aa', 'b': 'Aa' } }`,
    ),
    { '2.4': 'not looked at', '2.9': 'uppercase-name', '4.2': 'accepted', '6.0': 'not looked at' },
  ],
  [
    'the implicit enum of branches',
    excepting('VvKind', "{ 'union': 'Vv', 'data': { ⟦'A'⟧: 'int' } }"),
    { '2.4': 'not looked at', '2.9': 'accepted', '4.2': 'uppercase-name', '6.0': 'not looked at' },
  ],
  [
    'an alternate',
    excepting('Ll', "{ 'alternate': 'Ll', 'data': { ⟦'A'⟧: 'int', 'b': 'bool' } }"),
    { '2.4': 'not looked at', '2.9': 'accepted', '4.2': 'uppercase-name', '6.0': 'not looked at' },
  ],
  [
    'what the tool excepts before there are pragmas',
    `${E}${A}{ 'union': 'CpuInfo', 'base': { ⟦'CPU'⟧: 'Ee' }, 'discriminator': 'CPU', 'data': { 'a': 'Aa', 'b': 'Aa' } }`,
    { '2.4': 'not looked at', '2.6': 'accepted', '2.9': 'uppercase-name', '6.0': 'lowercase-name-style' },
  ],
  [
    'by the name that the pragma has from 6.0 on',
    "{ 'pragma': { ⟦'member-name-exceptions'⟧: [ 'Ss' ] } }\n{ 'struct': 'Ss', 'data': { 'A_b': 'int' } }",
    { '2.4': 'not looked at', '2.9': 'unknown-pragma', '6.0': 'accepted' },
  ],
  [
    'commands, for an underscore only',
    "{ 'pragma': { ⟦'command-name-exceptions'⟧: [ 'a_b', 'a_B' ] } }\n{ 'command': 'a_b' }\n{ 'command': ⟦'a_B'⟧ }",
    { '2.4': 'not looked at', '2.9': 'unknown-pragma', '6.0': ['lowercase-name-style', 2] },
  ],
  [
    'what commands may return',
    "{ 'pragma': { 'returns-whitelist': [ 'c' ] } }\n{ 'command': 'c', 'returns': 'int' }",
    { '2.4': 'not looked at', '2.9': 'accepted', '6.0': 'not looked at' },
  ],
  [
    'what only the last setting names',
    "{ 'pragma': { 'name-case-whitelist': [ 'Ss' ] } }\n{ 'struct': 'Ss', 'data': { ⟦'A'⟧: 'int' } }\n{ 'pragma': { 'name-case-whitelist': [] } }",
    { '2.4': 'not looked at', '2.9': 'uppercase-name', '6.0': 'not looked at' },
  ],
];

describeEras('kinds and names', kinds);
describeEras('keys', keys);
describeEras('conditions', conditions);
describeEras('features', features);
describeEras('exceptions', exceptions);
