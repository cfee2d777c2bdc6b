import { beforeAll, describe, expect, test } from 'vitest';
import type { Knowledge } from '../../../cli/shell/knowledge.js';
import { awaitsMore, readRequest } from '../../../cli/shell/request.js';
import { known } from './known.js';

test.each([
  ['query-jobs', false],
  ['{"execute": "x"', true],
  ['{"execute": "x"}', false],
  ['node-del {"node-name": "}', true],
  ["node-del {'node-name': '}'", true],
  ['node-del tag={"x": [1]', true],
  ['node-del tag={"x": [1]}', false],
  ['node-del node-name="', false],
  ['node-del node-name=json:{"driver":', true],
  ['node-del node-name=a{', false],
])('sees whether JSON goes on behind %s', (line, more) => {
  expect(awaitsMore(line)).toBe(more);
});

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
    ['node-del node-name="a," tag={"x":[1]}', 'node-del', { 'node-name': 'a,', tag: { x: [1] } }],
    ['node-del tag={"x": ["a, b", \'c}\']},node-name=a', 'node-del', { 'node-name': 'a', tag: { x: ['a, b', 'c}'] } }],
    ['node-del node-name=a modes=["file", "raw"]', 'node-del', { 'node-name': 'a', modes: ['file', 'raw'] }],
    ['node-del node-name="{x" tag="[y"', 'node-del', { 'node-name': '{x', tag: '[y' }],
    ['node-del node-name=json:{"driver":"raw","x":[1]}', 'node-del', { 'node-name': 'json:{"driver":"raw","x":[1]}' }],
    [
      'node-add driver=raw offset=1K file={\n  "driver": "file",\n  "filename": "x"\n}\n node-name=n',
      'node-add',
      { driver: 'raw', 'node-name': 'n', offset: 1024, file: { driver: 'file', filename: 'x' } },
    ],
    [
      'device_add driver=nic id=n mac=52:54:00:12:34:56 addr=5 speed=-1 host_mtu=1500 rombar=0x10 msix=off iommu=on',
      'device_add',
      {
        driver: 'nic',
        id: 'n',
        mac: '52:54:00:12:34:56',
        addr: '5',
        speed: -1,
        host_mtu: 1500,
        rombar: 16,
        msix: false,
        iommu: 'on',
      },
    ],
    [
      'device_add driver=nic rombar=18446744073709551615 x-new=[{"a": 1}]',
      'device_add',
      { driver: 'nic', rombar: 18446744073709551615n, 'x-new': [{ a: 1 }] },
    ],
    [
      'device_add driver=unknown bus=b size=5 text=five flag=on',
      'device_add',
      { driver: 'unknown', bus: 'b', size: 5, text: 'five', flag: true },
    ],
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
    ['node-del node-name', "Expected '=' after parameter 'node-name'"],
    ['node-del node-name="x', 'the quote " is not closed'],
    ['query-jobs x=1', /'x'/],
    ['node-del {"node-name"', /not complete/],
    ['node-del tag={"x": [1}', /not complete/],
    ['node-del tag={"x" 1}', /not JSON/],
    ['node-del tag={"x": 1}node-name=a', 'a space or a comma is missing behind {"x": 1}'],
    ['node-del modes={"x": 1} node-name=a', /^'modes': /],
    ['device_add driver=nic mca=1', "nic has no property 'mca': did you mean 'mac'?"],
    ['device_add driver=nic msix=maybe', `'msix': expected 'on' or 'off', found "maybe"`],
    ['device_add driver=nic speed=fast', `'speed': expected an integer, found "fast"`],
    ['device_add driver=nic speed=-x', `'speed': expected an integer, found "-x"`],
    ['device_add id=x', /^'driver': missing/],
    ['node-del {"a" 1}', /not JSON/],
    ['{"execute": 1}', /names its command/],
    ['{"execute": "x", "args": {}}', "a request has no member 'args'"],
    ['{"execute": "x", "arguments": []}', "the 'arguments' of a request are an object"],
  ])('says what is wrong with %s', async (line, problem) => {
    if (problem === undefined) await expect(readRequest(line, knowledge)).resolves.toMatchObject({ command: line });
    else await expect(readRequest(line, knowledge)).rejects.toThrow(problem);
  });
});
