import { describe, expect, test } from 'vitest';
import { changesBetween, lineOf } from './compared.js';

/** A change and what is found of it, in the words of `lineOf`. */
type Case = readonly [title: string, old: string, now: string, changes: readonly string[]];

function describeRules(title: string, cases: readonly Case[], dialect?: string): void {
  describe(title, () => {
    test.each(cases)('%s', async (_title, old, now, changes) => {
      expect((await changesBetween(old, now, {}, dialect)).map(lineOf)).toEqual(changes);
    });
  });
}

const send = (members: string, rest = ''): string => `{ 'command': 'run', 'data': { ${members} } } ${rest}`;
const receive = (members: string, rest = ''): string => `{ 'event': 'DONE', 'data': { ${members} } } ${rest}`;
const both = (members: string, rest = ''): string =>
  `{ 'struct': 'Data', 'data': { ${members} } }
   { 'command': 'run', 'data': { 'd': 'Data' }, 'returns': 'Data' } ${rest}`;
const mode = (...values: string[]): string =>
  `{ 'enum': 'Mode', 'data': [ ${values.map((v) => `'${v}'`).join(', ')} ] }`;

describeRules('commands and events', [
  ['a new command breaks no client', '', "{ 'command': 'run' }", ['command-added run']],
  ['a command that is gone breaks senders', "{ 'command': 'run' }", '', ['command-removed run sender!']],
  ['a new event breaks no client', '', "{ 'event': 'DONE' }", ['event-added DONE']],
  ['an event that is gone breaks receivers', "{ 'event': 'DONE' }", '', ['event-removed DONE receiver!']],
  [
    'a renamed command is one that is gone and a new one',
    "{ 'command': 'x-run' }",
    "{ 'command': 'run' }",
    ['command-removed x-run sender!', 'command-added run'],
  ],
  [
    'out-of-band execution can be gained',
    "{ 'command': 'run' }",
    "{ 'command': 'run', 'allow-oob': true }",
    ['oob-gained run'],
  ],
  [
    'out-of-band execution can be lost',
    "{ 'command': 'run', 'allow-oob': true }",
    "{ 'command': 'run' }",
    ['oob-lost run sender!'],
  ],
  [
    'execution before the configuration ends can be gained',
    "{ 'command': 'run' }",
    "{ 'command': 'run', 'allow-preconfig': true }",
    ['preconfig-gained run'],
  ],
  [
    'execution before the configuration ends can be lost',
    "{ 'command': 'run', 'allow-preconfig': true }",
    "{ 'command': 'run' }",
    ['preconfig-lost run sender!'],
  ],
]);

describeRules('members', [
  [
    'a new optional argument breaks no client',
    send(''),
    send("'*x': 'int'"),
    ['optional-member-added run>arguments.x'],
  ],
  [
    'a new mandatory argument breaks senders',
    send(''),
    send("'x': 'int'"),
    ['mandatory-member-added run>arguments.x sender!'],
  ],
  [
    'a new mandatory member of data breaks no client',
    receive(''),
    receive("'x': 'int'"),
    ['mandatory-member-added DONE>data.x'],
  ],
  [
    'an argument that is gone breaks senders',
    send("'*x': 'int'"),
    send(''),
    ['member-removed run>arguments.x sender!'],
  ],
  [
    'a member of data that is gone breaks receivers, also when it was optional',
    receive("'*x': 'int'"),
    receive(''),
    ['member-removed DONE>data.x receiver!'],
  ],
  [
    'a member that goes both ways and is gone breaks both',
    both("'x': 'int'"),
    both(''),
    ['member-removed run>returns.x run>arguments.d.x sender+receiver!'],
  ],
  [
    'an argument that may be absent now breaks no client',
    send("'x': 'int'"),
    send("'*x': 'int'"),
    ['member-made-optional run>arguments.x'],
  ],
  [
    'a member of data that may be absent now breaks receivers',
    receive("'x': 'int'"),
    receive("'*x': 'int'"),
    ['member-made-optional DONE>data.x receiver!'],
  ],
  [
    'an argument that must be present now breaks senders',
    send("'*x': 'int'"),
    send("'x': 'int'"),
    ['member-made-mandatory run>arguments.x sender!'],
  ],
  [
    'a member of data that is always present now breaks no client',
    receive("'*x': 'int'"),
    receive("'x': 'int'"),
    ['member-made-mandatory DONE>data.x'],
  ],
  [
    'what a new member holds is part of that one addition',
    send('', "{ 'struct': 'Inner', 'data': { 'a': 'int', 'b': 'Inner' } }"),
    send("'*x': [ 'Inner' ]", "{ 'struct': 'Inner', 'data': { 'a': 'int', 'b': 'Inner' } }"),
    ['optional-member-added run>arguments.x'],
  ],
  [
    'wrapped arguments that are unwrapped are a removal and additions',
    send("'options': 'Inner'", "{ 'struct': 'Inner', 'data': { 'a': 'int' } }"),
    send("'a': 'int'"),
    ['mandatory-member-added run>arguments.a sender!', 'member-removed run>arguments.options sender!'],
  ],
]);

