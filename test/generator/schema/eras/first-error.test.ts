import { describe, expect, test } from 'vitest';
import { diagnosticAsJson, isError, loadSchema, memoryHost } from '../../../../generator/index.js';
import { type Case, describeEras, E } from './eras.js';

const cases: readonly Case[] = [
  [
    'a syntax error around an include comes before what is wrong with the included file',
    "{ 'include': 'none.json' ⟦'if'⟧: 'A' }",
    { '2.4': 'missing-comma' },
  ],
  [
    'an include that is whole is read before what comes behind it',
    "{ 'include': ⟦'none.json'⟧ } { 'event' 'EV' }",
    { '2.4': 'unreadable-include' },
  ],
  [
    'a syntax error in an expression comes before what is wrong with its documentation',
    "⟦##\n# Text.\n##⟧\n{ 'event': 'EV' ⟦[⟧ ] }",
    { '2.4': ['unclosed', 2] },
  ],
  [
    'a malformed documentation comment comes before a syntax error behind it',
    "##\n# @EV:\n⟦## ⟧\n{ 'event' 'EV' }",
    { '2.4': 'not looked at', '2.9': 'text-after-doc-mark' },
  ],
  [
    'of results and errors that no command has, results come first',
    `##\n# @Ee:\n#\n# @a: text\n#\n# @b: text\n#\n# Errors:\n#     - text\n#\n# ⟦Returns: text⟧\n##\n${E}`,
    { '2.4': 'accepted', '2.9': 'section-of-commands' },
  ],
  [
    'a struct that names a type as its members comes last where that passes at first',
    "{ 'struct': 'Ss', 'data': ⟦'int'⟧ }\n{ 'event': 'EV', 'data': ⟦true⟧ }",
    { '2.4': 'wrong-value', '4.2': ['not-a-type', 2], '8.1': 'wrong-value' },
  ],
  [
    'a struct that names a type as its members comes before a second definition of its name',
    "{ 'event': 'Ss' }\n{ 'struct': 'Ss', 'data': ⟦'int'⟧ }",
    { '2.4': 'not looked at', '4.2': 'wrong-value', '6.0': 'not looked at' },
  ],
  [
    'an empty discriminator is looked for when types are',
    `${E}{ 'struct': 'Ss', 'data': { 'x': ⟦'Nothing'⟧ } }
{ 'union': 'Uu', 'base': { 'e': 'Ee' }, 'discriminator': '', 'data': { 'a': 'Ss' } }`,
    { '2.4': 'not looked at', '4.2': 'unknown-type' },
  ],
];

describeEras('of several errors', cases);

describe('the line of a definition', () => {
  const lineOf = async (text: string, dialect: string) => {
    const { diagnostics } = await loadSchema('schema.json', { dialect, host: memoryHost({ 'schema.json': text }) });
    const first = diagnostics.find(isError);
    return first && diagnosticAsJson(first, 'schema.json').definitionLine;
  };

  test.each(['5.2', '6.1', '8.2'])(
    'reports the line of the comment, where a heading divides it: %s',
    async (dialect) => {
      expect(await lineOf("\n##\n# Text.\n# = Heading\n##\n{ 'event': 'EV' }", dialect)).toBe(2);
    },
  );

  test.each(['2.4', '4.1', '4.2', '11.1'])(
    'reports the line of the later one of two definitions: %s',
    async (dialect) => {
      expect(await lineOf("{ 'event': 'EV' }\n\n{ 'event':\n  'EV' }", dialect)).toBe(3);
    },
  );
});
