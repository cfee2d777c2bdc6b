import { A, B, type Case, describeEras, E, U } from './eras.js';

const unions: readonly Case[] = [
  [
    'simple',
    "{ 'union': ⟦'Vv'⟧, 'data': { 'a': 'int', 'b': [ 'str' ] } }",
    { '2.4': 'accepted', '6.2': 'missing-key' },
  ],
  [
    'simple with a base',
    `${A}{ 'union': ⟦'Vv'⟧, 'base': ⟦'Aa'⟧, 'data': { 'a': 'int' } }`,
    { '2.4': ['base-without-discriminator', 2], '6.2': 'missing-key' },
  ],
  [
    'without branches',
    "{ 'union': 'Vv', 'data': ⟦{}⟧ }",
    { '2.4': 'accepted', '2.6': 'union-without-branches', '4.2': 'not looked at' },
  ],
  [
    'simple with branch kind',
    "{ 'union': 'Vv', 'data': { ⟦'kind'⟧: 'int' } }",
    { '2.4': 'accepted', '2.5': 'reserved-constant', '2.6': 'accepted', '6.2': 'not looked at' },
  ],
  [
    'simple with branch max',
    "{ 'union': 'Vv', 'data': { ⟦'max'⟧: 'int' } }",
    { '2.4': 'reserved-constant', '2.6': 'accepted', '6.2': 'not looked at' },
  ],
  [
    'an optional branch',
    "{ 'union': 'Vv', 'data': { ⟦'*a'⟧: 'int' } }",
    { '2.4': 'malformed-name', '6.2': 'not looked at' },
  ],
  [
    'uppercase branch',
    "{ 'union': 'Vv', 'data': { ⟦'A'⟧: 'int' } }",
    { '2.4': 'accepted', '2.6': 'uppercase-name', '6.0': 'lowercase-name-style', '6.2': 'not looked at' },
  ],
  ['a named base', E + A + B + U, { '2.4': 'accepted' }],
  [
    'an inline base',
    `${E}${A}{ 'union': 'Vv', 'base': ⟦{ 'e': 'Ee' }⟧, 'discriminator': 'e', 'data': { 'a': 'Aa', 'b': 'Aa' } }`,
    { '2.4': 'not-a-type', '2.6': 'accepted' },
  ],
  [
    'no base',
    `${A}{ 'union': ⟦'Vv'⟧, 'discriminator': ⟦'e'⟧, 'data': { 'a': 'Aa' } }`,
    { '2.4': ['discriminator-without-base', 2], '6.2': 'missing-key' },
  ],
  [
    'a missing branch',
    `${E}${A}${B}{ 'union': 'Vv', 'base': 'Bb', 'discriminator': 'e', 'data': ⟦{ 'a': 'Aa' }⟧ }`,
    { '2.4': 'accepted', '2.7': 'missing-branch', '3.0': 'accepted' },
  ],
  [
    'a branch too many',
    `${E}${A}${B}{ 'union': 'Vv', 'base': 'Bb', 'discriminator': 'e', 'data': { 'a': 'Aa', 'b': 'Aa', ⟦'c'⟧: 'Aa' } }`,
    { '2.4': 'branch-not-in-enum' },
  ],
  [
    'an inherited discriminator',
    `${E}${A}${B}{ 'struct': 'Dd', 'base': 'Bb', 'data': { 'd': 'int' } }\n{ 'union': 'Vv', 'base': 'Dd', 'discriminator': ⟦'e'⟧, 'data': { 'a': 'Aa', 'b': 'Aa' } }`,
    { '2.4': 'unknown-discriminator', '4.2': 'accepted' },
  ],
  [
    'an optional discriminator',
    `${E}${A}{ 'struct': 'Dd', 'data': { '*e': 'Ee' } }\n{ 'union': 'Vv', 'base': 'Dd', 'discriminator': ⟦'e'⟧, 'data': { 'a': 'Aa', 'b': 'Aa' } }`,
    { '2.4': 'optional-discriminator' },
  ],
  [
    'a discriminator written with its star',
    `${E}${A}{ 'struct': 'Dd', 'data': { '*e': 'Ee' } }\n{ 'union': 'Vv', 'base': 'Dd', 'discriminator': ⟦'*e'⟧, 'data': { 'a': 'Aa', 'b': 'Aa' } }`,
    { '2.4': 'malformed-name', '4.2': 'unknown-discriminator' },
  ],
  [
    'a string as discriminator',
    `${A}{ 'struct': 'Dd', 'data': { 'e': 'str' } }\n{ 'union': 'Vv', 'base': 'Dd', 'discriminator': ⟦'e'⟧, 'data': { 'a': 'Aa' } }`,
    { '2.4': 'discriminator-not-an-enum' },
  ],
  [
    'QType as discriminator',
    `${A}{ 'union': 'Vv', 'base': ⟦{ 'q': 'QType' }⟧, 'discriminator': ⟦'q'⟧, 'data': { 'none': 'Aa' } }`,
    { '2.4': 'not-a-type', '2.6': ['discriminator-not-an-enum', 2], '4.2': 'accepted' },
  ],
  [
    'a conditional discriminator',
    `${E}${A}{ 'struct': 'Dd', 'data': { 'e': ⟦{ 'type': 'Ee', 'if': 'CONFIG_A' }⟧ } }\n{ 'union': 'Vv', 'base': 'Dd', 'discriminator': ⟦'e'⟧, 'data': { 'a': 'Aa', 'b': 'Aa' } }`,
    { '2.4': 'not-a-type', '4.0': ['conditional-discriminator', 2] },
  ],
  [
    'a discriminator named like a value',
    `{ 'enum': 'Ff', 'data': [ 'e' ] }\n${A}{ 'struct': 'Dd', 'data': { 'e': 'Ff' } }\n{ 'union': 'Vv', 'base': 'Dd', 'discriminator': ⟦'e'⟧, 'data': { 'e': 'Aa' } }`,
    { '2.4': 'accepted', '2.5': 'discriminator-among-values', '2.6': 'accepted' },
  ],
  [
    'a branch that starts with a digit',
    `{ 'enum': 'Ff', 'data': [ '9p' ] }\n${A}{ 'struct': 'Dd', 'data': { 'e': 'Ff' } }\n{ 'union': 'Vv', 'base': 'Dd', 'discriminator': 'e', 'data': { ⟦'9p'⟧: 'Aa' } }`,
    { '2.4': 'malformed-name', '6.0': 'accepted' },
  ],
  [
    'an array as branch',
    `${E}${A}${B}{ 'union': 'Vv', 'base': 'Bb', 'discriminator': 'e', 'data': { 'a': ⟦[ 'Aa' ]⟧, 'b': 'Aa' } }`,
    { '2.4': 'array-not-allowed' },
  ],
  [
    'a built-in type as branch',
    `${E}${A}${B}{ 'union': 'Vv', 'base': 'Bb', 'discriminator': 'e', 'data': { 'a': ⟦'int'⟧, 'b': 'Aa' } }`,
    { '2.4': 'unusable-type' },
  ],
  [
    'a union as branch',
    `{ 'enum': 'Ff', 'data': [ 'q' ] }\n{ 'struct': 'Gg', 'data': { 'f': 'Ff' } }\n${E}${A}${B}${U}{ 'union': 'Vv', 'base': 'Gg', 'discriminator': 'f', 'data': { 'q': ⟦'Uu'⟧ } }`,
    { '2.4': 'unusable-type', '8.1': 'accepted' },
  ],
  [
    'a union as base',
    `${E}${A}${B}${U}{ 'union': 'Vv', 'base': ⟦'Uu'⟧, 'discriminator': 'e', 'data': { 'a': 'Aa', 'b': 'Aa' } }`,
    { '2.4': 'unusable-type' },
  ],
  [
    'a branch with a member of the base',
    `${E}${B}{ 'struct': 'Dd', 'data': { '*e': 'str' } }\n{ 'union': 'Vv', 'base': 'Bb', 'discriminator': 'e', 'data': { 'a': ⟦'Dd'⟧, 'b': 'Dd' } }`,
    { '2.4': 'member-clash' },
  ],
  [
    'data is an array',
    `${E}${B}{ 'union': 'Vv', 'base': 'Bb', 'discriminator': 'e', 'data': ⟦[ 'a' ]⟧ }`,
    { '2.4': 'wrong-value' },
  ],
];

