import { A, type Case, describeEras, E } from './eras.js';

const enums: readonly Case[] = [
  ['data is no array', "{ 'enum': 'Ee', 'data': ⟦{ 'a': 'b' }⟧ }", { '2.4': 'wrong-value' }],
  ['data is null', "{ 'enum': 'Ee', 'data': ⟦null⟧ }", { '2.4': 'wrong-value', '4.2': 'not looked at' }],
  ['a value is null', "{ 'enum': 'Ee', 'data': [ ⟦null⟧ ] }", { '2.4': 'wrong-value', '4.2': 'not looked at' }],
  [
    'a value is a long form',
    "{ 'enum': 'Ee', 'data': [ ⟦{ 'name': 'a' }⟧ ] }",
    { '2.4': 'wrong-value', '4.0': 'accepted' },
  ],
  [
    'a long form without name',
    "{ 'enum': 'Ee', 'data': [ ⟦{ 'if': 'CONFIG_A' }⟧ ] }",
    { '2.4': 'wrong-value', '4.0': 'missing-key' },
  ],
  [
    'the prefix is no string',
    "{ 'enum': 'Ee', 'data': [], ⟦'prefix'⟧: ⟦[]⟧ }",
    { '2.4': 'unknown-key', '2.5': ['wrong-value', 2] },
  ],
  [
    'the prefix is null',
    "{ 'enum': 'Ee', 'data': [], ⟦'prefix'⟧: null }",
    { '2.4': 'unknown-key', '2.5': 'accepted', '4.2': 'not looked at' },
  ],
  ['an optional value', "{ 'enum': 'Ee', 'data': [ ⟦'*a'⟧ ] }", { '2.4': 'malformed-name' }],
  ['an empty value', "{ 'enum': 'Ee', 'data': [ ⟦''⟧ ] }", { '2.4': 'accepted', '2.6': 'malformed-name' }],
  ['a value that starts with a digit', "{ 'enum': 'Ee', 'data': [ '9p' ] }", { '2.4': 'accepted' }],
  ['max', "{ 'enum': 'Ee', 'data': [ ⟦'max'⟧ ] }", { '2.4': 'reserved-constant', '2.6': 'accepted' }],
  [
    'values that differ in case',
    "{ 'enum': 'Ee', 'data': [ 'one', ⟦'ONE'⟧ ] }",
    { '2.4': 'member-clash', '2.6': 'uppercase-name', '6.0': 'lowercase-name-style' },
  ],
  [
    'values equal in C',
    "{ 'enum': 'Ee', 'data': [ 'a-b', ⟦'a_b'⟧ ] }",
    { '2.4': 'member-clash', '6.0': 'lowercase-name-style' },
  ],
  [
    'values equal as constants',
    "{ 'enum': 'Ee', 'data': [ 'foo-bar', ⟦'fooBar'⟧ ] }",
    { '2.4': 'member-clash', '2.6': 'uppercase-name', '6.0': 'lowercase-name-style' },
  ],
  [
    'uppercase excepted by the tool',
    "{ 'enum': 'QapiErrorClass', 'data': [ ⟦'GenericError'⟧ ] }",
    { '2.4': 'accepted', '2.9': 'uppercase-name', '6.0': 'lowercase-name-style' },
  ],
  [
    'a value ending in a line feed',
    "{ 'enum': 'Ee', 'data': [ 'a\\n' ] }",
    { '2.4': 'accepted', '4.2': 'not looked at' },
  ],
];