describeRules('values', [
  [
    'a new value that is sent breaks no client',
    send("'m': 'Mode'", mode('a')),
    send("'m': 'Mode'", mode('a', 'b')),
    ['enum-value-added run>arguments.m'],
  ],
  [
    'a new value that is received may surprise',
    receive("'m': 'Mode'", mode('a')),
    receive("'m': 'Mode'", mode('a', 'b')),
    ['enum-value-added DONE>data.m receiver?'],
  ],
  [
    'a value that is gone breaks senders',
    send("'m': 'Mode'", mode('a', 'b')),
    send("'m': 'Mode'", mode('a')),
    ['enum-value-removed run>arguments.m sender!'],
  ],
  [
    'a value that does not come any more breaks no client',
    receive("'m': 'Mode'", mode('a', 'b')),
    receive("'m': 'Mode'", mode('a')),
    ['enum-value-removed DONE>data.m'],
  ],
  [
    'any string that became an enum breaks clients that send others',
    send("'m': 'str'"),
    send("'m': 'Mode'", mode('a')),
    ['string-to-enum run>arguments.m sender!'],
  ],
  [
    'any string that became an enum is a promise to receivers',
    receive("'m': 'str'"),
    receive("'m': 'Mode'", mode('a')),
    ['string-to-enum DONE>data.m'],
  ],
  [
    'an enum that became any string may surprise receivers',
    receive("'m': 'Mode'", mode('a')),
    receive("'m': 'str'"),
    ['enum-to-string DONE>data.m receiver?'],
  ],
  [
    'an enum that became any string breaks no sender',
    send("'m': 'Mode'", mode('a')),
    send("'m': 'str'"),
    ['enum-to-string run>arguments.m'],
  ],
]);

const alternate = (...types: string[]): string =>
  `{ 'alternate': 'Any', 'data': { ${types.map((type, i) => `'b${i}': ${type}`).join(', ')} } } { 'struct': 'Inner', 'data': {} }`;

