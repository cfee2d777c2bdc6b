import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { callsOf } from '../../../generator/emit/example-calls.js';
import type { LiteralOptions } from '../../../generator/emit/literal.js';
import { schemaOf } from './fixture.js';

const schema = await schemaOf(`
{ 'enum': 'Mode', 'data': [ 'fast', 'safe' ] }
{ 'struct': 'Disk', 'data': { 'name': 'str', '*node-name': 'str', '*size': 'size', '*__proto__': 'int' } }
{ 'struct': 'Slow', 'data': { 'delay': 'int' } }
{ 'union': 'How', 'base': { 'mode': 'Mode' }, 'discriminator': 'mode', 'data': { 'safe': 'Slow' } }
{ 'alternate': 'Ref', 'data': { 'name': 'str', 'disk': 'Disk', 'all': 'int' } }
{ 'command': 'stop' }
{ 'command': 'query-disks', 'returns': [ 'Disk' ] }
{ 'command': 'disk-add', 'data': 'Disk' }
{ 'command': 'disk-copy', 'data': { 'from': 'Ref', '*how': 'How', '*tags': [ 'int8' ] }, 'allow-oob': true }
{ 'command': 'free', 'data': { '*driver': 'str' }, 'gen': false }
{ 'event': 'DISK_GONE', 'data': { 'name': 'str' } }
`);

function calls(code: string, options: Partial<LiteralOptions> = {}): string | undefined {
  return callsOf(schema, code.split('\n'), { int64: 'union', width: 66, ...options })?.join('\n');
}

describe('an example becomes calls of methods', () => {
  test.each<[what: string, code: string, expected: string]>([
    ['without arguments', '-> { "execute": "stop" }\n<- { "return": {} }', 'await client.commands.stop();'],
    [
      'with a result',
      '-> { "execute": "query-disks" }\n<- { "return": [ { "name": "it\'s" } ] }',
      "await client.commands['query-disks']();\n// returns [{ name: 'it\\'s' }]",
    ],
    [
      'over several lines where one is too narrow',
      '-> { "execute": "disk-add", "arguments": { "name": "a long name", "node-name": "another" } }',
      "await client.commands['disk-add']({\n  name: 'a long name',\n  'node-name': 'another',\n});",
    ],
    [
      'out of band',
      '-> { "exec-oob": "disk-copy", "arguments": { "from": "x" } }',
      "await client.commands['disk-copy']({ from: 'x' }, { oob: true });",
    ],
    [
      'with an error',
      '-> { "execute": "stop" }\n<- { "error": { "class": "GenericError", "desc": "no" } }',
      'await client.commands.stop();\n// throws GenericError: no',
    ],
    [
      'with an event',
      '-> { "execute": "stop" }\n<- { "event": "DISK_GONE", "data": { "name": "d" }, "timestamp": {} }',
      "await client.commands.stop();\n// event DISK_GONE { name: 'd' }",
    ],
    [
      'with text between messages',
      'First\n\n-> { "execute": "stop" }\nthen\n<- { "return": {} }',
      '// First\nawait client.commands.stop();\n// then',
    ],
    [
      'with a reply that is shortened',
      '-> { "execute": "query-disks" }\n<- { "return": [\n  ... ] }',
      'await client.commands[\'query-disks\']();\n// <- { "return": [\n//   ... ] }',
    ],
    [
      'with members that the schema does not know, where the server does not check them',
      '-> { "execute": "free", "arguments": { "driver": "d", "x": [ 1, null, true ] } }',
      "await client.commands.free({ driver: 'd', x: [1, null, true] });",
    ],
    [
      'with a member that would set the prototype',
      '-> { "execute": "disk-add", "arguments": { "name": "", "__proto__": 1 } }',
      "await client.commands['disk-add']({ name: '', ['__proto__']: 1 });",
    ],
  ])('%s', (_what, code, expected) => {
    expect(calls(code)).toBe(expected);
  });

  test('wide integers are written as the generated types have them, wherever they are', () => {
    const code =
      '-> { "execute": "disk-copy", "arguments": { "from": 5, "tags": [ 1 ], "how": { "mode": "safe", "delay": 2 } } }';
    const expected = "await client.commands['disk-copy']({ from: 5n, tags: [1], how: { mode: 'safe', delay: 2n } });";
    expect(calls(code, { int64: 'bigint', width: 200 })).toBe(expected);
    expect(calls(code, { width: 200 })).toBe(expected.replaceAll(/(\d)n/g, '$1'));
  });

  test.each([
    ['shows no call', '<- { "event": "DISK_GONE", "data": { "name": "d" } }'],
    ['is no example', 'some code'],
    ['has a call that is shortened', '-> { "execute": "disk-add", "arguments": { ... } }'],
    ['has a call that is not as the schema says', '-> { "execute": "disk-add" }'],
    [
      'has an integer that JSON has rounded',
      '-> { "execute": "disk-copy", "arguments": { "from": 9007199254740993 } }',
    ],
  ])('code that %s stays as it is', (_what, code) => {
    expect(calls(code)).toBeUndefined();
  });
});

test('any JSON as an argument becomes an expression with the same value', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })),
      fc.integer({ min: 1, max: 80 }),
      (value, width) => {
        const code = `-> ${JSON.stringify({ execute: 'free', arguments: { ...value, driver: 'd' } })}`;
        const lines = callsOf(schema, code.split('\n'), { int64: 'union', width });
        if (lines === undefined) return;
        const [, literal] = /^await client\.commands\.free\(([\s\S]*)\);$/.exec(lines.join('\n')) ?? [];
        const evaluated: unknown = new Function(`return ${literal}`)();
        expect(JSON.parse(JSON.stringify(evaluated))).toEqual(JSON.parse(JSON.stringify({ ...value, driver: 'd' })));
      },
    ),
  );
});
