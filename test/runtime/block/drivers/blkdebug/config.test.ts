import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../../../runtime/block/drivers/blkdebug/config.js';

const read = (...lines: string[]) =>
  parseConfig(lines.join('\n'), 'rules.conf').map(({ name, line, values }) => ({
    name,
    line,
    values: Object.fromEntries([...values].map(([key, { value }]) => [key, value])),
  }));

describe('a configuration file of blkdebug', () => {
  it('reads groups of assignments, comments and empty lines', () => {
    expect(
      read(
        '# how to break it',
        '',
        '[inject-error]',
        'event = "read_aio"   # soon',
        '  errno="28"\r',
        '[set-state "second"] # named',
        '',
        'new_state = "2"',
        'note = "a # b"',
        'empty = ""',
      ),
    ).toEqual([
      { name: 'inject-error', line: 3, values: { event: 'read_aio', errno: '28' } },
      { name: 'set-state', line: 6, values: { new_state: '2', note: 'a # b', empty: '' } },
    ]);
    expect(read()).toEqual([]);
  });

  it('keeps the last of two values', () => {
    expect(read('[set-state]', 'event = "l2_load"', 'event = "l2_update"')[0]?.values).toEqual({ event: 'l2_update' });
  });

  it.each([
    [['event = "l2_load"'], 'rules.conf:1: .*no group'],
    [['[set-state]', 'event = l2_load'], 'rules.conf:2: .*double quotes'],
    [['[set-state]', '', 'event'], 'rules.conf:3: expected'],
    [['[set-state'], 'rules.conf:1: expected'],
    [['[]'], 'rules.conf:1: expected'],
    [['[set-state] event = "x"'], 'rules.conf:1: expected'],
    [['[set-state]', 'event = "x" y'], 'rules.conf:2: expected'],
    [['[set-state]', '; event'], 'rules.conf:2: expected'],
  ])('refuses %j with the place', (lines, message) => {
    expect(() => read(...lines)).toThrow(new RegExp(message));
  });
});