describeRules('types', [
  [
    'an integer that became a number breaks no sender',
    send("'x': 'int'"),
    send("'x': 'number'"),
    ['type-widened run>arguments.x'],
  ],
  [
    'an integer that became a number breaks receivers',
    receive("'x': 'int'"),
    receive("'x': 'number'"),
    ['type-widened DONE>data.x receiver!'],
  ],
  [
    'a number that became an integer breaks senders',
    send("'x': 'number'"),
    send("'x': 'int'"),
    ['type-narrowed run>arguments.x sender!'],
  ],
  [
    'a number that became an integer breaks no receiver',
    receive("'x': 'number'"),
    receive("'x': 'int'"),
    ['type-narrowed DONE>data.x'],
  ],
  [
    'everything is within any',
    send("'x': [ 'str' ]"),
    `{ 'command': 'run', 'data': { 'x': 'any' } }`,
    ['type-widened run>arguments.x'],
  ],
  [
    'any that became something breaks senders',
    send("'x': 'any'"),
    send("'x': 'bool'"),
    ['type-narrowed run>arguments.x sender!'],
  ],
  [
    'a string that became an integer breaks both sides',
    both("'x': 'str'"),
    both("'x': 'int'"),
    ['type-changed run>returns.x run>arguments.d.x sender+receiver!'],
  ],
  [
    'a value that became a list of such is another',
    send("'x': 'str'"),
    send("'x': [ 'str' ]"),
    ['type-changed run>arguments.x sender!'],
  ],
  [
    'the elements of a list are compared',
    send("'x': [ 'str' ]"),
    send("'x': [ 'int' ]"),
    ['type-changed run>arguments.x[] sender!'],
  ],
  [
    'a type that became an alternate with it takes more',
    send("'x': [ 'str' ]"),
    send("'x': [ 'Any' ]", alternate("'str'", "'Inner'")),
    ['type-widened run>arguments.x[]'],
  ],
  [
    'an alternate that became one of its types takes less',
    receive("'x': 'Any'", alternate("'str'", "'Inner'")),
    receive("'x': 'str'"),
    ['type-narrowed DONE>data.x'],
  ],
  [
    'an alternate with a new choice takes more, and that is one change',
    both("'x': 'Any', 'y': 'Any'", alternate("'str'", "'Inner'")),
    both("'x': 'Any', 'y': 'Any'", alternate("'str'", "'Inner'", "'null'")),
    ['type-widened run>returns.x run>arguments.d.x receiver!'],
  ],
  [
    'an alternate that loses a choice and gains another is another type',
    send("'x': 'Any'", alternate("'str'", "'Inner'")),
    send("'x': 'Any'", alternate("'str'", "'null'")),
    ['type-changed run>arguments.x sender!'],
  ],
  [
    'a choice of an alternate that changes is one change wherever the alternate is used',
    send("'x': 'Any', 'y': [ 'Any' ]", `${mode('a')} ${alternate("'Mode'", "'Inner'")}`),
    send("'x': 'Any', 'y': [ 'Any' ]", alternate("'str'", "'Inner'")),
    ['enum-to-string run>arguments.x'],
  ],
  [
    'the choices that both sides have are compared, without a trace in the path',
    send(
      "'x': 'Any'",
      "{ 'alternate': 'Any', 'data': { 's': 'str', 'o': 'Inner' } } { 'struct': 'Inner', 'data': { 'a': 'int' } }",
    ),
    send(
      "'x': 'Any'",
      "{ 'alternate': 'Any', 'data': { 's': 'str', 'o': 'Inner' } } { 'struct': 'Inner', 'data': {} }",
    ),
    ['member-removed run>arguments.x.a sender!'],
  ],
  [
    'a smaller range may surprise senders',
    send("'x': 'int'"),
    send("'x': 'uint8'"),
    ['integer-range-narrowed run>arguments.x sender?'],
  ],
  [
    'a smaller range breaks no receiver',
    receive("'x': 'int'"),
    receive("'x': 'uint8'"),
    ['integer-range-narrowed DONE>data.x'],
  ],
  [
    'a larger range may surprise receivers',
    receive("'x': 'uint8'"),
    receive("'x': 'int'"),
    ['integer-range-widened DONE>data.x receiver?'],
  ],
  [
    'a larger range breaks no sender',
    send("'x': 'uint8'"),
    send("'x': 'int'"),
    ['integer-range-widened run>arguments.x'],
  ],
  ['size is uint64', send("'x': 'uint64', 'y': 'int64'"), send("'x': 'size', 'y': 'int'"), []],
]);