const alternates: readonly Case[] = [
  ['no branches', "{ 'alternate': 'Ll', 'data': ⟦{}⟧ }", { '2.4': 'accepted', '2.6': 'alternate-without-branches' }],
  [
    'one branch',
    "{ 'alternate': 'Ll', 'data': ⟦{ 'a': 'int' }⟧ }",
    { '2.4': 'accepted', '2.6': 'alternate-without-branches', '4.2': 'accepted' },
  ],
  ['data is an array', "{ 'alternate': 'Ll', 'data': ⟦[ 'int', 'bool' ]⟧ }", { '2.4': 'wrong-value' }],
  [
    'int and number',
    "{ 'alternate': 'Ll', 'data': { 'a': 'int', ⟦'b'⟧: 'number' } }",
    { '2.4': 'accepted', '2.10': 'indistinguishable-branches' },
  ],
  [
    'int8 and size',
    "{ 'alternate': 'Ll', 'data': { 'a': 'int8', ⟦'b'⟧: 'size' } }",
    { '2.4': 'indistinguishable-branches' },
  ],
  [
    'str and int',
    "{ 'alternate': 'Ll', 'data': { 'a': 'str', ⟦'b'⟧: 'int' } }",
    { '2.4': 'accepted', '2.10': 'indistinguishable-branches' },
  ],
  [
    'str and bool',
    "{ 'alternate': 'Ll', 'data': { 'a': 'bool', ⟦'b'⟧: 'str' } }",
    { '2.4': 'accepted', '2.10': 'indistinguishable-branches' },
  ],
  [
    'str and an enum',
    `${E}{ 'alternate': 'Ll', 'data': { 'a': 'str', ⟦'b'⟧: 'Ee' } }`,
    { '2.4': 'indistinguishable-branches' },
  ],
  ['an enum and int', `${E}{ 'alternate': 'Ll', 'data': { 'a': 'Ee', 'b': 'int' } }`, { '2.4': 'accepted' }],
  [
    'bool and an enum with off',
    "{ 'enum': 'Oo', 'data': [ 'off', 'auto' ] }\n{ 'alternate': 'Ll', 'data': { 'a': 'Oo', ⟦'b'⟧: 'bool' } }",
    { '2.4': 'accepted', '2.10': 'indistinguishable-branches' },
  ],
  [
    'number and an enum with 9p',
    "{ 'enum': 'Oo', 'data': [ '9p' ] }\n{ 'alternate': 'Ll', 'data': { 'a': 'Oo', ⟦'b'⟧: 'number' } }",
    { '2.4': 'accepted', '2.10': 'indistinguishable-branches' },
  ],
  [
    'two objects',
    `${A}${B}{ 'enum': 'Ee', 'data': [] }{ 'alternate': 'Ll', 'data': { 'a': 'Aa', ⟦'b'⟧: 'Bb' } }`,
    { '2.4': 'indistinguishable-branches' },
  ],
  [
    'null and str',
    "{ 'alternate': 'Ll', 'data': { 'a': ⟦'null'⟧, 'b': 'str' } }",
    { '2.4': 'unknown-type', '2.10': 'accepted' },
  ],
  [
    'any',
    "{ 'alternate': 'Ll', 'data': { 'a': ⟦'any'⟧, 'b': 'str' } }",
    { '2.4': 'unknown-type', '2.5': 'indeterminate-branch' },
  ],
  [
    'an alternate',
    "{ 'alternate': 'Kk', 'data': { 'a': 'int', 'b': 'bool' } }\n{ 'alternate': 'Ll', 'data': { 'a': ⟦'Kk'⟧, 'b': 'str' } }",
    { '2.4': 'indeterminate-branch' },
  ],
  [
    'QType and int',
    "{ 'alternate': 'Ll', 'data': { 'a': ⟦'QType'⟧, ⟦'b'⟧: 'int' } }",
    { '2.4': 'unknown-type', '2.6': 'accepted', '2.10': ['indistinguishable-branches', 2], '4.2': 'accepted' },
  ],
  [
    'an array',
    "{ 'alternate': 'Ll', 'data': { 'a': ⟦[ 'int' ]⟧, 'b': 'str' } }",
    { '2.4': 'array-not-allowed', '7.1': 'accepted' },
  ],
  [
    'null in place of a type',
    "{ 'alternate': 'Ll', 'data': { 'a': ⟦null⟧, 'b': 'str' } }",
    { '2.4': 'not-a-type', '4.2': 'not looked at' },
  ],
  [
    'branches equal in C',
    "{ 'alternate': 'Ll', 'data': { 'a-b': 'bool', ⟦'a_b'⟧: 'int' } }",
    { '2.4': 'member-clash', '6.0': 'lowercase-name-style' },
  ],
  [
    'an uppercase branch',
    "{ 'alternate': 'Ll', 'data': { 'a': 'bool', ⟦'B'⟧: 'int' } }",
    { '2.4': 'accepted', '2.6': 'uppercase-name', '6.0': 'lowercase-name-style' },
  ],
];

describeEras('unions', unions);
describeEras('alternates', alternates);
