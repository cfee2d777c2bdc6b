import { A, type Case, describeEras, E } from './eras.js';

const features: readonly Case[] = [
  [
    'a list that is none',
    "{ 'struct': 'Ss', 'data': {}, 'features': ⟦'new'⟧ }",
    { '2.4': 'not looked at', '4.1': 'wrong-value' },
  ],
  [
    'a feature twice',
    "{ 'command': 'c', 'features': [ 'new', 'other', ⟦'new'⟧ ] }",
    { '2.4': 'not looked at', '4.2': 'member-clash' },
  ],
  [
    'features equal in C',
    "{ 'command': 'c', 'features': [ 'a-b', ⟦'a_b'⟧ ] }",
    {
      '2.4': 'not looked at',
      '4.2': 'member-clash',
      '6.0': 'lowercase-name-style',
      '6.1': 'member-clash',
      '7.1': 'lowercase-name-style',
    },
  ],
  [
    'a feature of a member twice',
    "{ 'struct': 'Ss', 'data': { 'x': { 'type': 'int', 'features': [ 'new', ⟦'new'⟧ ] } } }",
    { '2.4': 'not looked at', '5.0': 'member-clash' },
  ],
  [
    'a feature of an enum value twice',
    "{ 'enum': 'Ee', 'data': [ { 'name': 'x', ⟦'features'⟧: [ 'new', 'new' ] } ] }",
    { '2.4': 'not looked at', '4.0': 'unknown-key', '6.2': 'accepted' },
  ],
  [
    'an unknown key',
    "{ 'command': 'c', 'features': [ { 'name': 'new', ⟦'since'⟧: '1' } ] }",
    { '2.4': 'not looked at', '4.2': 'unknown-key' },
  ],
  [
    'no name',
    "{ 'command': 'c', 'features': [ ⟦{ 'if': 'CONFIG_A' }⟧ ] }",
    { '2.4': 'not looked at', '4.2': 'missing-key' },
  ],
  [
    'a name that is none',
    "{ 'command': 'c', 'features': [ ⟦[ 'new' ]⟧ ] }",
    { '2.4': 'not looked at', '4.2': 'wrong-value' },
  ],
  [
    'a malformed name',
    "{ 'command': 'c', 'features': [ ⟦'*new'⟧ ] }",
    { '2.4': 'not looked at', '4.2': 'malformed-name' },
  ],
  [
    'deprecated types',
    "{ 'struct': 'Ss', 'data': {}, 'features': [ ⟦'deprecated'⟧ ] }",
    { '2.4': 'not looked at', '4.1': 'accepted', '5.0': 'feature-of-types' },
  ],
  [
    'unstable types',
    "{ 'enum': 'Ee', 'data': [ 'a' ], 'features': [ ⟦'unstable'⟧ ] }",
    { '2.4': 'not looked at', '5.0': 'accepted', '6.2': 'feature-of-types' },
  ],
  [
    'deprecated commands and members',
    "{ 'command': 'c', 'data': { 'x': { 'type': 'int', 'features': [ 'deprecated' ] } }, 'features': [ 'deprecated', 'unstable' ] }",
    { '2.4': 'not looked at', '5.0': 'accepted' },
  ],
  [
    'features of a branch',
    `${A}{ 'alternate': 'Ll', 'data': { 'a': { 'type': 'Aa', ⟦'features'⟧: [] }, 'b': 'bool' } }`,
    { '2.4': 'not looked at', '4.0': 'unknown-key' },
  ],
  [
    'the 65th',
    `{ 'event': 'EV', 'features': [ ${Array.from({ length: 62 }, (_, i) => `'f${i}'`).join(', ')}, 'f1x' ] }
{ 'struct': 'Ss', 'data': { 'x': { 'type': 'int', 'features': [ 'f1', 'deprecated' ] } } }`,
    { '2.4': 'not looked at', '5.0': 'accepted', '10.0': 'not looked at' },
  ],
  [
    'the 65th, of a member',
    `{ 'event': 'EV', 'features': [ ${Array.from({ length: 62 }, (_, i) => `'f${i}'`).join(', ')} ] }
{ 'struct': 'Ss', 'data': { 'x': { 'type': 'int', 'features': [ 'f1', 'deprecated', ⟦'more'⟧ ] } } }`,
    { '2.4': 'not looked at', '5.0': 'accepted', '10.0': 'too-many-features' },
  ],
];