describeRules('results, data and arguments that are nothing', [
  [
    'are empty objects',
    "{ 'command': 'run' }",
    "{ 'command': 'run', 'data': {}, 'returns': 'E' } { 'struct': 'E', 'data': {} }",
    [],
  ],
  [
    'gain members',
    "{ 'command': 'run' }",
    "{ 'command': 'run', 'returns': 'E' } { 'struct': 'E', 'data': { 'x': 'int' } }",
    ['mandatory-member-added run>returns.x'],
  ],
  [
    'are no lists',
    "{ 'command': 'run' }",
    "{ 'command': 'run', 'returns': [ 'E' ] } { 'struct': 'E', 'data': { 'x': 'int' } }",
    ['type-changed run>returns receiver!'],
  ],
]);

describeRules('marks', [
  [
    'deprecation is a notice',
    "{ 'command': 'run' }",
    "{ 'command': 'run', 'features': [ 'deprecated' ] }",
    ['deprecated-added run *'],
  ],
  [
    'deprecation of a member is a notice',
    send("'*x': 'int'"),
    send("'*x': { 'type': 'int', 'features': [ 'deprecated' ] }"),
    ['deprecated-added run>arguments.x *'],
  ],
  [
    'deprecation of a value is a notice',
    receive("'m': 'Mode'", mode('a')),
    receive("'m': 'Mode'", "{ 'enum': 'Mode', 'data': [ { 'name': 'a', 'features': [ 'deprecated' ] } ] }"),
    ['deprecated-added DONE>data.m *'],
  ],
  [
    'deprecation can be taken back',
    "{ 'event': 'DONE', 'features': [ 'deprecated', 'unstable' ] }",
    "{ 'event': 'DONE' }",
    ['deprecated-removed DONE', 'unstable-removed DONE'],
  ],
  [
    'instability is a notice',
    "{ 'command': 'run' }",
    "{ 'command': 'run', 'features': [ 'unstable' ] }",
    ['unstable-added run *'],
  ],
  [
    'a new feature is an offer',
    "{ 'command': 'run' }",
    "{ 'command': 'run', 'features': [ 'fast' ] }",
    ['feature-added run'],
  ],
  [
    'a lost feature is a notice',
    "{ 'command': 'run', 'features': [ 'fast' ] }",
    "{ 'command': 'run' }",
    ['feature-removed run *'],
  ],
  [
    'features of types show where these are used',
    receive("'d': 'Data'", "{ 'struct': 'Data', 'data': {} }"),
    receive("'d': 'Data'", "{ 'struct': 'Data', 'data': {}, 'features': [ 'fast' ] }"),
    ['feature-added DONE>data.d'],
  ],
  [
    'another condition is a notice',
    "{ 'command': 'run', 'if': 'A' }",
    "{ 'command': 'run', 'if': { 'all': [ 'A', 'B' ] } }",
    ['condition-changed run *'],
  ],
  [
    'the same condition in other words is none',
    "{ 'command': 'run', 'if': [ 'defined(A)', 'defined(B)' ] }",
    "{ 'command': 'run', 'if': { 'all': [ 'B', 'A' ] } }",
    [],
  ],
]);

describeRules('what is not on the wire', [
  [
    'names, order, bases, modules, documentation and C',
    `{ 'enum': 'Mode', 'data': [ 'a', 'b' ], 'prefix': 'M' }
     { 'struct': 'Base', 'data': { 'x': 'int' } }
     { 'struct': 'Data', 'base': 'Base', 'data': { 'm': 'Mode', '*y': 'str' } }
     { 'command': 'run', 'data': 'Data' } { 'event': 'DONE', 'data': { 'd': 'Data' } }`,
    `{ 'event': 'DONE', 'data': { 'd': 'Other' } }
     { 'enum': 'Kind', 'data': [ 'b', 'a' ] }
     { 'struct': 'Other', 'data': { '*y': 'str', 'm': 'Kind', 'x': 'int' } }
     ##
     # @run:
     #
     # Run.
     ##
     { 'command': 'run', 'data': 'Other', 'boxed': true, 'coroutine': true }`,
    [],
  ],
  [
    'types that no command and no event reaches',
    "{ 'struct': 'Data', 'data': { 'x': 'int' } }",
    "{ 'struct': 'Data', 'data': { 'y': 'str' } }",
    [],
  ],
]);
