import { beforeAll, describe, expect, test } from 'vitest';
import type { Knowledge } from '../../../cli/shell/knowledge.js';
import { readRequest } from '../../../cli/shell/request.js';
import { known } from './known.js';

describe('readRequest', () => {
  let knowledge: Knowledge;
  beforeAll(async () => {
    knowledge = await known();
  });

  test.each<[line: string, command: string, args: unknown]>([
    ['  query-jobs ', 'query-jobs', undefined],
    ['node-del node-name=a', 'node-del', { 'node-name': 'a' }],
    ['node-del node-name="a b, c"', 'node-del', { 'node-name': 'a b, c' }],
    [`node-del node-name='say "hi"'`, 'node-del', { 'node-name': 'say "hi"' }],
    ['node-del node-name=a modes.0=file, modes.1=raw', 'node-del', { 'node-name': 'a', modes: ['file', 'raw'] }],
    ['node-del node-name="a," tag={"x":[1]}', 'node-del', { 'node-name': 'a,', tag: '{x:[1]}' }],
    [`node-del node-name=a tag='{"x":[1]}'`, 'node-del', { 'node-name': 'a', tag: { x: [1] } }],
    ['node-del node-name=a tag=18446744073709551615', 'node-del', { 'node-name': 'a', tag: 18446744073709551615n }],
    [
      'node-add driver=raw,offset=1K file.driver=file file.filename=x file.locking=on',
      'node-add',
      { driver: 'raw', offset: 1024, file: { driver: 'file', filename: 'x', locking: true } },
    ],
    ['node-add driver=raw file=disk0', 'node-add', { driver: 'raw', file: 'disk0' }],
    ['node-add {"driver": "what you like"}', 'node-add', { driver: 'what you like' }],
    ["x-hidden {'a': 1.5}", 'x-hidden', { a: 1.5 }],
    ['{"execute": "node-del", "arguments": {"node-name": "x"}, "id": 7}', 'node-del', { 'node-name': 'x' }],
  ])('reads %s', async (line, command, args) => {
    const request = await readRequest(line, knowledge);
    expect(request).toEqual({ command, ...(args !== undefined && { arguments: args }), oob: false });
  });

  test('reads out-of-band requests', async () => {
    expect(await readRequest('{"exec-oob": "x"}', knowledge)).toEqual({ command: 'x', oob: true });
  });

  test.each([
    ['node-dell x=1', "there is no command 'node-dell': did you mean 'node-del'?"],
    ['x-hidden x=1', `the schema does not have 'x-hidden', so its arguments must be JSON, such as { "key": 1 }`],
    ['node-del', undefined],
    ['node-del modes.0=blue node-name=x', /^'modes\.0': .*"blue"/],
    ['node-del colour=blue node-name=x', /^'colour': /],
    ['node-del modes.0=raw', /^'node-name': missing/],
    ['node-del node-name', "Expected '=' after 'node-name'"],
    ['node-del node-name="x', 'the quote " is not closed'],
    ['query-jobs x=1', /'x'/],
    ['node-del {"node-name"', /not complete/],
    ['node-del {"a" 1}', /not JSON/],
    ['{"execute": 1}', /names its command/],
    ['{"execute": "x", "args": {}}', "a request has no member 'args'"],
    ['{"execute": "x", "arguments": []}', "the 'arguments' of a request are an object"],
  ])('says what is wrong with %s', async (line, problem) => {
    if (problem === undefined) await expect(readRequest(line, knowledge)).resolves.toMatchObject({ command: line });
    else await expect(readRequest(line, knowledge)).rejects.toThrow(problem);
  });
});
