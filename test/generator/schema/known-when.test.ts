import { expect, test } from 'vitest';
import { loadSchema, memoryHost } from '../../../generator/index.js';

const documented = (line: string): string => `##\n# @run:\n#\n# Run.\n#\n# ${line}\n##\n{ 'command': 'run' }`;

test.each<[what: string, release: string, schema: string, hint: string | undefined]>([
  ['a key that came later', '2.8', "{ 'command': 'run', 'if': 'A' }", "'if' is known from release 3.0 on"],
  [
    'a flag that came later',
    '5.1',
    "{ 'command': 'run', 'coroutine': true }",
    "'coroutine' is known from release 5.2 on",
  ],
  ['features that came later', '4.2', "{ 'event': 'GONE', 'features': [] }", "'features' is known from release 5.0 on"],
  ['a misspelled key', '9.0', "{ 'command': 'run', 'iff': 'A' }", "did you mean 'if'?"],
  [
    'a pragma that came later',
    '5.2',
    "{ 'pragma': { 'documentation-exceptions': [] } }",
    "'documentation-exceptions' is known from release 9.0 on",
  ],
  [
    'a pragma that went',
    '6.0',
    "{ 'pragma': { 'name-case-whitelist': [] } }",
    "'name-case-whitelist' is known until release 5.2; did you mean 'member-name-exceptions'?",
  ],
  [
    'a union without discriminator',
    '6.2',
    "{ 'union': 'Uu', 'data': { 'a': 'int' } }",
    'unions without a discriminator are known until release 6.1',
  ],
  ['a condition in C', '6.2', "{ 'event': 'GONE', 'if': 'defined(A)' }", 'C expressions are known until release 6.1'],
  [
    'a list of conditions',
    '6.2',
    "{ 'event': 'GONE', 'if': [ 'A' ] }",
    'arrays as conditions are known until release 6.1',
  ],
  [
    'a condition as tree',
    '6.1',
    "{ 'event': 'GONE', 'if': { 'not': 'A' } }",
    "'all', 'any' and 'not' are known from release 6.2 on",
  ],
  [
    'a long form',
    '2.8',
    "{ 'struct': 'Ss', 'data': { 'a': { 'type': 'int' } } }",
    'objects in place of types are known from release 4.0 on',
  ],
  [
    'an array in an alternate',
    '7.0',
    "{ 'alternate': 'Ref', 'data': { 'a': [ 'int' ] } }",
    'arrays in alternates are known from release 7.1 on',
  ],
  [
    'a union as branch',
    '8.0',
    `{ 'enum': 'Mode', 'data': [ 'a' ] }
     { 'union': 'Uu', 'base': { 'e': 'Mode' }, 'discriminator': 'e', 'data': { 'a': 'Vv' } }
     { 'union': 'Vv', 'base': { 'f': 'Mode' }, 'discriminator': 'f', 'data': {} }`,
    'unions as branches are known from release 8.1 on',
  ],
  ['the type any', '2.4', "{ 'struct': 'Ss', 'data': { 'a': 'any' } }", "'any' is known from release 2.5 on"],
  ['the type null', '2.9', "{ 'struct': 'Ss', 'data': { 'a': 'null' } }", "'null' is known from release 2.10 on"],
  [
    'the type **',
    '2.5',
    "{ 'command': 'run', 'data': { 'a': '**' }, 'gen': false }",
    "'**' is known until release 2.4, and is called 'any' now",
  ],
  ['an escape', '4.2', "{ 'enum': 'Mode', 'data': [ '\\n' ] }", "'\\n' is known until release 4.1"],
  ['an escape that never was', '4.2', "{ 'enum': 'Mode', 'data': [ '\\x' ] }", undefined],
  ['a note', '9.1', documented('Note: careful'), "sections 'Note:' are known until release 9.0"],
])('the hint at %s in release %s says when it is known', async (_what, dialect, schema, hint) => {
  const { diagnostics } = await loadSchema('schema.json', { dialect, host: memoryHost({ 'schema.json': schema }) });
  expect(diagnostics[0]?.hint).toBe(hint);
});

test.each(['auto', '2.4', '9.0'])("%s says once that 'type' became 'struct'", async (dialect) => {
  const schema = "{ 'type': 'Aa', 'data': {} }\n{ 'type': 'Bb', 'data': {} }";
  const { diagnostics } = await loadSchema('schema.json', { dialect, host: memoryHost({ 'schema.json': schema }) });
  expect(
    diagnostics.map(({ name, hint }) => [name, hint?.startsWith("'type' became 'struct' in release 2.4")]),
  ).toEqual([
    ['no-definition', true],
    ['no-definition', undefined],
  ]);
});