const conditions: readonly Case[] = [
  [
    'an operator that is none',
    "{ 'event': 'EV', 'if': { ⟦'none'⟧: [ 'A' ] } }",
    { '2.4': 'not looked at', '6.2': 'condition-operator' },
  ],
  [
    'two operators',
    "{ 'event': 'EV', 'if': { 'all': [ 'A' ], ⟦'not'⟧: 'B' } }",
    { '2.4': 'not looked at', '6.2': 'condition-operators' },
  ],
  ['no operator', "{ 'event': 'EV', 'if': ⟦{}⟧ }", { '2.4': 'not looked at', '6.2': 'empty-condition' }],
  [
    'an operator on nothing',
    "{ 'event': 'EV', 'if': { 'any': ⟦[]⟧ } }",
    { '2.4': 'not looked at', '6.2': 'empty-condition' },
  ],
  [
    'an operator on one symbol',
    "{ 'event': 'EV', 'if': { 'any': ⟦'A'⟧ } }",
    { '2.4': 'not looked at', '6.2': 'malformed-condition' },
  ],
  [
    'a lowercase symbol, deep inside',
    "{ 'event': 'EV', 'if': { 'any': [ 'A', { 'not': { 'all': [ 'B', ⟦'c'⟧ ] } } ] } }",
    { '2.4': 'not looked at', '6.2': 'condition-symbol' },
  ],
  [
    'a C expression',
    "{ 'event': 'EV', 'if': ⟦'defined(A)'⟧ }",
    { '2.4': 'not looked at', '3.0': 'accepted', '6.2': 'condition-symbol' },
  ],
  [
    'a conditional argument',
    "{ 'command': 'c', 'data': { ⟦'x'⟧: { 'type': 'int', 'if': 'A' } } }",
    { '2.4': 'not looked at', '4.0': 'accepted', '8.1': 'conditional-argument' },
  ],
  [
    'a conditional member of an argument type, inherited',
    "{ 'struct': 'Ss', 'data': { 'x': { 'type': 'int', 'if': 'A' } } }\n{ 'struct': 'Tt', 'base': 'Ss', 'data': {} }\n{ 'event': 'EV', 'data': ⟦'Tt'⟧ }",
    { '2.4': 'not looked at', '4.0': 'accepted', '8.1': 'conditional-argument' },
  ],
  [
    'a conditional member of a boxed argument type',
    "{ 'struct': 'Ss', 'data': { 'x': { 'type': 'int', 'if': 'A' } } }\n{ 'event': 'EV', 'data': 'Ss', 'boxed': true }",
    { '2.4': 'not looked at', '4.0': 'accepted' },
  ],
  [
    'a conditional branch of a boxed argument type',
    `${E}${A}{ 'union': 'Uu', 'base': { 'e': 'Ee' }, 'discriminator': 'e', 'data': { 'a': { 'type': 'Aa', 'if': 'A' } } }
{ 'event': 'EV', 'data': 'Uu', 'boxed': true }`,
    { '2.4': 'not looked at', '4.2': 'accepted' },
  ],
];

