import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadSchema, memoryHost } from '../../../generator/index.js';
import { corpusPath, describeWithCorpus } from '../../corpus.js';

const definitions = `
{ 'enum': 'Mode', 'data': [ 'fast', 'safe' ] }
{ 'struct': 'Disk', 'data': { 'name': 'str', '*size': 'uint8', '*modes': [ 'Mode' ], '*any': 'any', '*none': 'null' } }
{ 'struct': 'Slow', 'data': { 'delay': 'number' } }
{ 'union': 'How', 'base': { 'mode': 'Mode' }, 'discriminator': 'mode', 'data': { 'safe': 'Slow' } }
{ 'alternate': 'Ref', 'data': { 'name': 'str', 'disk': 'Disk', 'all': 'bool' } }
{ 'command': 'query-disks', 'returns': [ 'Disk' ] }
{ 'command': 'device_add', 'data': { 'driver': 'str' }, 'gen': false }
{ 'command': 'disk-copy', 'data': { 'from': 'Ref', '*how': 'How' } }
{ 'event': 'DISK_GONE', 'data': { 'name': 'str' } }
`;

/** What is found in the examples of a command, line by line, with the line counted from the first of them. */
async function faults(lines: readonly string[]): Promise<string[]> {
  const comment = [
    '##',
    '# @run:',
    '#',
    '# Run.',
    '#',
    '# .. qmp-example::',
    '#',
    ...lines.map((line) => `#     ${line}`.trimEnd()),
    '##',
  ];
  const text = `${comment.join('\n')}\n{ 'command': 'run' }\n${definitions}`;
  const host = memoryHost({ 'schema.json': text });
  const { schema, diagnostics } = await loadSchema('schema.json', { host, examples: true, advice: false });
  expect(schema).toBeDefined();
  return diagnostics.map(({ severity, message, span, definition }) => {
    expect({ severity, of: definition?.name }).toEqual({ severity: 'warning', of: 'run' });
    return `${(span?.file.lineAt(span.start) ?? 0) - 7}: ${message.replace(/^this example is not as the schema says: /, '')}`;
  });
}

describe('examples in documentation', () => {
  test.each<[title: string, lines: readonly string[], found: readonly string[]]>([
    ['a request and its reply', ['-> { "execute": "run" }', '<- { "return": {} }'], []],
    [
      'a request over several lines, with an empty one between',
      ['-> { "execute": "disk-copy",', '', '     "arguments": { "from": true } }'],
      [],
    ],
    [
      'a reply with values of all types',
      [
        '-> { "execute": "query-disks" }',
        '<- { "return": [ { "name": "a->b", "size": 255, "modes": [ "fast" ], "any": { "x": 1 }, "none": null } ] }',
      ],
      [],
    ],
    ['an event', ['<- { "event": "DISK_GONE", "data": { "name": "d" }, "timestamp": {} }'], []],
    ['what is shortened', ['-> { "execute": "nothing", ... }', '<- { "return": [ ... ] }'], []],
    ['an error', ['-> { "execute": "run" }', '<- { "error": { "class": "GenericError", "desc": "no" } }'], []],
    ['prose with arrows', ['-> sent by clients', '<- received'], []],
    [
      'members that a server does not check',
      ['-> { "execute": "device_add", "arguments": { "driver": "d", "x": 1 } }'],
      [],
    ],
    [
      'a comma that is missing',
      ['-> { "execute": "run" "id": 1 }'],
      ["1: the message of this example is no JSON: Expected ',' or '}' after property value"],
    ],
    [
      'a message that is not closed',
      ['-> { "execute": "run"', '', '<- { "return": {} }'],
      ["1: the message of this example is no JSON: Expected ',' or '}' after property value"],
    ],
    [
      'a command that is none',
      ['-> { "execute": "nothing" }'],
      ["1: this example shows the command 'nothing', which is not defined"],
    ],
    [
      'an event that is none',
      ['<- { "event": "RUN" }'],
      ["1: this example shows the event 'RUN', which is not defined"],
    ],
    ['a request of nothing', ['-> { "return": {} }'], ["1: the request has no 'execute'"]],
    ['a message of nothing', ['<- { "status": 1 }'], ['1: the message is neither a reply nor an event']],
    [
      'an argument that is none',
      ['-> { "execute": "run", "arguments": { "x": 1 } }'],
      ["1: arguments has 'x', which is no member of it"],
    ],
    ['an argument that is missing', ['-> { "execute": "disk-copy" }'], ["1: arguments has no 'from'"]],
    [
      'a choice that is none',
      ['-> { "execute": "disk-copy", "arguments": { "from": 1 } }'],
      ["1: arguments.from is 1, which is no choice of 'Ref'"],
    ],
    [
      'a member that its branch demands',
      ['-> { "execute": "disk-copy", "arguments": { "from": "a", "how": { "mode": "safe" } } }'],
      ["1: arguments.how has no 'delay'"],
    ],
    [
      'a branch that is none',
      ['-> { "execute": "disk-copy", "arguments": { "from": "a", "how": { "mode": "slow" } } }'],
      ["1: arguments.how.mode is the string 'slow', which selects no branch"],
    ],
    [
      'a discriminator that is missing',
      ['-> { "execute": "disk-copy", "arguments": { "from": "a", "how": {} } }'],
      ["1: arguments.how has no 'mode'"],
    ],
    [
      'a reply that is no list',
      ['-> { "execute": "query-disks" }', '<- { "return": {} }'],
      ['2: return is an object instead of an array'],
    ],
    [
      'an integer that its type does not hold',
      ['-> { "execute": "query-disks" }', '<- { "return": [ { "name": "a", "size": 256 } ] }'],
      ["2: return[0].size is 256, which 'uint8' does not hold"],
    ],
    [
      'a value that is none of its enum',
      ['-> { "execute": "query-disks" }', '<- { "return": [ { "name": "a", "modes": [ "slow" ] } ] }'],
      ["2: return[0].modes[0] is the string 'slow', which is no value of 'Mode'"],
    ],
    [
      'a string in the place of a number',
      ['-> { "execute": "disk-copy", "arguments": { "from": "a", "how": { "mode": "safe", "delay": "1" } } }'],
      ["1: arguments.how.delay is the string '1' instead of a number"],
    ],
  ])('%s', async (_title, lines, found) => {
    expect(await faults(lines)).toEqual(found);
  });

  test('examples are looked at when that is wanted', async () => {
    const text = '##\n# @run:\n#\n# -> { "execute": "no" }\n##\n{ \'command\': \'run\' }';
    const host = memoryHost({ 'schema.json': text });
    expect((await loadSchema('schema.json', { host, dialect: '10.1' })).diagnostics).toEqual([]);
    const { diagnostics } = await loadSchema('schema.json', { host, dialect: '10.1', examples: true });
    expect(diagnostics.map(({ name }) => name)).toEqual(['example-of-nothing']);
  });
});

describeWithCorpus('the examples in the schemas of releases', 'releases', () => {
  test.each(['4.2', '7.2', '10.1', '11.1'])('%s: what is wrong with examples is what was reviewed', async (release) => {
    const path = corpusPath('releases', release, 'qapi/qapi-schema.json');
    const { diagnostics } = await loadSchema(path, { examples: true, advice: false });
    const lines = diagnostics.map(
      ({ code, definition, message }) => `${code} ${definition?.name ?? '-'}: ${message}\n`,
    );
    await expect(lines.join('')).toMatchFileSnapshot(
      join(import.meta.dirname, '__golden__', `examples-${release}.txt`),
    );
  });
});
