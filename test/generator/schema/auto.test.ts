import { describe, expect, it } from 'vitest';
import { checkSchema, isError, memoryHost } from '../../../generator/index.js';

async function errorsIn(text: string): Promise<string[]> {
  const found = await checkSchema('schema.json', { host: memoryHost({ 'schema.json': text }) });
  return found.filter(isError).map(({ name }) => name);
}

const struct = "{ 'struct': 'Aa', 'data': {} }\n";
const enumeration = "{ 'enum': 'Ee', 'data': [ 'a', 'b' ] }\n";

describe('without a named release', () => {
  it.each([
    ['simple unions', `${struct}{ 'union': 'Uu', 'data': { 'a': 'Aa', 'b': [ 'str' ], 'c': 'int' } }`],
    [
      'unions with gaps',
      `${struct}${enumeration}{ 'union': 'Uu', 'base': { 'e': 'Ee' }, 'discriminator': 'e', 'data': { 'b': 'Aa' } }`,
    ],
    [
      'an inherited discriminator',
      `${enumeration}{ 'struct': 'Bb', 'data': { 'e': 'Ee' } } { 'struct': 'Cc', 'base': 'Bb', 'data': {} }
{ 'union': 'Uu', 'base': 'Cc', 'discriminator': 'e', 'data': {} }`,
    ],
    [
      'unions as branches',
      `${enumeration}{ 'union': 'Uu', 'base': { 'e': 'Ee' }, 'discriminator': 'e', 'data': { 'a': 'Vv' } }
{ 'union': 'Vv', 'base': { 'f': 'Ee' }, 'discriminator': 'f', 'data': {} }`,
    ],
    ['conditions in C', "{ 'event': 'EV', 'if': [ 'defined(A)', 'B > 1' ] }"],
    ['conditions as trees', "{ 'event': 'EV', 'if': { 'all': [ 'A', { 'not': 'B' } ] } }"],
    [
      'null where nothing is',
      "{ 'command': 'c', 'data': null, 'returns': null } { 'struct': 'Ss', 'base': null, 'data': {} }",
    ],
    [
      'names of any style',
      "{ 'enum': 'mode_t', 'data': [ 'A_b', '9p', 'max' ] } { 'command': 'Do_it' } { 'event': 'gone', 'data': { 'Who': 'str' } }",
    ],
    ['types of simple unions’ tags', "{ 'enum': 'DiskKind', 'data': [] }"],
    ['anything', "{ 'command': 'c', 'data': { 'a': '**', 'b': 'any', 'c': [ '**' ] }, 'gen': false }"],
    ['results in line', "{ 'command': 'c', 'returns': { 'a': 'int' } }"],
    [
      'unions as arguments',
      `${enumeration}{ 'union': 'Uu', 'base': { 'e': 'Ee' }, 'discriminator': 'e', 'data': {} } { 'command': 'c', 'data': 'Uu' }`,
    ],
    [
      'alternates as arguments',
      "{ 'alternate': 'Ll', 'data': { 's': 'str', 'n': 'null' } } { 'command': 'c', 'data': 'Ll', 'boxed': true }",
    ],
    ['conditional arguments', "{ 'command': 'c', 'data': { 'x': { 'type': 'int', 'if': 'A' } } }"],
    [
      'alternates of numbers, and with arrays',
      "{ 'alternate': 'Ll', 'data': { 'i': 'int', 'n': 'number', 's': 'str', 'l': [ 'int' ] } }",
    ],
    ['alternates of one type', "{ 'alternate': 'Ll', 'data': { 's': 'str' } }"],
    ['deprecated types', "{ 'struct': 'Ss', 'data': {}, 'features': [ 'deprecated' ] }"],
    [
      'commands that returned anything before there were pragmas',
      "{ 'command': 'qom-get', 'returns': 'any' } { 'command': 'ringbuf-read', 'returns': 'str' }",
    ],
    [
      'documentation that is wrong',
      "##\n# @b:\n#\n# Something.\n#\n# @x: what\n##\n{ 'struct': 'Aa', 'data': { 'y': 'int' } }",
    ],
  ])('accepts %s', async (_, text) => {
    expect(await errorsIn(text)).toEqual([]);
  });

  it.each([
    ['unknown keys', "{ 'command': 'c', 'bogus': true }", 'unknown-key'],
    ['malformed names', "{ 'command': 'a b' }", 'malformed-name'],
    ['reserved names', "{ 'struct': 'Ss', 'data': { 'has-x': 'int' } }", 'reserved-member-name'],
    ['the names of arrays', "{ 'struct': 'DiskList', 'data': {} }", 'reserved-suffix'],
    ['unknown types', "{ 'struct': 'Ss', 'data': { 'x': 'Nothing' } }", 'unknown-type'],
    ['second definitions', "{ 'command': 'c' } { 'event': 'c' }", 'redefinition'],
    ['clashes', "{ 'struct': 'Ss', 'data': { 'a-b': 'int', 'a_b': 'int' } }", 'member-clash'],
    [
      'a base without discriminator',
      `${struct}{ 'union': 'Uu', 'base': 'Aa', 'data': { 'a': 'Aa' } }`,
      'base-without-discriminator',
    ],
    [
      'branches that are no values',
      `${struct}${enumeration}{ 'union': 'Uu', 'base': { 'e': 'Ee' }, 'discriminator': 'e', 'data': { 'c': 'Aa' } }`,
      'branch-not-in-enum',
    ],
    [
      'branches that cannot be distinguished',
      "{ 'alternate': 'Ll', 'data': { 's': 'str', 't': 'str' } }",
      'indistinguishable-branches',
    ],
    ['results that are no objects', "{ 'command': 'c', 'returns': 'int' }", 'unusable-type'],
    ['types inside themselves', "{ 'struct': 'Ss', 'base': 'Ss', 'data': {} }", 'contains-itself'],
    ['empty conditions', "{ 'event': 'EV', 'if': '' }", 'empty-condition'],
  ])('rejects %s', async (_, text, error) => {
    expect(await errorsIn(text)).toEqual([error]);
  });
});