const order: readonly Case[] = [
  [
    'the array of an unknown type before other members of its user',
    "{ 'struct': 'Ss', 'data': { 'x': 'Nowhere', 'y': [ ⟦'Nothing'⟧ ] } }",
    { '2.4': 'not looked at', '4.2': 'unknown-type' },
  ],
  [
    'the argument type before the result',
    "{ 'command': 'c', 'data': 'Ss', 'returns': ⟦'Nothing'⟧ }\n{ 'struct': 'Ss', 'data': { 'x': ⟦'Nowhere'⟧ } }",
    { '2.4': 'not looked at', '4.2': 'unknown-type', '8.1': ['unknown-type', 2] },
  ],
  [
    'the base before the type that has it',
    "{ 'struct': 'Ss', 'base': 'Tt', 'data': { 'x': 'Nowhere' } }\n{ 'struct': 'Tt', 'data': { 'x': ⟦'Nothing'⟧ } }",
    { '2.4': 'not looked at', '4.2': 'unknown-type' },
  ],
  [
    'a branch before the clashes of any',
    `${E}{ 'union': 'Uu', 'base': { 'e': 'Ee' }, 'discriminator': 'e', 'data': { 'a': 'Cc', 'b': 'Dd' } }
{ 'struct': 'Cc', 'data': { 'e': 'int' } }
{ 'struct': 'Dd', 'data': { 'x': ⟦'Nothing'⟧ } }`,
    { '2.4': 'not looked at', '4.2': 'unknown-type' },
  ],
  [
    'a second definition before unknown types',
    "{ 'struct': 'Ss', 'data': { 'x': 'Nothing' } }\n{ 'enum': ⟦'Ss'⟧, 'data': [] }",
    { '2.4': 'redefinition' },
  ],
  [
    'flags last',
    "{ 'command': 'c', 'gen': true, 'data': { 'x': ⟦true⟧ } }",
    { '2.4': 'not looked at', '4.2': 'not-a-type' },
  ],
  [
    'flags that exclude each other',
    "{ 'command': 'c', 'coroutine': true, ⟦'allow-oob'⟧: true }",
    { '2.4': 'not looked at', '5.2': 'conflicting-flags' },
  ],
];

const references: readonly Case[] = [
  [
    'an array by the name that the language gives it',
    `${A}{ 'struct': 'Ss', 'data': { 'x': 'intList', 'y': [ 'Aa' ], 'z': 'AaList' } }`,
    { '2.4': 'not looked at', '4.2': 'accepted' },
  ],
  [
    'an array of an array by that name',
    "{ 'struct': 'Ss', 'data': { 'x': [ ⟦'intList'⟧ ] } }",
    { '2.4': 'not looked at', '4.2': 'unusable-type' },
  ],
  [
    'nothing as data and result',
    "{ 'command': 'c', 'data': '', 'returns': '' }",
    { '2.4': 'not looked at', '4.2': 'accepted' },
  ],
  [
    'a member that clashes in a branch’s branch',
    `${E}{ 'struct': 'Cc', 'data': { 'e': 'int' } }
{ 'union': 'Inner', 'base': { 'f': 'Ee' }, 'discriminator': 'f', 'data': { 'a': 'Cc' } }
{ 'union': 'Outer', 'base': { 'e': 'Ee' }, 'discriminator': 'e', 'data': { 'b': ⟦'Inner'⟧ } }`,
    { '2.4': 'not looked at', '4.2': 'unusable-type', '8.1': 'member-clash' },
  ],
  [
    'unions that are each other’s branches',
    `${E}{ 'union': 'Uu', 'base': { 'e': 'Ee' }, 'discriminator': 'e', 'data': { 'b': ⟦'Vv'⟧ } }
{ 'union': 'Vv', 'base': { 'f': 'Ee' }, 'discriminator': 'f', 'data': { 'b': 'Uu' } }`,
    { '2.4': 'not looked at', '4.2': 'unusable-type', '8.1': 'contains-itself' },
  ],
  [
    'an enum without values as discriminator',
    "{ 'enum': 'None', 'data': [] }\n{ 'union': 'Uu', 'base': { 'e': 'None' }, 'discriminator': ⟦'e'⟧, 'data': {} }",
    { '2.4': 'not looked at', '4.2': 'union-without-branches' },
  ],
  [
    'an empty name as discriminator',
    "{ 'union': 'Uu', 'base': {}, 'discriminator': ⟦''⟧, 'data': {} }",
    { '2.4': 'not looked at', '6.2': 'unknown-discriminator' },
  ],
];

