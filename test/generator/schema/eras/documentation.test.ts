import { A, B, type Case, describeEras, E } from './eras.js';

/** A definition with a documentation block before it. */
function documented(lines: string, definition: string): string {
  return `##\n${lines.replace(/^/gm, '# ').replace(/ +$/gm, '')}\n##\n${definition}\n`;
}

const documentation: readonly Case[] = [
  [
    'required and missing',
    "⟦{ 'pragma': { 'doc-required': true } }⟧\n{ 'event': ⟦'EV'⟧ }",
    { '2.4': 'no-definition', '2.9': ['undocumented-definition', 2] },
  ],
  [
    'about something else',
    documented('@⟦OTHER⟧:', "{ 'event': 'EV' }"),
    { '2.4': 'accepted', '2.9': 'misdirected-documentation' },
  ],
  [
    'Returns of an event',
    documented('@EV:\n\n⟦Returns: nothing⟧', "{ 'event': 'EV' }"),
    { '2.4': 'accepted', '2.9': 'section-of-commands' },
  ],
  [
    'a struct member that does not exist',
    documented('@Ss:\n\n@x: one\n\n⟦@y⟧: two', "{ 'struct': 'Ss', 'data': { 'x': 'int' } }"),
    { '2.4': 'accepted', '2.9': 'described-member-missing' },
  ],
  [
    'an inherited member',
    `${documented('@Rr:\n\n@x: one', "{ 'struct': 'Rr', 'data': { 'x': 'int' } }")}\n${documented('@Ss:\n\n⟦@x⟧: one', "{ 'struct': 'Ss', 'base': 'Rr', 'data': {} }")}`,
    { '2.4': 'accepted', '2.9': 'described-member-missing' },
  ],
  [
    'an enum value that does not exist',
    documented('@Ee:\n\n@x: one\n\n⟦@y⟧: two', "{ 'enum': 'Ee', 'data': [ 'x' ] }"),
    { '2.4': 'accepted', '4.2': 'described-member-missing' },
  ],
  [
    'an argument that does not exist',
    documented('@EV:\n\n@x: one\n\n⟦@y⟧: two', "{ 'event': 'EV', 'data': { 'x': 'int' } }"),
    { '2.4': 'accepted', '2.9': 'described-member-missing' },
  ],
  [
    'an argument of an event without any',
    documented('@EV:\n\n⟦@y⟧: two', "{ 'event': 'EV', 'data': {} }"),
    { '2.4': 'accepted', '4.2': 'described-member-missing' },
  ],
  [
    'a branch of an alternate that does not exist',
    documented(
      '@Ll:\n\n@x: one\n\n@z: two\n\n⟦@y⟧: three',
      "{ 'alternate': 'Ll', 'data': { 'x': 'int', 'z': 'bool' } }",
    ),
    { '2.4': 'accepted', '2.9': 'described-member-missing' },
  ],
  [
    'branches of a simple union',
    documented('@Vv:\n\n⟦@x⟧: one', "{ 'union': 'Vv', 'data': { 'x': 'int' } }"),
    { '2.4': 'accepted', '2.9': 'described-member-missing', '6.2': 'not looked at' },
  ],
  [
    'the tag of a simple union',
    documented('@Vv:\n\n@type: which', "{ 'union': 'Vv', 'data': { 'x': 'int' } }"),
    { '2.4': 'accepted', '6.2': 'not looked at' },
  ],
  [
    'a described inline base',
    E +
      A +
      documented(
        '@Vv:\n\n@e: which',
        "{ 'union': 'Vv', 'base': { 'e': 'Ee' }, 'discriminator': 'e', 'data': { 'a': 'Aa', 'b': 'Aa' } }",
      ),
    { '2.4': 'not looked at', '2.6': 'accepted' },
  ],
  [
    'a described named base',
    E +
      A +
      B +
      documented(
        '@Vv:\n\n⟦@e⟧: which',
        "{ 'union': 'Vv', 'base': 'Bb', 'discriminator': 'e', 'data': { 'a': 'Aa', 'b': 'Aa' } }",
      ),
    { '2.4': 'accepted', '2.9': 'described-member-missing' },
  ],
  [
    'a clash before what is described of a later definition, after that of an earlier one',
    `${documented('@Ss:\n\n⟦@y⟧: two', "{ 'struct': 'Ss', 'data': {} }")}\n${documented('@Tt:\n\n@x: one\n\n@y: two', "{ 'enum': 'Tt', 'data': [ 'x-y', ⟦'x_y'⟧ ] }")}`,
    {
      '2.4': ['member-clash', 2],
      '2.9': 'described-member-missing',
      '6.0': ['lowercase-name-style', 2],
      '9.0': 'not looked at',
    },
  ],
  [
    'what is described of a base that is only defined later',
    `${documented('@Ss:\n\n⟦@y⟧: two', "{ 'struct': 'Ss', 'base': 'Tt', 'data': {} }")}\n${documented('@Tt:\n\n⟦@z⟧: two', "{ 'struct': 'Tt', 'data': {} }")}`,
    { '2.4': 'accepted', '2.9': ['described-member-missing', 2], '4.2': 'described-member-missing' },
  ],
];

describeEras('documentation', documentation);
