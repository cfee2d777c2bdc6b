import { expect, test } from 'vitest';
import { pageOf } from '../../../cli/shell/pager.js';
import { wordsOf } from '../../../cli/shell/started-program.js';

test.each([
  ['qemu -m  1G ', ['qemu', '-m', '1G']],
  [`a 'b c' "d 'e'" f"g"h ''`, ['a', 'b c', "d 'e'", 'fgh', '']],
  ['a\\ b "c\\"d\\n" \'e\\\'', ['a b', 'c"d\\n', 'e\\']],
  ['', []],
])('a command line is taken apart as a shell does it: %j', (text, words) => {
  expect(wordsOf(text)).toEqual(words);
});

test('a page has as many lines as fit, by their width without colours, and at least one', () => {
  const wide = 'x'.repeat(25);
  const red = `\u001b[31m${'y'.repeat(10)}\u001b[0m`;
  expect(pageOf(['a', 'b', 'c'], 2, 10)).toEqual({ shown: 'a\nb', rest: ['c'] });
  expect(pageOf([red, red, 'c'], 2, 10)).toEqual({ shown: `${red}\n${red}`, rest: ['c'] });
  expect(pageOf([wide, 'b'], 2, 10)).toEqual({ shown: wide, rest: ['b'] });
  expect(pageOf(['a', wide], 3, 10)).toEqual({ shown: 'a', rest: [wide] });
  expect(pageOf(['a', ''], Number.POSITIVE_INFINITY, 80)).toEqual({ shown: 'a\n', rest: [] });
});