const documentation: readonly Case[] = [
  [
    'of features',
    "##\n# @c:\n#\n# Something.\n##\n{ 'command': 'c', 'features': [ ⟦'new'⟧ ] }",
    { '2.4': 'not looked at', '4.2': 'undescribed-feature' },
  ],
  [
    'of features of members',
    "##\n# @Ss:\n#\n# Something.\n#\n# @x: a number\n##\n{ 'struct': 'Ss', 'data': { 'x': { 'type': 'int', 'features': [ ⟦'new'⟧ ] } } }",
    { '2.4': 'not looked at', '5.0': 'undescribed-feature' },
  ],
  [
    'of features that do not exist',
    "##\n# @c:\n#\n# Something.\n#\n# Features:\n#\n# ⟦@new⟧: better\n##\n{ 'command': 'c' }",
    { '2.4': 'not looked at', '4.2': 'described-feature-missing' },
  ],
  [
    'of members',
    "##\n# @Ss:\n#\n# Something.\n##\n{ 'struct': 'Ss', 'data': { ⟦'x'⟧: 'int' } }",
    { '2.4': 'accepted', '9.0': 'undescribed-member' },
  ],
  [
    'of members of an inline base',
    `${E}##\n# @Uu:\n#\n# Something.\n##\n{ 'union': 'Uu', 'base': { ⟦'e'⟧: 'Ee' }, 'discriminator': 'e', 'data': {} }`,
    { '2.4': 'not looked at', '4.2': 'accepted', '9.0': 'undescribed-member' },
  ],
  [
    'of members of definitions that are excepted',
    "{ 'pragma': { 'documentation-exceptions': [ 'Ss' ] } }\n##\n# @Ss:\n#\n# Something.\n##\n{ 'struct': 'Ss', 'data': { 'x': 'int' } }",
    { '2.4': 'not looked at', '9.0': 'accepted' },
  ],
  [
    'of members that are inherited or of another type',
    `${A}##\n# @Ss:\n#\n# Something.\n##\n{ 'struct': 'Ss', 'base': 'Aa', 'data': {} }
##\n# @c:\n#\n# Something.\n##\n{ 'command': 'c', 'data': 'Ss' }`,
    { '2.4': 'accepted' },
  ],
  [
    'of the result of a command that has none',
    "##\n# @c:\n#\n# Something.\n#\n# ⟦Returns: nothing⟧\n##\n{ 'command': 'c' }",
    { '2.4': 'accepted', '9.0': 'returns-nothing' },
  ],
  [
    'of the errors of an event',
    "##\n# @EV:\n#\n# Something.\n#\n# ⟦Errors: none⟧\n##\n{ 'event': 'EV' }",
    { '2.4': 'accepted', '9.0': 'section-of-commands' },
  ],
  [
    'of a wrong name, before anything in the definition',
    "##\n# @⟦d⟧:\n#\n# Something.\n##\n{ 'command': 'c', 'bogus': 'x' }",
    { '2.4': 'not looked at', '4.2': 'misdirected-documentation' },
  ],
  [
    'of what does not exist, in the first definition, after all else from 9.0 on',
    "##\n# @c:\n#\n# Something.\n#\n# ⟦@x⟧: what\n##\n{ 'command': 'c' }\n{ 'struct': 'Ss', 'data': { 'x': ⟦'Nothing'⟧ } }",
    { '2.4': 'not looked at', '4.2': 'described-member-missing', '9.0': ['unknown-type', 2] },
  ],
];

describeEras('features', features);
describeEras('conditions', conditions);
describeEras('order of checks', order);
describeEras('references', references);
describeEras('documentation', documentation);