const structs: readonly Case[] = [
  ['data is a type name', `${A}{ 'struct': 'Ss', 'data': ⟦'Aa'⟧ }`, { '2.4': 'wrong-value' }],
  ['data is an array', `${A}{ 'struct': 'Ss', 'data': ⟦[ 'Aa' ]⟧ }`, { '2.4': 'wrong-value' }],
  ['data is null', "{ 'struct': 'Ss', 'data': ⟦null⟧ }", { '2.4': 'wrong-value', '4.2': 'not looked at' }],
  ['a member is false', "{ 'struct': 'Ss', 'data': { 'x': ⟦false⟧ } }", { '2.4': 'not-a-type' }],
  ['a member is null', "{ 'struct': 'Ss', 'data': { 'x': ⟦null⟧ } }", { '2.4': 'not-a-type', '4.2': 'not looked at' }],
  [
    'a member is inline',
    "{ 'struct': 'Ss', 'data': { 'x': ⟦{ 'y': 'int' }⟧ } }",
    { '2.4': 'not-a-type', '4.0': 'missing-key' },
  ],
  [
    'a member in the long form',
    "{ 'struct': 'Ss', 'data': { 'x': ⟦{ 'type': 'int' }⟧ } }",
    { '2.4': 'not-a-type', '4.0': 'accepted' },
  ],
  [
    'an array of two types',
    "{ 'struct': 'Ss', 'data': { 'x': ⟦[ 'int', 'str' ]⟧ } }",
    { '2.4': 'malformed-array-type' },
  ],
  [
    'an array of null',
    "{ 'struct': 'Ss', 'data': { 'x': ⟦[ null ]⟧ } }",
    { '2.4': 'malformed-array-type', '4.2': 'not looked at' },
  ],
  ['an unknown type', "{ 'struct': 'Ss', 'data': { 'x': ⟦'Nothing'⟧ } }", { '2.4': 'unknown-type' }],
  ['an array of an unknown type', "{ 'struct': 'Ss', 'data': { 'x': [ ⟦'Nothing'⟧ ] } }", { '2.4': 'unknown-type' }],
  [
    'a command as type',
    "{ 'command': 'c' }\n{ 'struct': 'Ss', 'data': { 'x': ⟦'c'⟧ } }",
    { '2.4': 'unusable-type', '4.2': 'unknown-type' },
  ],
  ['any', "{ 'struct': 'Ss', 'data': { 'x': ⟦'any'⟧ } }", { '2.4': 'unknown-type', '2.5': 'accepted' }],
  ['null', "{ 'struct': 'Ss', 'data': { 'x': ⟦'null'⟧ } }", { '2.4': 'unknown-type', '2.10': 'accepted' }],
  ['QType', "{ 'struct': 'Ss', 'data': { 'x': ⟦'QType'⟧ } }", { '2.4': 'unknown-type', '2.6': 'accepted' }],
  ["'**'", "{ 'struct': 'Ss', 'data': { 'x': ⟦'**'⟧ } }", { '2.4': 'star-without-gen', '2.5': 'unknown-type' }],
  [
    'an implicit type',
    "{ 'struct': 'Ss', 'data': { 'x': ⟦'intList'⟧ } }",
    { '2.4': 'unknown-type', '4.2': 'accepted' },
  ],
  ['an unknown base', "{ 'struct': 'Ss', 'base': ⟦'Nothing'⟧, 'data': {} }", { '2.4': 'unknown-type' }],
  ['an enum as base', `${E}{ 'struct': 'Ss', 'base': ⟦'Ee'⟧, 'data': {} }`, { '2.4': 'unusable-type' }],
  ['an inline base', "{ 'struct': 'Ss', 'base': ⟦{ 'x': 'int' }⟧, 'data': {} }", { '2.4': 'not-a-type' }],
  ['base is null', "{ 'struct': 'Ss', 'base': null, 'data': {} }", { '2.4': 'accepted', '4.2': 'not looked at' }],
  ['base is empty', "{ 'struct': 'Ss', 'base': ⟦''⟧, 'data': {} }", { '2.4': 'unknown-type', '4.2': 'accepted' }],
  [
    'a member of the base again',
    `${A}{ 'struct': 'Ss', 'base': 'Aa', 'data': { ⟦'x'⟧: 'str' } }`,
    { '2.4': 'member-clash' },
  ],
  [
    'a member of the base’s base again, optional',
    `${A}{ 'struct': 'Mm', 'base': 'Aa', 'data': {} }\n{ 'struct': 'Ss', 'base': 'Mm', 'data': { ⟦'*x'⟧: 'str' } }`,
    { '2.4': 'member-clash' },
  ],
  [
    'members equal in C',
    "{ 'struct': 'Ss', 'data': { 'a-b': 'int', ⟦'a_b'⟧: 'int' } }",
    { '2.4': 'accepted', '2.6': 'member-clash', '6.0': 'lowercase-name-style' },
  ],
  [
    'uppercase',
    "{ 'struct': 'Ss', 'data': { ⟦'aB'⟧: 'int' } }",
    { '2.4': 'accepted', '2.6': 'uppercase-name', '6.0': 'lowercase-name-style' },
  ],
  ['reserved u', "{ 'struct': 'Ss', 'data': { ⟦'u'⟧: 'int' } }", { '2.4': 'accepted', '2.5': 'reserved-member-name' }],
  ['optional u', "{ 'struct': 'Ss', 'data': { ⟦'*u'⟧: 'int' } }", { '2.4': 'accepted', '6.0': 'reserved-member-name' }],
  ['contains itself', "{ 'struct': 'Ss', 'base': ⟦'Ss'⟧, 'data': {} }", { '2.4': 'contains-itself' }],
  ['a member of its own type', "{ 'struct': 'Ss', 'data': { 'x': 'Ss' } }", { '2.4': 'accepted' }],
  [
    'a circle that the first definition only leads to',
    "{ 'struct': 'Ss', 'base': 'Tt', 'data': {} }\n{ 'struct': 'Tt', 'base': ⟦'Vv'⟧, 'data': {} }\n{ 'struct': 'Vv', 'base': 'Tt', 'data': {} }",
    { '2.4': 'contains-itself' },
  ],
  [
    'contents of all before clashes of any',
    "{ 'struct': 'Ss', 'data': { 'x': 'int', ⟦'*x'⟧: 'int' } }\n{ 'struct': 'Tt', 'data': { 'x': ⟦'Nothing'⟧ } }",
    { '2.4': 'member-clash', '2.6': ['unknown-type', 2], '4.2': 'member-clash' },
  ],
  [
    'names of all before contents of any',
    "{ 'struct': 'Ss', 'data': { 'x': 'Nothing' } }\n{ 'command': ⟦'c d'⟧ }",
    { '2.4': 'malformed-name' },
  ],
  [
    'contents by themselves before types',
    "{ 'struct': 'Ss', 'data': { 'x': ⟦'Nothing'⟧ } }\n{ 'enum': 'Ee', 'data': [ ⟦[]⟧ ] }",
    { '2.4': 'unknown-type', '4.2': ['wrong-value', 2] },
  ],
];

describeEras('enums', enums);
describeEras('structs', structs);
