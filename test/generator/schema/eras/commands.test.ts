import { A, B, type Case, describeEras, E, U } from './eras.js';

const commands: readonly Case[] = [
  ['a built-in type', "{ 'command': 'c', 'data': ⟦'int'⟧ }", { '2.4': 'unusable-type' }],
  ['an array', "{ 'command': 'c', 'data': ⟦[ 'int' ]⟧ }", { '2.4': 'array-not-allowed' }],
  ['data is null', "{ 'command': 'c', 'data': null, 'returns': null }", { '2.4': 'accepted', '4.2': 'not looked at' }],
  [
    'a union',
    `${E}${A}${B}${U}{ 'command': 'c', 'data': ⟦'Uu'⟧ }`,
    { '2.4': 'accepted', '2.5': 'unusable-type', '4.2': 'union-not-boxed' },
  ],
  [
    'a union for an event',
    `${E}${A}${B}${U}{ 'event': 'EV', 'data': ⟦'Uu'⟧ }`,
    { '2.4': 'accepted', '2.5': 'unusable-type', '4.2': 'union-not-boxed' },
  ],
  [
    'a boxed union',
    `${E}${A}${B}${U}{ 'command': 'c', 'data': 'Uu', ⟦'boxed'⟧: true }`,
    { '2.4': 'unknown-key', '2.7': 'accepted' },
  ],
  [
    'a boxed alternate',
    "{ 'alternate': 'Ll', 'data': { 'a': 'int', 'b': 'bool' } }\n{ 'command': 'c', 'data': ⟦'Ll'⟧, ⟦'boxed'⟧: true }",
    { '2.4': ['unknown-key', 2], '2.7': 'accepted', '4.2': 'unusable-type' },
  ],
  [
    'boxed and inline',
    "{ 'command': 'c', 'data': ⟦{ 'x': 'int' }⟧, ⟦'boxed'⟧: true }",
    { '2.4': ['unknown-key', 2], '2.7': 'not-a-type' },
  ],
  [
    'boxed without data',
    "{ 'command': 'c', ⟦'boxed'⟧: ⟦true⟧ }",
    { '2.4': 'unknown-key', '2.7': ['boxed-without-data', 2] },
  ],
  [
    'boxed and empty',
    "{ 'struct': 'Ss', 'data': {} }\n{ 'event': 'EV', 'data': ⟦'Ss'⟧, ⟦'boxed'⟧: true }",
    { '2.4': ['unknown-key', 2], '2.7': 'boxed-empty', '4.2': 'accepted' },
  ],
  [
    'boxed with an inherited member',
    `${A}{ 'struct': 'Ss', 'base': 'Aa', 'data': {} }\n{ 'event': 'EV', 'data': 'Ss', ⟦'boxed'⟧: true }`,
    { '2.4': 'unknown-key', '2.7': 'accepted' },
  ],
  ['returns a built-in type', "{ 'command': 'c', 'returns': ⟦'int'⟧ }", { '2.4': 'unusable-type' }],
  ['returns an array of a built-in type', "{ 'command': 'c', 'returns': [ ⟦'int'⟧ ] }", { '2.4': 'unusable-type' }],
  ['returns an array of a struct', `${A}{ 'command': 'c', 'returns': [ 'Aa' ] }`, { '2.4': 'accepted' }],
  ['returns a union', `${E}${A}${B}${U}{ 'command': 'c', 'returns': 'Uu' }`, { '2.4': 'accepted' }],
  [
    'qom-get',
    "{ 'command': 'qom-get', 'returns': ⟦'int'⟧ }",
    { '2.4': 'unusable-type', '2.5': 'accepted', '2.9': 'unusable-type' },
  ],
  ['guest-sync', "{ 'command': 'guest-sync', 'returns': ⟦'int'⟧ }", { '2.4': 'accepted', '2.9': 'unusable-type' }],
  [
    'user_def_cmd3',
    "{ 'command': ⟦'user_def_cmd3'⟧, 'returns': ⟦'int'⟧ }",
    { '2.4': 'accepted', '2.5': ['unusable-type', 2], '6.0': 'lowercase-name-style' },
  ],
  [
    'returns an inline object',
    "{ 'command': 'c', 'returns': ⟦{ 'x': 'int' }⟧ }",
    { '2.4': 'accepted', '2.5': 'not-a-type' },
  ],
  [
    "'**' with gen",
    "{ 'command': 'c', 'data': { 'x': ⟦'**'⟧ }, 'gen': false }",
    { '2.4': 'accepted', '2.5': 'unknown-type' },
  ],
  [
    "'**' without gen",
    "{ 'command': 'c', 'data': { 'x': ⟦'**'⟧ } }",
    { '2.4': 'star-without-gen', '2.5': 'unknown-type' },
  ],
  [
    "an array of '**'",
    "{ 'command': 'c', 'data': { 'x': [ ⟦'**'⟧ ] }, 'gen': false }",
    { '2.4': 'star-without-gen', '2.5': 'unknown-type' },
  ],
  ['event MAX', "{ 'event': ⟦'MAX'⟧ }", { '2.4': 'reserved-constant', '2.6': 'accepted' }],
  [
    'uppercase argument',
    "{ 'command': 'c', 'data': { ⟦'A'⟧: 'int' } }",
    { '2.4': 'accepted', '2.6': 'uppercase-name', '6.0': 'lowercase-name-style' },
  ],
  [
    'reserved argument',
    "{ 'event': 'EV', 'data': { ⟦'has-a'⟧: 'int' } }",
    { '2.4': 'accepted', '2.5': 'reserved-member-name' },
  ],
];

describeEras('commands and events', commands);
