import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../runtime/visit/option-error.js';
import { type OptsTable, parseOpts } from '../../../runtime/visit/opts-text.js';

const open: OptsTable = { name: 'drive' };
const closed: OptsTable = {
  name: 'chardev',
  impliedKey: 'backend',
  keys: { backend: 'string', path: 'string', wait: 'bool', port: 'number', size: 'size' },
};

describe('parseOpts', () => {
  it.each<[string, OptsTable, [string, string][]]>([
    ['', open, []],
    [
      'file=a,,b.img,cache=none',
      open,
      [
        ['file', 'a,b.img'],
        ['cache', 'none'],
      ],
    ],
    ['file.driver=raw,', open, [['file.driver', 'raw']]],
    [
      'a=1,a=2',
      open,
      [
        ['a', '1'],
        ['a', '2'],
      ],
    ],
    ['=x', open, [['', 'x']]],
    [
      'socket,path=/x',
      closed,
      [
        ['backend', 'socket'],
        ['path', '/x'],
      ],
    ],
    ['a,,b', closed, [['backend', 'a,b']]],
    [
      ',path=/x',
      closed,
      [
        ['backend', ''],
        ['path', '/x'],
      ],
    ],
    [
      'port=0x10,size=1.5k,wait=y',
      closed,
      [
        ['port', '0x10'],
        ['size', '1.5k'],
        ['wait', 'y'],
      ],
    ],
  ])('reads %j', (text, table, entries) => {
    expect(parseOpts(text, table)).toEqual({ entries, help: false, warnings: [] });
  });

  it('reads flags, also negated ones, with a warning', () => {
    const { entries, warnings } = parseOpts('file=x,snapshot,nowait,node', open);
    expect(entries.slice(1)).toEqual([
      ['snapshot', 'on'],
      ['wait', 'off'],
      ['de', 'off'],
    ]);
    expect(warnings).toEqual([
      "'snapshot' without a value is deprecated: write 'snapshot=on'",
      "'nowait' without a value is deprecated: write 'wait=off'",
      "'node' without a value is deprecated: write 'de=off'",
    ]);
    expect(parseOpts(',', open).entries).toEqual([['', 'on']]);
  });

  it('takes the first id', () => {
    expect(parseOpts('id=d0,file=x,id=d1', open)).toMatchObject({ id: 'd0', entries: [['file', 'x']] });
    expect(() => parseOpts('id=0d', open)).toThrow("Parameter 'id' expects an identifier, not '0d'");
    expect(() => parseOpts('id=x', { ...open, mergeLists: true })).toThrow("takes no 'id'");
  });

  it('offers help for closed tables only', () => {
    expect(parseOpts('path=/x,help', closed).help).toBe(true);
    expect(parseOpts('?', { name: 'x', keys: {} }).help).toBe(true);
    expect(parseOpts('file=x,help', open)).toMatchObject({
      help: false,
      entries: [
        ['file', 'x'],
        ['help', 'on'],
      ],
    });
  });

  it.each([
    ['pth=/x', "Invalid parameter 'pth': -chardev has"],
    ['wait=ON', "Parameter 'wait' expects 'on' or 'off', not 'ON'"],
    ['port=1k', "Parameter 'port' expects a number"],
    ['size=-1', "Parameter 'size' expects a size"],
    ['backend=x,toString=1', "Invalid parameter 'toString'"],
  ])('refuses %j', (text, message) => {
    expect(() => parseOpts(text, closed)).toThrow(OptionError);
    expect(() => parseOpts(text, closed)).toThrow(message);
  });
});
